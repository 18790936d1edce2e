/** While a start folds a long log, it says that it lives and is not ready; ready is the truth when it is said. */
import { randomUUID } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { noStream } from '../../../src/store/event-store.ts';
import { openSqliteStore } from '../../../src/store/sqlite/store.ts';
import * as the from '../../support/client.ts';
import { freePort } from '../../support/free-port.ts';
import { assert, suite } from '../../support/suite.ts';
import { type Gatebook, gatebook } from '../cli/gatebook.ts';

const clientsCount = 20_000;

const test = suite<{ gate: Gatebook }>('a start that folds');
test.before.each((context) => {
  context.gate = gatebook();
});
test.after.each(({ gate }) => gate.clean());

/** A log of clients that no rows have been made of. */
async function longLog(dataDir: string): Promise<void> {
  mkdirSync(dataDir, { recursive: true });
  const store = openSqliteStore({ file: join(dataDir, 'log.sqlite') });
  const { data, type } = the.created();
  for (let from = 0; from < clientsCount; from += 1_000)
    await Promise.all(
      Array.from({ length: 1_000 }, (_, at) => {
        const username = `press-${from + at}`;
        const metadata = { correlationId: randomUUID(), causationId: null };
        const event = { eventId: randomUUID(), type, data: { ...data, username }, metadata };
        return store.append(`client-${username}`, noStream, [event]);
      }),
    );
  await store.close();
}

test('it answers that it is not ready, until it is', async ({ gate }) => {
  await longLog(gate.environment.GATEBOOK_DATA_DIR ?? '');
  const port = await freePort();
  gate.environment.GATEBOOK_HTTP_PORT = String(port);
  const url = `http://127.0.0.1:${port}`;
  const service = gate.start(['serve']);
  const get = (path: string) => fetch(url + path).catch(() => null);
  let first: Response | null = null;
  while (first === null) {
    first = await get('/readyz');
    if (first === null) await delay(10);
  }
  assert.is(first.status, 503);
  assert.ok(Number(first.headers.get('retry-after')) > 0);
  const { checks } = (await first.json()) as { checks: unknown };
  assert.equal(checks, { store: 'up', readModels: 'down' });
  const health = await get('/healthz');
  const door = await get('/api/whoami');
  // Either may have found it ready already.
  assert.is(health?.status, 200);
  if (door?.status === 503)
    assert.is(((await door.json()) as { code: string }).code, 'store-unavailable');
  await service.says('"msg":"ready"');
  const ready = await get('/readyz');
  assert.is(ready?.status, 200);
  service.child.kill('SIGTERM');
  assert.is((await service.ended).exitCode, 0);
});

test.run();
