import { createLogger } from '../../../src/logger.ts';
import { followLog } from '../../../src/read-models/follow.ts';
import { type EventStore, noStream, StoreUnavailable } from '../../../src/store/event-store.ts';
import { requested } from '../../support/client.ts';
import { memoryStore } from '../../support/event-store/memory-store.ts';
import { rowsFile } from '../../support/read-models.ts';
import { newEvent } from '../../support/stored-events.ts';
import { assert, suite } from '../../support/suite.ts';

const test = suite<{ file: ReturnType<typeof rowsFile> }>('following the log');
test.before.each((world) => {
  world.file = rowsFile();
});
test.after.each(({ file }) => file.remove());

function follower(store: EventStore, file: ReturnType<typeof rowsFile>) {
  const lines: string[] = [];
  const logger = createLogger({ level: 'debug', write: (line) => lines.push(line) });
  const readModels = file.open({ logId: store.logId });
  const ending = new AbortController();
  const following = followLog({ store, readModels, logger, signal: ending.signal });
  const stop = async () => {
    ending.abort();
    await following.ended;
  };
  return { readModels, lines, stop, following };
}
const ask = (store: EventStore, revision = noStream, type = 'RegistrationRequested') =>
  store.append('client-press-07', revision, [newEvent(requested().data, type)]);

test('what is there and what comes is folded', async ({ file }) => {
  const store = memoryStore();
  await ask(store);
  const { readModels, stop, following } = follower(store, file);
  const { position } = await store.append('weather-1', noStream, [newEvent()]);
  assert.ok(await readModels.reached(position, 60_000));
  assert.is(following.fault(), null);
  await stop();
});
test('a log that cannot be read is told to readiness, and read again', async ({ file }) => {
  const inner = memoryStore();
  const { position } = await ask(inner);
  const failed = Promise.withResolvers<void>();
  let fails = true;
  const store: EventStore = {
    ...inner,
    async *follow(after, signal) {
      if (fails) {
        fails = false;
        failed.resolve();
        throw new StoreUnavailable('away');
      }
      yield* inner.follow(after, signal);
    },
  };
  const { readModels, lines, stop, following } = follower(store, file);
  await failed.promise;
  await new Promise((resolve) => setImmediate(resolve));
  assert.instance(following.fault(), StoreUnavailable);
  assert.ok(await readModels.reached(position, 60_000));
  assert.is(following.fault(), null);
  assert.is(lines.filter((line) => line.includes('trying again')).length, 1);
  await stop();
});
test('stopping does not wait for the next try', async ({ file }) => {
  const inner = memoryStore();
  const store: EventStore = {
    ...inner,
    // biome-ignore lint/correctness/useYield: it fails before it has anything
    async *follow() {
      throw new StoreUnavailable('away');
    },
  };
  const { stop } = follower(store, file);
  const began = performance.now();
  await stop();
  assert.ok(performance.now() - began < 900);
});
test('a projection that stops is told once', async ({ file }) => {
  const store = memoryStore();
  const { readModels, lines, stop } = follower(store, file);
  await ask(store);
  await ask(store, 0, 'NobodyKnows');
  const { position } = await ask(store, 1);
  assert.ok(await readModels.reached(position, 60_000));
  const names = readModels.faults().map(({ name }) => name);
  assert.equal(names.sort(), ['certificates', 'clients', 'keys', 'requests', 'window']);
  for (const name of names)
    assert.is(
      lines.filter((line) => line.includes(`the read model ${name} stopped`)).length,
      1,
      name,
    );
  await stop();
});

test.run();
