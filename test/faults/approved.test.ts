/** kill -9 between an approval and its deed: the next start does what was approved, once. */
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { newName, registerPath, strong } from '../support/door.ts';
import { newFolder, removeFolder, type Served, serve } from '../support/process.ts';
import { adminPassword } from '../support/service.ts';
import { assert, suite } from '../support/suite.ts';

const test = suite<{ dataDir: string }>('kill -9 between approval and deed');
test.before.each(async (here) => {
  here.dataDir = await newFolder();
});
test.after.each(({ dataDir }) => removeFolder(dataDir));

const preload = pathToFileURL(join(import.meta.dirname, '../support/killed-at-event.ts')).href;
const base = '/api/approvals';

async function until<T>(look: () => Promise<T | undefined>): Promise<T> {
  for (let left = 100; left > 0; left--) {
    const found = await look();
    if (found !== undefined) return found;
    await sleep(100);
  }
  throw new Error('it did not come to pass');
}

/** Before the deed, and after it where its end is not recorded yet. */
for (const killedAt of ['RegistrationGranted', 'ProposalCarriedOut'])
  test(`killed at ${killedAt}`, async ({ dataDir }) => {
    const armed = join(dataDir, 'kill');
    const starts = (approvals: string) =>
      serve(dataDir, {
        ...{ NODE_OPTIONS: `--import=${preload}`, KILLED_AT_EVENT: killedAt },
        ...{ KILLED_AT_EVENT_FILE: armed, GATEBOOK_APPROVALS: approvals },
      });
    let served = await starts('1');
    const second = { username: 'second', password: strong() };
    const made = { ...second, roles: ['administrator'] };
    await served.call('POST', '/api/users', { token: await served.signIn(), body: made });
    served.kill('SIGTERM');
    await served.ended;

    served = await starts('2');
    const token = await served.signIn(adminPassword);
    await served.call('POST', '/api/client-registry/unlock', { token, body: {} });
    const device = { username: newName(), password: strong() };
    const asked = await served.call('POST', registerPath, { body: device });
    const grant = `/api/client-registry/requests/${asked.body.requestId}/grant`;
    const { body: proposal } = await served.call('POST', grant, { token, body: {} });
    const login = await served.call('POST', '/api/login', { body: second });
    await writeFile(armed, '');
    const path = `${base}/${proposal.proposalId}/approve`;
    const approve = { token: login.body.token, body: { hash: proposal.hash } };
    await served.call('POST', path, approve).catch(() => undefined);
    assert.is(await served.ended, null, 'it was killed');
    await rm(armed);

    served = await starts('2');
    const isDone = async (again: Served) =>
      (await again.call('POST', registerPath, { body: device })).status === 201 ? true : undefined;
    assert.ok(await until(() => isDone(served)));
    const told = async () => {
      const { body } = await served.call('GET', `/api/audit/events?type=ProposalCarriedOut`, {
        token,
      });
      return body.items.length === 1 ? body.items : undefined;
    };
    const [event] = await until(told);
    assert.is(event.data.problem, null);
    const granted = await served.call('GET', '/api/audit/events?type=RegistrationGranted', {
      token,
    });
    assert.is(granted.body.items.length, 1);
    served.kill('SIGTERM');
    assert.is(await served.ended, 0);
  });

test.run();
