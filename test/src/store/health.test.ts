import {
  Conflict,
  type EventStore,
  noStream,
  StoreUnavailable,
} from '../../../src/store/event-store.ts';
import { withHealth } from '../../../src/store/health.ts';
import { memoryStore } from '../../support/event-store/memory-store.ts';
import { newEvent, streamOf } from '../../support/stored-events.ts';
import { assert, suite } from '../../support/suite.ts';

const test = suite('observed store');

function watched() {
  const clock = { ms: 10_000_000 };
  const inner = memoryStore();
  let failing: Error | undefined;
  const store: EventStore = {
    ...inner,
    append: (...given) => (failing ? Promise.reject(failing) : inner.append(...given)),
    deleteStream: (stream) => (failing ? Promise.reject(failing) : inner.deleteStream(stream)),
  };
  const { store: seen, fault } = withHealth(store, () => clock.ms);
  const write = () =>
    seen.append(streamOf('client'), noStream, [newEvent()]).catch((error) => error);
  const fail = (error: Error | undefined) => {
    failing = error;
  };
  return { clock, seen, fault, write, fail, inner };
}
const full = new StoreUnavailable('the disk is full');

test('at first nothing is known to be wrong', () => assert.is(watched().fault(), null));
test('a write that the store could not take is told, and thrown', async () => {
  const { fail, write, fault } = watched();
  fail(full);
  assert.is(await write(), full);
  assert.is(fault(), full);
});
test('the next write that goes through ends it', async () => {
  const { fail, write, fault } = watched();
  fail(full);
  await write();
  fail(undefined);
  await write();
  assert.is(fault(), null);
});
test('it says nothing any more after a while, so that somebody tries again', async () => {
  const { clock, fail, write, fault } = watched();
  fail(full);
  await write();
  clock.ms += 4_999;
  assert.is(fault(), full);
  clock.ms += 1;
  assert.is(fault(), null);
});
test('a conflict is no fault of the store', async () => {
  const { fail, write, fault } = watched();
  fail(new Conflict('somebody was first'));
  assert.instance(await write(), Conflict);
  assert.is(fault(), null);
});
test('deleting a secret is a write too', async () => {
  const { fail, seen, fault } = watched();
  fail(full);
  await seen.deleteStream(streamOf('vault')).catch(() => undefined);
  assert.is(fault(), full);
});
test('everything else goes through as it is', async () => {
  const { seen, inner } = watched();
  const stream = streamOf('client');
  const { position } = await seen.append(stream, noStream, [newEvent()]);
  assert.is(seen.logId, inner.logId);
  assert.is(await seen.head(), position);
  assert.is((await seen.read(stream)).length, 1);
  assert.equal(await seen.readAll('0'.repeat(20), 9), await inner.readAll('0'.repeat(20), 9));
  assert.equal(await seen.readVault('0'.repeat(20), 9), []);
  const stop = new AbortController();
  for await (const batch of seen.follow('0'.repeat(20), stop.signal)) {
    assert.is(batch.length, 1);
    stop.abort();
  }
  for await (const _ of seen.followVault('0'.repeat(20), stop.signal)) assert.unreachable();
  await seen.close();
  assert.instance(await inner.read(stream).catch((error) => error), StoreUnavailable);
});

test.run();
