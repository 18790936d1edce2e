/** kill -9 after the use of a preauthorization and before the client's own event: the same credential finishes it. */
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { newCsr } from '../support/csr.ts';
import { newName, registerPath, strong } from '../support/door.ts';
import { newFolder, removeFolder, serve } from '../support/process.ts';
import { assert, suite } from '../support/suite.ts';

const test = suite<{ dataDir: string }>('kill -9 between a use and its grant');
test.before.each(async (here) => {
  here.dataDir = await newFolder();
});
test.after.each(({ dataDir }) => removeFolder(dataDir));

const preload = pathToFileURL(join(import.meta.dirname, '../support/killed-at-event.ts')).href;
const until = '2999-01-01T00:00:00.000Z';

for (const kind of ['password', 'key'] as const)
  test(`by its ${kind}: nobody else gets the use, and none is taken twice`, async ({ dataDir }) => {
    const armed = join(dataDir, 'kill');
    const starts = () =>
      serve(dataDir, {
        NODE_OPTIONS: `--import=${preload}`,
        KILLED_AT_EVENT: 'RegistrationRequested',
        KILLED_AT_EVENT_FILE: armed,
      });
    const username = newName('interrupted');
    const credential = kind === 'password' ? { password: strong() } : newCsr(username);
    const sent = kind === 'password' ? credential : { csr: (credential as { csr: string }).csr };
    let served = await starts();
    const base = '/api/client-registry/preauthorizations';
    const rule = { enrolmentCode: true, until };
    const made = await served.call('POST', base, { token: await served.signIn(), body: rule });
    const { enrolmentCode, preauthorizationId } = made.body;

    await writeFile(armed, '');
    await served
      .call('POST', registerPath, { body: { username, enrolmentCode, ...sent } })
      .catch(() => undefined);
    assert.is(await served.ended, null, 'it was killed');
    await rm(armed);

    served = await starts();
    const token = await served.signIn();
    const show = () => served.call('GET', `${base}/${preauthorizationId}`, { token });
    assert.equal([(await show()).body.useCount, (await show()).body.status], [1, 'used']);
    const other = { username, enrolmentCode, password: strong() };
    assert.is((await served.call('POST', registerPath, { body: other })).status, 423);
    const body = { username, enrolmentCode, ...sent };
    assert.is((await served.call('POST', registerPath, { body })).status, 201);
    assert.is((await served.call('POST', registerPath, { body })).status, 201);
    assert.is((await show()).body.useCount, 1);
    served.kill('SIGTERM');
    assert.is(await served.ended, 0);
  });

test.run();
