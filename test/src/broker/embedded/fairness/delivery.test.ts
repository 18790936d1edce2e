/** Which subscriptions a message goes to: looked for once, and again after each change of them. */
import type { Aedes } from 'aedes';
import { deliverFairly } from '../../../../../src/broker/embedded/fairness/delivery.ts';
import { FairTurns } from '../../../../../src/broker/embedded/fairness/fair-turns.ts';
import { mqttMatchedTopics, mqttMatchesKept } from '../../../../../src/limits/mqtt.ts';
import { assert, suite } from '../../../../support/suite.ts';

const test = suite('embedded broker: delivery');

type Brought = (message: object, done: () => void) => void;

/** Handlers by topic, as aedes' matcher holds them; `looked`: the topics that it was asked for. */
function world() {
  const handlers = new Map<string, Brought[]>();
  const looked: string[] = [];
  const handlersOf = (topic: string) => handlers.get(topic) ?? [];
  const matcher = {
    match(topic: string) {
      looked.push(topic);
      return [...handlersOf(topic)];
    },
    add: (topic: string, handler: Brought) => handlers.set(topic, [...handlersOf(topic), handler]),
    remove: (topic: string, handler: Brought) =>
      handlers.set(
        topic,
        handlersOf(topic).filter((one) => one !== handler),
      ),
  };
  const mq = {
    closed: false,
    _matcher: matcher,
    emit: (_message: object, _done: () => void) => {},
  };
  const told = { waited: () => undefined, slowed: () => undefined };
  deliverFairly({ mq } as unknown as Aedes, {
    turns: new FairTurns({ turnMs: 1, turnAllMs: 5 }, told),
    ...{ usernameOf: () => undefined, waitingMax: 1, reached: () => undefined },
  });
  let brought = 0;
  const handler = (): Brought => (_message, done) => {
    brought += 1;
    done();
  };
  return {
    ...{ matcher, looked, handler },
    /** To how many a message was brought. */
    send(topic: string): number {
      const before = brought;
      mq.emit({ topic }, () => undefined);
      return brought - before;
    },
  };
}

test('subscriptions of a topic are looked for once, and again when one comes or goes', () => {
  const { matcher, looked, handler, send } = world();
  const [one, other] = [handler(), handler()];
  assert.equal([send('a'), send('a')], [0, 0]);
  matcher.add('a', one);
  assert.equal([send('a'), send('a')], [1, 1]);
  matcher.add('a', other);
  assert.equal([send('a'), send('a'), send('b')], [2, 2, 0]);
  matcher.remove('a', one);
  assert.equal([send('a'), send('b'), send('b')], [1, 0, 0]);
  assert.equal(looked, ['a', 'a', 'a', 'b', 'a', 'b']);
});

test('those of few topics are known, and not where a topic has many', () => {
  const { matcher, looked, handler, send } = world();
  for (let count = 0; count < mqttMatchesKept; count++) matcher.add('many', handler());
  assert.equal([send('many'), send('many')], [mqttMatchesKept, mqttMatchesKept]);
  assert.is(looked.length, 1);
  matcher.add('many', handler());
  for (const _ of [1, 2, 3]) assert.is(send('many'), mqttMatchesKept + 1);
  assert.is(looked.length, 4);
  for (let topic = 0; topic < mqttMatchedTopics; topic++) send(`${topic}`);
  send('0');
  assert.is(looked.length, 4 + mqttMatchedTopics);
  // One too many: all are looked for anew.
  send('one more');
  send('0');
  assert.is(looked.length, 6 + mqttMatchedTopics);
});

test.run();
