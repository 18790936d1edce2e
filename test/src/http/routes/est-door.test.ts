/** EST is the explicit door: for each state, credential and gate REST and EST answer alike, and record the same. */

import { type ProblemCode, problemTable } from '../../../../src/api/problems.ts';
import { newCsr } from '../../../support/csr.ts';
import {
  type Cell,
  type Door,
  doorOf,
  knockEverywhere,
  recorded,
  registerPath,
} from '../../../support/door.ts';
import type { Here } from '../../../support/door-suite.ts';
import { type EstAnswer, enrol } from '../../../support/est.ts';
import { startRegistry } from '../../../support/service.ts';
import { assert, suite } from '../../../support/suite.ts';

const test = suite<Here>('EST at the door');
test.before.each(async (here) => {
  here.world = await startRegistry({ GATEBOOK_SOURCE_ATTEMPTS_PER_MINUTE: '0' });
  here.door = doorOf(here.world);
});
test.after.each(({ world }) => world.stop());

/** What stands for each credential of the table: a key alone, or a password with a key. */
type Kind = 'key' | 'both';

/** A CSR for each name and credential, the same each time. */
function csrs() {
  const known = new Map<string, string>();
  return (username: string, credential: string): string => {
    const name = `${username} ${credential}`;
    const csr = known.get(name) ?? newCsr(username).csr;
    known.set(name, csr);
    return csr;
  };
}

/** The door of REST by these credentials, which the names of the table are made with. */
function doorWith({ door, world }: Here, kind: Kind, csrOf: ReturnType<typeof csrs>): Door {
  const ask: Door['ask'] = (username, credential) =>
    world.call('POST', registerPath, {
      token: null,
      body: {
        ...{ username, csr: csrOf(username, credential) },
        ...(kind === 'both' && { password: credential }),
      },
    });
  return {
    ...door,
    ask,
    async pending(username = '', credential = '') {
      const { status, body } = await ask(username, credential);
      assert.is(status, 202, JSON.stringify(body));
      return { username, password: credential, ...body };
    },
  };
}

const base64Of = (csr: string) => csr.replace(/-----[^-]+-----|\s/g, '');

/** What EST makes of what REST tells (WIRE "EST"). */
function expectedOf(cell: Cell): { status: number; code: string } {
  const [status = '', code = ''] = cell.told.split(' ');
  const waits = ['registry-locked', 'replacement-pending'].includes(code);
  if (waits || recorded(cell)[0] === 'ReplacementRequested') return { status: 202, code: '' };
  return { status: status === '201' ? 200 : Number(status), code };
}

function checkTold(cell: Cell, answer: EstAnswer) {
  const { status, code } = expectedOf(cell);
  assert.is(answer.status, status, `${cell.username}: ${answer.text}`);
  if (status === 200) {
    assert.is(answer.headers['content-type'], 'application/pkcs7-mime; smime-type=certs-only');
    return;
  }
  assert.is(answer.headers['content-type'], 'text/plain; charset=utf-8');
  assert.is('retry-after' in answer.headers, status === 202);
  if (status !== 202)
    assert.is(answer.text.split('\n')[0], problemTable[code as ProblemCode].detail);
}

for (const kind of ['key', 'both'] as const) {
  test(`REST by ${kind}: the rows of SPEC 4`, async (here) => {
    const csrOf = csrs();
    const door = doorWith(here, kind, csrOf);
    await knockEverywhere(door, async (cell, credential) => {
      assert.is(door.code(await door.ask(cell.username, credential)), cell.told, cell.username);
    });
  });

  test(`EST by ${kind}: the same rows, and the same bytes for all who wait`, async (here) => {
    const csrOf = csrs();
    const waiting = new Set<string>();
    await knockEverywhere(doorWith(here, kind, csrOf), async (cell, credential) => {
      const csr = base64Of(csrOf(cell.username, credential));
      const basic = kind === 'both' ? { basic: `${cell.username}:${credential}` } : {};
      const answer = await enrol(here.world, csr, basic);
      checkTold(cell, answer);
      const { status, rawHeaders, text } = answer;
      if (status === 202) waiting.add(JSON.stringify([status, rawHeaders, text]));
    });
    assert.is(waiting.size, 1, [...waiting].join('\n'));
  });
}

test.run();
