import fc from 'fast-check';
import { fitsPattern } from '../../domain/pattern.ts';
import { assert, suite } from '../support/suite.ts';

const test = suite('pattern');

const naive = (pattern: string, name: string) =>
  new RegExp(
    `^${[...pattern].map((c) => (c === '*' ? '.*' : c === '?' ? '.' : c.replace(/\W/, '\\$&'))).join('')}$`,
  ).test(name);

test('a pattern is about the whole name', () => {
  assert.ok(fitsPattern('press-*', 'press-07'));
  assert.ok(fitsPattern('press-*', 'press-'));
  assert.not.ok(fitsPattern('press-*', 'xpress-07'));
  assert.not.ok(fitsPattern('press', 'press-07'));
  assert.ok(fitsPattern('press-??', 'press-07'));
  assert.not.ok(fitsPattern('press-??', 'press-7'));
  assert.not.ok(fitsPattern('press-??', 'press-007'));
  assert.ok(fitsPattern('*', ''));
  assert.not.ok(fitsPattern('?', ''));
  assert.not.ok(fitsPattern('Press', 'press'), 'case counts');
  assert.not.ok(fitsPattern('a.c', 'abc'), 'nothing but * and ? means anything');
});
test('it is what a regular expression would say', () =>
  fc.assert(
    fc.property(
      fc.array(fc.constantFrom('a', 'b', '.', '*', '?'), { maxLength: 9 }),
      fc.array(fc.constantFrom('a', 'b', '.'), { maxLength: 9 }),
      (pattern, name) =>
        assert.is(
          fitsPattern(pattern.join(''), name.join('')),
          naive(pattern.join(''), name.join('')),
        ),
    ),
    { numRuns: 5_000 },
  ));
test('no pattern can be made slow', () => {
  // A backtracking matcher would need longer than the world has: that this ends is the test.
  for (const part of ['*a', 'a*', '*?a', '**a'])
    assert.not.ok(fitsPattern(`${part.repeat(64)}b`, 'a'.repeat(127)));
  assert.ok(fitsPattern(`${'*a'.repeat(100)}*`, 'a'.repeat(127)));
});

test.run();
