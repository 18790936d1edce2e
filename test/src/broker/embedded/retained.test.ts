import * as fc from 'fast-check';
import { covers, levelsOf } from '../../../../domain/matching.ts';
import {
  bytesKept,
  bytesSent,
  type KeptMessage,
  retainedMessages,
} from '../../../../src/broker/embedded/retained.ts';
import { assert, suite } from '../../../support/suite.ts';

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
const limited = (messages: number, bytes: number) => ({
  ...{ retainedMessages: messages, retainedBytes: bytes },
  ...{ retainedMessagesPerUser: 1_000, retainedBytesPerUser: 1_000_000 },
});
const roomy = limited(1_000, 1_000_000);
const kept = (messages: Iterable<KeptMessage | null>) =>
  [...messages].filter((message) => message !== null);
const topicsOf = (messages: Iterable<KeptMessage | null>) =>
  kept(messages)
    .map(({ topic }) => topic)
    .sort();

test('the last message of a topic is kept, an empty one forgets it', () => {
  const retained = retainedMessages(roomy);
  retained.keep(message('a/b', '1'), 'press');
  retained.keep(message('a/b', '2'), 'press');
  retained.keep(message('a', '3'), 'press');
  assert.equal(
    kept(retained.matching('#'))
      .map(({ payload }) => payload.toString())
      .sort(),
    ['2', '3'],
  );
  retained.keep(message('a/b', ''), 'press');
  retained.keep(message('a', ''), 'press');
  retained.keep(message('nothing/here', ''), 'press');
  assert.equal(kept(retained.matching('#')), []);
  assert.is(retained.size, 0);
  assert.is(retained.bytes, 0);
});

test('beyond the limits a message is not kept, and its topic has none', () => {
  const retained = retainedMessages(limited(2, 1_000));
  assert.is(retained.keep(message('a'), 'press'), null);
  assert.is(retained.keep(message('b'), 'press'), null);
  assert.is(retained.keep(message('c'), 'press'), 'retained');
  assert.is(retained.keep(message('b', 'again'), 'press'), null);
  assert.is(retained.keep(message('b', 'x'.repeat(1_000)), 'press'), 'retained');
  assert.equal(topicsOf(retained.matching('#')), ['a']);
});

test("the registry's own messages always find room", () => {
  const retained = retainedMessages<KeptMessage>(limited(1, 300));
  retained.keep(message('a'), 'press');
  assert.is(
    retained.keep({ topic: 'gatebook/registry/window', payload: Buffer.from('{}') }, null),
    null,
  );
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
      for (const name of topics) retained.keep(message(name), 'press');
      for (const name of forgotten) retained.keep(message(name, ''), 'press');
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

test('a kept message counts what its user properties and a deep topic take beside their bytes', () => {
  const counted = (kept: Parameters<typeof bytesKept>[0]) => bytesKept(kept) - bytesSent(kept);
  const bare = counted(message('a/b/c/d/e/f/g/h'));
  const userProperties = { a: ['', '', ''], b: '' };
  assert.ok(counted({ ...message('a'), properties: { userProperties } }) >= bare + 4 * 128);
  assert.ok(counted(message('a/'.repeat(99))) >= bare + 90 * 192);
});

test.run();
