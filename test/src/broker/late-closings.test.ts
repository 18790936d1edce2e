/** Sessions that are closed a second time: each name when it is due, whatever became of the one before. */
import { lateClosings } from '../../../src/broker/late-closings.ts';
import { BrokerRefused } from '../../../src/broker/ports/broker.ts';
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
  late.add('refused');
  late.add('press-1');
  await until(() => asked.includes('press-1'));
  assert.equal(asked, ['refused', 'press-1']);
  ending.abort();
});

test.run();
