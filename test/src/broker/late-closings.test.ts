/** Sessions that are closed a second time: each name when it is due, whatever became of the one before. */
import { lateClosings } from '../../../src/broker/late-closings.ts';
import { BrokerDown, BrokerRefused } from '../../../src/broker/ports/broker.ts';
import { until } from '../../support/mqtt-peers.ts';
import { assert, suite } from '../../support/suite.ts';

const test = suite('late closings');

test('a name that the broker refuses to close keeps no other from it', async () => {
  const asked: string[] = [];
  const ending = new AbortController();
  const late = lateClosings({
    afterMs: 1,
    signal: ending.signal,
    async close(username) {
      asked.push(username);
      if (username === 'refused') throw new BrokerRefused('not this one');
    },
  });
  await late.add('refused');
  await late.add('press-1');
  await until(() => asked.includes('press-1'));
  assert.equal(asked, ['refused', 'press-1']);
  ending.abort();
});

test('where too many wait, the one that waits longest is closed at once, and none is forgotten', async () => {
  const closed: string[] = [];
  const ending = new AbortController();
  let isAway = false;
  const late = lateClosings({
    ...{ afterMs: 600_000, max: 2, signal: ending.signal },
    async close(username) {
      if (isAway) throw new BrokerDown('away');
      if (username === 'refused') throw new BrokerRefused('not this one');
      closed.push(username);
    },
  });
  await late.add('press-1');
  await late.add('press-2');
  await late.add('press-1');
  assert.equal(closed, [], 'two wait');
  await late.add('press-3');
  assert.equal(closed, ['press-2']);
  isAway = true;
  const refusal = await late.add('press-4').catch((error: unknown) => error);
  assert.instance(refusal, BrokerDown);
  await late.add('press-3');
  isAway = false;
  // The one that was not closed is closed in the place of what asked again.
  for (const username of ['press-4', 'refused', 'press-5', 'press-6']) await late.add(username);
  assert.equal([...closed].sort(), ['press-1', 'press-2', 'press-3', 'press-4']);
  ending.abort();
});

test('one that could not be closed before its time is closed in its time', async () => {
  const closed: string[] = [];
  const ending = new AbortController();
  let isAway = true;
  const late = lateClosings({
    ...{ afterMs: 1_000, max: 1, signal: ending.signal },
    async close(username) {
      if (isAway) throw new BrokerDown('away');
      closed.push(username);
    },
  });
  await late.add('press-1');
  assert.instance(await late.add('press-2').catch((error: unknown) => error), BrokerDown);
  isAway = false;
  await until(() => closed.length > 0);
  assert.equal(closed, ['press-1']);
  ending.abort();
});

test.run();
