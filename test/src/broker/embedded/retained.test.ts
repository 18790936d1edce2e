import * as fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { covers, levelsOf } from '../../../../domain/matching.ts';
import {
  bytesSent,
  type KeptMessage,
  retainedMessages,
} from '../../../../src/broker/embedded/retained.ts';

const test = suite('embedded broker: retained messages');

const message = (
  topic: string,
  payload = 'x',
  clientId: string | undefined = 'press',
): KeptMessage => ({
  topic,
  payload: Buffer.from(payload),
  clientId,
});
const roomy = { messages: 1_000, bytes: 1_000_000 };
const topicsOf = (messages: Iterable<KeptMessage>) =>
  [...messages].map(({ topic }) => topic).sort();

test('the last message of a topic is kept, an empty one forgets it', () => {
  const retained = retainedMessages(roomy);
  retained.keep(message('a/b', '1'));
  retained.keep(message('a/b', '2'));
  retained.keep(message('a', '3'));
  assert.equal([...retained.matching('#')].map(({ payload }) => payload.toString()).sort(), [
    '2',
    '3',
  ]);
  retained.keep(message('a/b', ''));
  retained.keep(message('a', ''));
  retained.keep(message('nothing/here', ''));
  assert.equal([...retained.matching('#')], []);
  assert.is(retained.size, 0);
  assert.is(retained.bytes, 0);
});

test('beyond the limits a message is not kept, and its topic has none', () => {
  const retained = retainedMessages({ messages: 2, bytes: 1_000 });
  assert.ok(retained.keep(message('a')));
  assert.ok(retained.keep(message('b')));
  assert.not.ok(retained.keep(message('c')));
  assert.ok(retained.keep(message('b', 'again')));
  assert.not.ok(retained.keep(message('b', 'x'.repeat(1_000))));
  assert.equal(topicsOf(retained.matching('#')), ['a']);
});

test("the registry's own messages always find room", () => {
  const retained = retainedMessages<KeptMessage>({ messages: 1, bytes: 300 });
  retained.keep(message('a'));
  assert.ok(retained.keep({ topic: 'gatebook/registry/window', payload: Buffer.from('{}') }));
});

const level = fc.constantFrom('a', 'b', '', '$x', 'constructor', '__proto__');
const topic = fc.array(level, { minLength: 1, maxLength: 4 }).map((levels) => levels.join('/'));
const filter = fc
  .tuple(
    fc.array(fc.oneof(level, fc.constant('+')), { maxLength: 4 }),
    fc.constantFrom('#', 'a', '+'),
  )
  .map(([levels, last]) => [...levels, last].join('/'));

test('a filter finds just those that it covers', () => {
  fc.assert(
    fc.property(fc.uniqueArray(topic), fc.array(topic), filter, (topics, forgotten, wanted) => {
      const retained = retainedMessages(roomy);
      for (const name of topics) retained.keep(message(name));
      for (const name of forgotten) retained.keep(message(name, ''));
      const left = topics.filter((name) => !forgotten.includes(name));
      assert.equal(
        topicsOf(retained.matching(wanted)),
        left.filter((name) => covers(levelsOf(wanted), levelsOf(name))).sort(),
      );
      assert.is(retained.size, left.length);
    }),
  );
});

test('the bytes of a message count its properties', () => {
  const bare = bytesSent(message('a'));
  const properties = {
    contentType: 'text',
    userProperties: { name: ['one', 'two'] },
    correlationData: Buffer.alloc(9),
  };
  assert.ok(bytesSent({ ...message('a'), properties }) >= bare + 4 + 2 * 4 + 6 + 9);
});

test.run();
