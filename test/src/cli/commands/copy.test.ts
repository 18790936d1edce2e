/** Moving a log with its vault to another store and back: every client connects afterwards. */
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type KurrentServer, startKurrentServer } from '../../../support/kurrentdb/server.ts';
import { runProgram } from '../../../support/program.ts';
import { startRegistry } from '../../../support/service.ts';
import { assert, suite } from '../../../support/suite.ts';

const test = suite<{ server: KurrentServer; folder: string }>('gatebook copy', {
  server: undefined as unknown as KurrentServer,
  folder: '',
});

test.before.each(async (world) => {
  world.server = await startKurrentServer();
  world.folder = await mkdtemp(join(tmpdir(), 'gatebook-copy-'));
});
test.after.each(async ({ server, folder }) => {
  await server.stop();
  await rm(folder, { recursive: true, force: true });
});

const copy = (from: string, to: string) =>
  runProgram(process.execPath, ['bin/gatebook.js', 'copy', '--json', '--from', from, '--to', to]);

test('there and back: the same events, the same passwords, one live log', async (world) => {
  const { server, folder } = world;
  const registry = await startRegistry();
  const ask = (password: string) =>
    registry.call('POST', '/api/client-registry/register', {
      token: null,
      body: { username: 'press-1', password },
    });
  await registry.call('POST', '/api/client-registry/unlock');
  const { requestId } = (await ask('its-own-secret')).body;
  await registry.call('POST', `/api/client-registry/requests/${requestId}/grant`, { body: {} });
  const events = await registry.call('GET', '/api/audit/events?order=asc');
  const keys = join(folder, 'keys');
  await cp(join(registry.dataDir, 'keys'), keys, { recursive: true });
  const source = join(folder, 'source');
  await registry.running.stop();
  await cp(registry.dataDir, source, { recursive: true });
  await registry.running.stop().catch(() => undefined);
  await rm(registry.dataDir, { recursive: true, force: true });

  const there = await copy(source, server.connectionString);
  assert.is(there.code, 0, there.output);
  const back = join(folder, 'back');
  const again = await copy(server.connectionString, back);
  assert.is(again.code, 0, again.output);
  const [first, second] = [there, again].map(({ output }) =>
    // What takes long says on stderr how far it is.
    JSON.parse(output.trim().split('\n').at(-1) ?? ''),
  );
  assert.equal(second, first);
  assert.ok(first.events >= events.body.items.length);

  const sealed = await runProgram(process.execPath, ['bin/gatebook.js', 'serve'], {
    GATEBOOK_DATA_DIR: source,
    GATEBOOK_HTTP_PORT: '0',
    GATEBOOK_MQTT_PORT: 'off',
  });
  assert.is(sealed.code, 1, sealed.output);
  assert.match(sealed.output, /sealed/);

  const moved = await startRegistry({ GATEBOOK_DATA_DIR: back, GATEBOOK_KEYS_DIR: keys });
  try {
    const answer = await moved.call('POST', '/api/client-registry/register', {
      token: null,
      body: { username: 'press-1', password: 'its-own-secret' },
    });
    assert.is(answer.status, 201);
    const same = await moved.call('GET', '/api/audit/events?order=asc');
    assert.equal(
      same.body.items
        .slice(0, events.body.items.length)
        .map((event: { eventId: string }) => event.eventId),
      events.body.items.map((event: { eventId: string }) => event.eventId),
    );
  } finally {
    await moved.stop();
  }
});

test('a target that holds another log is refused, and nothing is sealed', async ({
  server,
  folder,
}) => {
  const other = await startRegistry({ GATEBOOK_STORE: server.connectionString });
  await other.stop();
  const registry = await startRegistry();
  const source = join(folder, 'source');
  await registry.running.stop();
  await cp(registry.dataDir, source, { recursive: true });
  await rm(registry.dataDir, { recursive: true, force: true });
  const refused = await copy(source, server.connectionString);
  assert.is(refused.code, 1, refused.output);
  assert.match(refused.output, /Not copied/);
  const still = await startRegistry({ GATEBOOK_DATA_DIR: source });
  await still.stop();
});

test.run();
