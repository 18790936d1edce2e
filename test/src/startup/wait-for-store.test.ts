/** A start waits for an event store that is not there yet, says so in words, and not for ever. */
import { setTimeout as delay } from 'node:timers/promises';
import { createLogger } from '../../../src/logger.ts';
import { waitForStore } from '../../../src/startup/wait-for-store.ts';
import { StoreUnavailable } from '../../../src/store/event-store.ts';
import { freePort } from '../../support/free-port.ts';
import { startKurrentServer } from '../../support/kurrentdb/server.ts';
import { assert, suite } from '../../support/suite.ts';
import { type Gatebook, gatebook } from '../cli/gatebook.ts';

const test = suite<{ gate: Gatebook }>('waiting for the store');
test.before.each((context) => {
  context.gate = gatebook();
});
test.after.each(({ gate }) => gate.clean());

test('a store that comes later is waited for', async ({ gate }) => {
  const server = await startKurrentServer();
  await server.stop();
  gate.environment.GATEBOOK_STORE = `kurrentdb://ada:hunter2@127.0.0.1:${server.port}?tls=false`;
  const service = gate.start(['serve']);
  const line = await service.says('waiting for the event store');
  assert.match(line, `kurrentdb://127.0.0.1:${server.port}`);
  assert.not.match(line, /hunter2/);
  await server.start();
  await service.says('"msg":"ready"');
  service.child.kill('SIGTERM');
  assert.is((await service.ended).exitCode, 0);
  await server.stop();
});

test('meanwhile it says that it lives, and why it is not ready', async ({ gate }) => {
  const server = await startKurrentServer();
  await server.stop();
  const port = await freePort();
  gate.environment.GATEBOOK_STORE = `kurrentdb://127.0.0.1:${server.port}?tls=false`;
  gate.environment.GATEBOOK_HTTP_PORT = String(port);
  const service = gate.start(['serve']);
  await service.says('waiting for the event store');
  const get = async (path: string) => {
    const answer = await fetch(`http://127.0.0.1:${port}${path}`);
    return { status: answer.status, headers: answer.headers, body: (await answer.json()) as never };
  };
  const health = await get('/healthz');
  assert.equal([health.status, health.body], [200, { status: 'up' }]);
  const ready = await get('/readyz');
  assert.is(ready.status, 503);
  assert.ok(Number(ready.headers.get('retry-after')) > 0);
  assert.equal(ready.body, { status: 'unready', checks: { store: 'down', readModels: 'down' } });
  const asked = await get('/api/whoami');
  assert.is(asked.status, 503);
  assert.match((asked.body as { detail: string }).detail, /waits for its event store/);

  await server.start();
  await service.says('"msg":"ready"');
  assert.is((await get('/readyz')).status, 200);
  service.child.kill('SIGTERM');
  assert.is((await service.ended).exitCode, 0);
  await server.stop();
});

test('a service that is told to stop meanwhile stops', async ({ gate }) => {
  gate.environment.GATEBOOK_STORE = 'kurrentdb://127.0.0.1:1?tls=false';
  const service = gate.start(['serve']);
  await service.says('waiting for the event store');
  service.child.kill('SIGTERM');
  assert.is((await service.ended).exitCode, 0);
});

test('after its limit it ends, and says which server did not answer, by which setting', async () => {
  let tries = 0;
  const error = await waitForStore(
    { store: 'kurrentdb://ada:hunter2@store-1:2113,store-2:2113?tls=true' },
    async () => {
      tries += 1;
      await delay(1);
      throw new StoreUnavailable('connection refused');
    },
    {
      logger: createLogger({ level: 'error', write: () => undefined }),
      signal: new AbortController().signal,
      waitMs: 500,
    },
  ).catch((fault: Error) => fault);
  assert.instance(error, StoreUnavailable);
  assert.match(error.message, 'no answer from kurrentdb://store-1:2113,store-2:2113 for 1 s');
  assert.match(error.message, 'GATEBOOK_STORE');
  assert.not.match(error.message, /hunter2/);
  assert.ok(tries > 1);
});

test('what waiting does not mend ends the start at once', async () => {
  for (const [store, broken] of [
    ['kurrentdb://store-1:2113', new Error('no log of ours')],
    ['sqlite', new StoreUnavailable('the disk is full')],
  ] as const) {
    const error = await waitForStore({ store }, () => Promise.reject(broken), {
      logger: createLogger({ level: 'error', write: () => undefined }),
      signal: new AbortController().signal,
    }).catch((fault: Error) => fault);
    assert.is(error, broken);
  }
});

test('work beside a stopped service names the store that does not answer, and no class of an error', async ({
  gate,
}) => {
  const store = `kurrentdb://ada:hunter2@127.0.0.1:${await freePort()}?tls=false`;
  gate.environment.GATEBOOK_STORE = store;
  for (const args of [['rebuild'], ['copy', '--from', store, '--to', gate.folder]]) {
    const { exitCode, stderr } = await gate.call(...args);
    assert.is(exitCode, 5);
    assert.match(
      stderr,
      `nothing answers there (${store.replace('ada:hunter2@', '').split('?')[0]})`,
    );
    assert.not.match(stderr, /Error|hunter2/);
  }
});

test.run();
