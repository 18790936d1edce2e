import { knocksMax } from '../../../src/limits/doors.ts';
import { createKnocks, type Knock } from '../../../src/registration/knocks.ts';
import { assert, suite } from '../../support/suite.ts';

const test = suite('knocks');

const knock = (username: string, over: Partial<Knock> = {}) => ({
  username,
  source: '192.0.2.1',
  flow: 'explicit' as const,
  door: 'rest' as const,
  reason: 'locked' as const,
  ...over,
});
const at = (second: number) => `2026-01-01T10:00:${String(second).padStart(2, '0')}.000Z`;
const named = (knocks: readonly Knock[]) => knocks.map(({ username }) => username);

test('the same name from the same source is one knock, counted', () => {
  const knocks = createKnocks();
  knocks.count(knock('a'), at(1));
  knocks.count(knock('a', { flow: 'implicit', reason: 'filtered' }), at(2));
  assert.equal(knocks.all(), [
    {
      ...knock('a', { flow: 'implicit', reason: 'filtered' }),
      attemptCount: 2,
      firstAt: at(1),
      lastAt: at(2),
    },
  ]);
  assert.is(knocks.size(), 1);
});
test('another name or another source is another', () => {
  const knocks = createKnocks();
  knocks.count(knock('a'), at(1));
  knocks.count(knock('b'), at(2));
  knocks.count(knock('a', { source: '192.0.2.2' }), at(3));
  assert.is(knocks.size(), 3);
});
test('the newest attempt stands first', () => {
  const knocks = createKnocks();
  for (const [second, name] of ['a', 'b', 'c', 'a'].entries())
    knocks.count(knock(name), at(second));
  assert.equal(named(knocks.all()), ['a', 'c', 'b']);
});
test('who waits for a decision is no knock any more, from wherever', () => {
  const knocks = createKnocks();
  knocks.count(knock('a'), at(1));
  knocks.count(knock('ab'), at(1));
  knocks.count(knock('a', { source: '192.0.2.2' }), at(2));
  knocks.forget('a');
  assert.equal(named(knocks.all()), ['ab']);
  knocks.count(knock('a'), at(3));
  assert.is(knocks.all()[0]?.attemptCount, 1);
});
test('they are bounded: who was quiet longest is forgotten', () => {
  const knocks = createKnocks();
  for (let number = 0; number < knocksMax; number++) knocks.count(knock(`n${number}`), at(0));
  knocks.count(knock('n0'), at(1));
  knocks.count(knock('one more'), at(2));
  assert.is(knocks.size(), knocksMax);
  const names = named(knocks.all());
  assert.equal(names.slice(0, 2), ['one more', 'n0']);
  assert.not.ok(names.includes('n1'));
  assert.ok(names.includes('n2'));
});
test('what was shown stays as it was', () => {
  const knocks = createKnocks();
  knocks.count(knock('a'), at(1));
  const [shown] = knocks.all();
  knocks.count(knock('a'), at(2));
  assert.is(shown?.attemptCount, 1);
});

test('what the limits of a window turned away is counted for that window alone', () => {
  let windowId: string | null = null;
  const knocks = createKnocks(undefined, () => windowId);
  knocks.count(knock('a', { reason: 'filtered' }), at(1));
  assert.is(knocks.turnedAway('w1').attemptCount, 0, 'before any window');
  windowId = 'w1';
  knocks.count(knock('a'), at(2));
  knocks.count(knock('a', { reason: 'filtered' }), at(3));
  knocks.count(knock('b', { reason: 'full' }), at(4));
  knocks.forget('a');
  assert.equal(knocks.turnedAway('w1'), { windowId: 'w1', attemptCount: 2 });
  windowId = 'w2';
  assert.equal(knocks.turnedAway('w2'), { windowId: 'w2', attemptCount: 0 });
  knocks.count(knock('a', { reason: 'full' }), at(5));
  assert.equal(knocks.turnedAway('w2'), { windowId: 'w2', attemptCount: 1 });
  assert.equal(knocks.turnedAway('w1'), { windowId: 'w1', attemptCount: 0 });
});

test('a name is forgotten whole, and only that, also where the oldest ones went', () => {
  const knocks = createKnocks();
  for (let place = 0; place < knocksMax + 2; place++)
    knocks.count(knock(place % 2 === 0 ? 'a' : 'b', { source: `s${place}` }), at(1));
  assert.is(knocks.size(), knocksMax);
  knocks.forget('nobody');
  knocks.forget('a');
  assert.equal([...new Set(named(knocks.all()))], ['b']);
  knocks.forget('b');
  assert.is(knocks.size(), 0);
  knocks.count(knock('a'), at(2));
  knocks.forget('a');
  assert.is(knocks.size(), 0);
});

test.run();
