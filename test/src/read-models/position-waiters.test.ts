/** Waits for positions: each ends by itself, though one timer serves them all. */
import { PositionWaiters } from '../../../src/read-models/position-waiters.ts';
import { assert, suite } from '../../support/suite.ts';

const test = suite('waits for a position');
const longMs = 1_000_000;

test('each is told when its position is reached, or when its own time is over', async () => {
  const waiters = new PositionWaiters();
  const told: string[] = [];
  const wait = (name: string, position: string, timeoutMs: number) =>
    waiters.until(position, timeoutMs).then((reached) => told.push(`${name} ${reached}`));
  const far = wait('far', '9', longMs);
  const near = wait('near', '3', longMs);
  await Promise.all([wait('later', '5', 20), wait('short', '5', 5)]);
  // A machine that is busy may come to both at once.
  assert.equal(told.splice(0).sort(), ['later false', 'short false']);
  await wait('alone', '5', 5);
  waiters.reached('2');
  await Promise.resolve();
  assert.equal(told.splice(0), ['alone false']);
  waiters.reached('4');
  await near;
  await wait('after', '8', 5);
  waiters.end();
  await far;
  assert.equal(told, ['near true', 'after false', 'far false']);
});

test('nobody who was told keeps the process alive', async () => {
  const timers = () => process.getActiveResourcesInfo().filter((one) => one === 'Timeout').length;
  const before = timers();
  const waiters = new PositionWaiters();
  const waiting = waiters.until('1', longMs);
  assert.is(timers(), before + 1);
  waiters.reached('1');
  assert.is(timers(), before);
  assert.is(await waiting, true);
});

test.run();
