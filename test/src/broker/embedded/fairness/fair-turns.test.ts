/** Shares of the processor by a clock that the work itself moves. */
import { setImmediate as turn } from 'node:timers/promises';
import { FairTurns, InOrder } from '../../../../../src/broker/embedded/fairness/fair-turns.ts';
import { assert, suite } from '../../../../support/suite.ts';

const test = suite('embedded broker: turns of users');

function world({ turnMs = 3, turnAllMs = 100 } = {}) {
  const clock = { ms: 1_000_000 };
  const slowed: string[] = [];
  const waited: number[] = [];
  const told = {
    waited: (seconds: number) => waited.push(seconds),
    slowed: (username: string) => slowed.push(username),
  };
  const turns = new FairTurns({ turnMs, turnAllMs }, told, () => clock.ms);
  const done: string[] = [];
  /** Work of so many steps, each of a millisecond. */
  const steps = (name: string, count: number) => {
    let left = count;
    return () => {
      for (;;) {
        clock.ms += 1;
        done.push(name);
        left -= 1;
        if (left === 0) return false;
        if (turns.isOver()) return true;
      }
    };
  };
  return { turns, clock, done, slowed, waited, steps };
}

const user = (username: string) => ({ username });

test('who has little to do is served at once, whatever others have waiting', async () => {
  const { turns, done, steps } = world();
  const [noisy, quiet] = [turns.shareOf(user('noisy')), turns.shareOf(user('quiet'))];
  turns.run(noisy, steps('n', 100));
  turns.run(quiet, steps('q', 1));
  assert.is(done.join(''), 'nnnq');
  await turn();
  turns.run(quiet, steps('q', 1));
  assert.is(done.join(''), 'nnnqnnnq');
});

test('sessions of one name share one budget, and take turns within it', async () => {
  const { turns, done, steps } = world();
  const noisy = user('noisy');
  for (const session of ['a', 'b', 'c']) turns.run(turns.shareOf(noisy), steps(session, 9));
  assert.is(done.join(''), 'aaa');
  for (let at = 0; at < 4; at++) await turn();
  assert.is(done.join(''), 'aaaaaabbbcccaaa');
});

test('users who wait have equal parts of a turn, and who had none comes first in the next', async () => {
  const { turns, done, steps } = world({ turnAllMs: 6 });
  for (const name of ['a', 'b', 'c']) turns.run(turns.shareOf(user(name)), steps(name, 9));
  done.length = 0;
  await turn();
  assert.is(done.join(''), 'aaabbb');
  await turn();
  assert.is(done.join(''), 'aaabbbcccaaa');
});

test('who is alone waits for nobody', async () => {
  const { turns, done, steps } = world();
  turns.run(turns.shareOf(user('a')), steps('a', 300));
  for (let at = 0; at < 100; at++) await turn();
  assert.is(done.length, 300);
});

test('messages come before what would make more of them, and in order', async () => {
  const { turns, done, steps } = world();
  const share = turns.shareOf(user('noisy'));
  const deliver = (name: string) => {
    const one = steps(name, 1);
    if (!turns.delivers(share, one)) turns.deliverLater(share, one);
  };
  turns.run(share, steps('r', 6));
  for (const name of ['1', '2', '3', '4']) deliver(name);
  assert.is(done.join(''), 'rrr');
  await turn();
  assert.is(done.join(''), 'rrr123');
  await turn();
  await turn();
  assert.is(done.join(''), 'rrr1234rrr');
});

test("a publisher's time has that of its readers within it, and each reader its own", () => {
  const { turns, done, steps } = world();
  const [publisher, reader] = [turns.shareOf(user('p')), turns.shareOf(user('r'))];
  turns.run(publisher, () => {
    assert.ok(turns.delivers(reader, steps('r', 1)));
    assert.not(turns.isOver());
    assert.ok(turns.delivers(publisher, steps('p', 2)));
    assert.ok(turns.isOver());
    assert.not(turns.delivers(publisher, steps('p', 1)));
    assert.ok(turns.delivers(reader, steps('r', 1)));
    return false;
  });
  assert.is(done.join(''), 'rppr');
});

test('whose work waits most of the time is named, once a minute; nobody else is', async () => {
  const { turns, clock, slowed, waited, steps } = world();
  turns.run(turns.shareOf(user('quick')), steps('q', 4));
  turns.run(turns.shareOf(user('noisy')), steps('n', 1_000));
  for (let second = 0; second < 70; second++) {
    clock.ms += 1_000;
    await turn();
    if (second === 2) assert.equal(slowed, []);
  }
  assert.equal(slowed, ['noisy', 'noisy']);
  assert.ok(waited.every((seconds) => seconds >= 1 && seconds < 1.1));
});

test('a line gives what it was given, in order', () => {
  const line = new InOrder<number>();
  const taken: (number | undefined)[] = [];
  for (let at = 0; at < 1_000; at++) {
    line.add(at);
    if (at % 3 > 0) taken.push(line.take());
  }
  assert.is(line.size, 334);
  assert.is(line.first, 666);
  while (line.size > 0) taken.push(line.take());
  assert.equal(
    taken,
    Array.from({ length: 1_000 }, (_, at) => at),
  );
  assert.is(line.take(), undefined);
});

test.run();
