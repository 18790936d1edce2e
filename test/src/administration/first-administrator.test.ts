/** How a process starts and ends: its first administrator, its folder, its keys. */
import { cp, mkdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { hashesAtOnceMax } from '../../../src/limits/credentials.ts';
import { registerPath } from '../../support/door.ts';
import { newFolder, removeFolder, runs, type Served, serve } from '../../support/process.ts';
import { assert, suite } from '../../support/suite.ts';

const test = suite<{ dataDir: string }>('first start');
test.before.each(async (here) => {
  here.dataDir = await newFolder();
});
test.after.each(({ dataDir }) => removeFolder(dataDir));

async function ends(served: Served, signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
  served.kill(signal);
  assert.is(await served.ended, 0);
}

test('without a terminal the password is in a file of its owner, and nowhere else', async ({
  dataDir,
}) => {
  let served = await serve(dataDir, { GATEBOOK_ADMIN_PASSWORD: '' });
  const file = join(dataDir, 'initial-admin-password');
  const password = (await readFile(file, 'utf8')).trim();
  assert.match(password, /^gbs_[\w-]{38}$/);
  assert.is((await stat(file)).mode & 0o777, 0o600);
  for (const text of [served.output.out, served.output.err]) assert.not(text.includes(password));
  assert.ok(served.output.out.includes(file), 'the path is told');
  await served.signIn(password);
  await ends(served);

  served = await serve(dataDir, { GATEBOOK_ADMIN_PASSWORD: '' });
  await served.signIn(password);
  assert.is((await readFile(file, 'utf8')).trim(), password, 'the next start makes no other');
  assert.not(served.output.out.includes(file), 'and tells of none');
  await ends(served, 'SIGINT');
});

test('a start that cannot listen makes no administrator: the next one tells its password', async ({
  dataDir,
}) => {
  const other = createServer();
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
  const { port } = other.address() as AddressInfo;
  for (const name of ['HTTP_PORT', 'DOOR_PORT', 'MQTT_PORT'])
    assert.is((await runs(dataDir, { [`GATEBOOK_${name}`]: String(port) })).exitCode, 1, name);
  other.close();

  const file = join(dataDir, 'initial-admin-password');
  assert.is(await stat(file).catch(() => null), null, 'no password is made before it listens');
  const served = await serve(dataDir, { GATEBOOK_ADMIN_PASSWORD: '' });
  assert.ok(served.output.out.includes(file), 'the path is told');
  await served.signIn((await readFile(file, 'utf8')).trim());
  await ends(served);
});

test('the password that is configured counts at the first start only', async ({ dataDir }) => {
  let served = await serve(dataDir, { GATEBOOK_ADMIN_PASSWORD: 'the first password' });
  await served.signIn('the first password');
  await ends(served);
  served = await serve(dataDir, { GATEBOOK_ADMIN_PASSWORD: 'the second password' });
  await served.signIn('the first password');
  const other = { username: 'admin', password: 'the second password' };
  assert.is((await served.call('POST', '/api/login', { body: other })).status, 401);
  for (const text of ['the first password', 'the second password'])
    assert.not(served.output.out.includes(text) || served.output.err.includes(text));
  await ends(served);
});

test('a second process is kept out of the folder, and says so', async ({ dataDir }) => {
  const served = await serve(dataDir);
  const second = await runs(dataDir);
  assert.is(second.exitCode, 1);
  assert.match(second.err, /in use by another process/);
  assert.ok(second.err.includes(dataDir));
  assert.not(second.err.includes('    at '), 'no stack for people');
  // The first one did not suffer.
  await served.signIn();
  await ends(served);
});

test('a stop tells those whose passwords wait to be checked to come back', async ({ dataDir }) => {
  const served = await serve(dataDir);
  const asked = Array.from({ length: 150 }, (_, at) =>
    served.call('POST', registerPath, {
      body: { username: `waits-${at}`, password: `a slow password ${at}` },
    }),
  );
  // All of them are in the house before it closes: answered already, in a worker, or in the queue.
  let answeredCount = 0;
  for (const one of asked) one.then(() => answeredCount++);
  const arrivedCount = async () => {
    const answeredBefore = answeredCount;
    const metrics = await (await fetch(`${served.url}/metrics`)).text();
    const waiting = /^gatebook_hash_queue_length (\d+)$/m.exec(metrics)?.[1];
    return answeredBefore + Number(waiting);
  };
  while ((await arrivedCount()) < asked.length - hashesAtOnceMax) await setTimeout(5);
  await ends(served);
  const told = await Promise.all(asked);
  const busy = told.filter(({ body }) => body.code === 'hashing-busy');
  const checked = told.filter(({ body }) => body.code === 'registry-locked');
  assert.is(busy.length + checked.length, asked.length, 'nobody is told anything else');
  assert.ok(busy.length > 0, `${busy.length} of ${told.length}`);
  for (const { status, headers } of busy) {
    assert.is(status, 503);
    assert.ok(Number(headers.get('retry-after')) > 0);
  }
});

test('with other keys than those of its log it does not start', async ({ dataDir }) => {
  let served = await serve(dataDir);
  await ends(served);
  const keys = join(dataDir, 'keys');
  const kept = join(dataDir, 'kept');
  await rename(keys, kept);
  const without = await runs(dataDir);
  assert.is(without.exitCode, 1);
  assert.match(without.err, /begun with other keys/);
  assert.match(without.err, /GATEBOOK_KEYS_DIR/);

  await rm(keys, { recursive: true, force: true });
  await mkdir(keys);
  await cp(kept, keys, { recursive: true });
  served = await serve(dataDir);
  await served.signIn();
  await ends(served);
});

test.run();
