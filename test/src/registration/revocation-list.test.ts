/** The list of revoked certificates: anew for each change, the same on every node, renewed before its end by an event. */
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { system } from '../../../domain/values.ts';
import {
  type CertificateAuthority,
  openAuthority,
} from '../../../src/credentials/certificates/authority.ts';
import { startRenewingRevocationList } from '../../../src/jobs/revocation-list.ts';
import {
  createRevocationList,
  type RevocationList,
} from '../../../src/registration/revocation-list.ts';
import * as the from '../../support/client.ts';
import { change, clockWorld, dayMs, near, type World } from '../../support/clock-world.ts';
import { runProgram } from '../../support/program.ts';
import { assert, suite } from '../../support/suite.ts';

interface Here {
  folder: string;
  ca: CertificateAuthority;
  world: World;
}

const test = suite<Here>('revocation list');
test.before(async (here) => {
  here.folder = await mkdtemp(join(tmpdir(), 'gatebook-crl-'));
  here.ca = await openAuthority({ keysDir: here.folder, given: null, now: () => the.at });
});
test.before.each((here) => {
  here.world = clockWorld();
});
test.after.each(({ world }) => world.stop());
test.after(({ folder }) => rm(folder, { recursive: true }));

/** A node's list. */
const listOf = ({ ca, world }: Here): RevocationList =>
  createRevocationList({
    ...{ rows: world.options.rows, store: world.store, ca, now: () => world.clock.at },
    reached: (position, timeoutMs) => world.models.reached(position, timeoutMs),
    onApplied: (listener) => world.models.onApplied(listener),
  });

/** A list as openssl reads it. */
async function read({ folder }: Here, der: Buffer) {
  const file = join(folder, `${randomBytes(4).toString('hex')}.crl`);
  await writeFile(file, der);
  const { code, output } = await runProgram('openssl', [
    ...['crl', '-inform', 'DER', '-in', file, '-noout', '-text'],
  ]);
  assert.is(code, 0, output);
  const at = (line: RegExp) => Date.parse(line.exec(output)?.[1] ?? '');
  const [, number = ''] = /CRL Number:\s+(\w+)/.exec(output) ?? [];
  return {
    serials: [...output.matchAll(/Serial Number: ([0-9A-F]+)/g)].map(([, serial = '']) =>
      serial.toLowerCase(),
    ),
    number: Number(number),
    thisUpdate: at(/Last Update: (.+)/),
    nextUpdate: at(/Next Update: (.+)/),
    /** What was signed. */
    signed: output.slice(0, output.lastIndexOf('Signature Algorithm')),
  };
}

/** Makes a client with a certificate; gives back its serial. */
async function certifiedIn({ world }: Here, username: string): Promise<string> {
  const serial = `4a${randomBytes(15).toString('hex')}`;
  const at = world.clock.at;
  const rights = { ...the.rights, expiresAt: null };
  const made = { username, credentialId: the.id(700), at, by: the.ada } as const;
  await change(world, {
    ...{ ...made, type: 'CreateClient', rights, reason: null, httpLimit: null },
  });
  await change(world, {
    ...{ ...made, type: 'IssueCertificate', by: system, csr: the.clientKey(), serial },
    ...{ notAfter: near(at, 300 * dayMs), certificate: 'MIIB' },
  });
  return serial;
}

const revoke = (world: World, username: string) =>
  change(world, {
    ...{ type: 'RevokeAccess', username, reason: null, windowId: null },
    ...{ at: world.clock.at, by: the.ada },
  });

const later = (world: World, ms: number) => {
  world.clock.at = near(world.clock.at, ms);
};

test('change after change, seconds apart and at once', async (here) => {
  const { world } = here;
  const list = listOf(here);
  let told = 0;
  list.onChange(() => {
    told += 1;
  });
  const one = await certifiedIn(here, 'press-1');
  const two = await certifiedIn(here, 'press-2');
  assert.equal((await read(here, await list.current())).serials, []);
  later(world, 5_000);
  await revoke(world, 'press-1');
  const first = await read(here, await list.current());
  assert.equal(first.serials, [one]);
  // Within the second that one signature stands for: who asks meanwhile waits for the next.
  await revoke(world, 'press-2');
  const asked = await Promise.all([list.current(), list.current()]);
  assert.ok(asked[0].equals(asked[1]));
  const second = await read(here, asked[0]);
  assert.equal(second.serials, [one, two]);
  assert.ok(second.number > first.number);
  assert.ok(told >= 3);
});

test('at one position it is one list, however often it is signed', async (here) => {
  await certifiedIn(here, 'press-1');
  await revoke(here.world, 'press-1');
  const mine = await read(here, await listOf(here).current());
  // Another node, or this one after a restart.
  later(here.world, 2 * dayMs);
  assert.equal(await read(here, await listOf(here).current()), mine);
  const head = Number(await here.world.store.head());
  assert.is(mine.number, head);
  assert.is(mine.nextUpdate - mine.thisUpdate, 7 * dayMs);
});

test('where nothing changes, another date has another number: of two nodes one renews it', async (here) => {
  const { world } = here;
  const serial = await certifiedIn(here, 'press-1');
  await revoke(world, 'press-1');
  const nodes = [listOf(here), listOf(here)] as const;
  const before = await read(here, await nodes[0].current());
  later(world, 4.5 * dayMs);
  const [mine, others] = await Promise.all(
    nodes.map(async (node) => await read(here, await node.current())),
  );
  assert.equal(others, mine);
  assert.ok((mine?.number ?? 0) > before.number);
  assert.is(mine?.thisUpdate, Math.floor(Date.parse(world.clock.at) / 1_000) * 1_000);
  assert.equal(mine?.serials, [serial]);
  const renewals = await world.store.read('revocations-main');
  assert.equal(
    renewals.map(({ type, data }) => [type, Number(data.renews)]),
    [['RevocationListRenewed', before.number]],
  );
  await nodes[0].current();
  assert.is((await world.store.read('revocations-main')).length, 1);
});

test('what has ended goes from the list with the next one', async (here) => {
  const { world } = here;
  await certifiedIn(here, 'press-1');
  await revoke(world, 'press-1');
  const list = listOf(here);
  assert.is((await read(here, await list.current())).serials.length, 1);
  later(world, 301 * dayMs);
  assert.equal((await read(here, await list.current())).serials, []);
});

test('a list of a clock that was ahead is renewed', async (here) => {
  const { world } = here;
  const at = world.clock.at;
  later(world, 90 * dayMs);
  await certifiedIn(here, 'press-1');
  world.clock.at = at;
  const list = await read(here, await listOf(here).current());
  assert.is(list.thisUpdate, Math.floor(Date.parse(at) / 1_000) * 1_000);
});

test('while the store is away the one before stands until it ends; then there is none', async (here) => {
  const { world } = here;
  await certifiedIn(here, 'press-1');
  const list = listOf(here);
  const before = await list.current();
  const { append } = world.store;
  world.store.append = async () => {
    throw new Error('away');
  };
  later(world, 5 * dayMs);
  assert.ok((await list.current()).equals(before));
  later(world, 3 * dayMs);
  await list.current().then(
    () => assert.unreachable('an ended list'),
    (error: Error) => assert.is(error.message, 'away'),
  );
  world.store.append = append;
  assert.not.ok((await list.current()).equals(before));
});

test('it is renewed by the clock, where there are certificates', async (here) => {
  const { world } = here;
  const runs = async () => {
    const ending = new AbortController();
    const { signal } = ending;
    const running = startRenewingRevocationList(listOf(here), {
      logger: world.options.logger,
      signal,
    });
    for (
      let tries = 0;
      tries < 20 && (await world.store.read('revocations-main')).length === 0;
      tries++
    )
      await new Promise((resolve) => setTimeout(resolve, 10));
    ending.abort();
    await running;
    return (await world.store.read('revocations-main')).length;
  };
  later(world, 30 * dayMs);
  assert.is(await runs(), 0);
  await certifiedIn(here, 'press-1');
  later(world, 5 * dayMs);
  assert.is(await runs(), 1);
});

test.run();
