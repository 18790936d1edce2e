/** The service works under Node's permission model as deploy/systemd/confined.conf sets it, and gets no further. */
import { readFileSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { connected } from './support/mqtt-peers.ts';
import { newFolder, removeFolder, runs, serve } from './support/process.ts';
import { assert, suite } from './support/suite.ts';

const test = suite<{ dataDir: string; other: string }>('confined');
test.before.each(async (context) => {
  context.dataDir = await newFolder();
  context.other = await newFolder();
});
test.after.each(async ({ dataDir, other }) => {
  await removeFolder(dataDir);
  await removeFolder(other);
});

const root = join(import.meta.dirname, '..');
const password = '0123456789abcdef0123456789abcdef';

/** What the unit has in its environment, with the folders that are here. */
function environmentAt(dataDir: string): Record<string, string> {
  const program = [root, realpathSync(join(root, 'node_modules'))];
  const text = readFileSync(join(root, 'deploy/systemd/confined.conf'), 'utf8')
    .replace('--allow-fs-read=/usr/lib/gatebook', () =>
      program.map((folder) => `--allow-fs-read=${folder}`).join(' '),
    )
    .replaceAll('/var/lib/gatebook', dataDir);
  const settings = [...text.matchAll(/^Environment=(?:"(.*)"|(.*))$/gm)].flatMap(
    ([, quoted, plain = '']) => (quoted === undefined ? plain.split(' ') : [quoted]),
  );
  return Object.fromEntries(
    settings.map((setting) => {
      const [name = '', ...value] = setting.split('=');
      return [name, value.join('=')];
    }),
  );
}

test('it starts, lets people and clients in, gives a backup, and stops', async ({ dataDir }) => {
  const environment = environmentAt(dataDir);
  assert.ok(environment.NODE_OPTIONS?.startsWith('--permission '));
  // So that a file is put into the place of another, too.
  const files = { GATEBOOK_CERTIFICATE_FILES_DIR: dataDir };
  const served = await serve(dataDir, { ...environment, ...files, GATEBOOK_MQTT_TLS_PORT: '0' });
  const token = await served.signIn();
  assert.is((await served.call('GET', '/')).status, 200);
  const body = { username: 'let-in', password };
  assert.is((await served.call('POST', '/api/users', { token, body })).status, 201);
  const client = await connected(served.mqttPort, { ...body, clientId: 'let-in' });
  assert.is(client.code, 0);
  client.end();
  const backup = await served.call('POST', '/api/backup', { token, body: { withoutKeys: true } });
  assert.is(backup.status, 200);
  served.kill('SIGTERM');
  assert.is(await served.ended, 0);
  assert.is(served.output.out.match(/"level":"(?:warn|error)".*/g), null);
});

test('it reads no other folder', async ({ dataDir, other }) => {
  const { exitCode, err } = await runs(other, environmentAt(dataDir));
  assert.is(exitCode, 1);
  assert.match(err, 'Access to this API has been restricted');
});

test.run();
