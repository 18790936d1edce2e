/** Planted expressions whose work grows too fast are found, and those that only take long are not. */
import { assert, suite } from '../support/suite.ts';
import { growthFault, type Repetition } from './growth.ts';
import { expressionsIn, repetitionsFor } from './regular-expressions.ts';

const test = suite('growth of work');

const faultOf = (pattern: RegExp) => {
  for (const repetition of repetitionsFor(pattern)) {
    const fault = growthFault((text) => pattern.test(text), repetition);
    if (fault !== null) return fault;
  }
  return null;
};

test('doubled by each character', () => {
  for (const pattern of [/^(a+)+$/, /^(a|a)*$/, /(\w+\s?)*:$/, /^([a-z]|[a-f])*,$/])
    assert.match(faultOf(pattern) ?? '', /characters take more than/, String(pattern));
});

test('each character looks at all others', () => {
  for (const pattern of [/\s+$/, /^.*,.*,$/, /(?:x+)y/, /[^"]*"$/])
    assert.match(faultOf(pattern) ?? '', /times as long/, String(pattern));
});

test('what is linear is not found', () => {
  for (const pattern of [
    /^a*$/,
    /^[\w.]+@[\w.]+$/,
    /^(?:ab)*$/,
    /^\s*x/,
    /^(?:[^,]*,){3}$/,
    /a{3}/,
  ])
    assert.is(faultOf(pattern), null, String(pattern));
  const wholeText: Repetition = { before: '', unit: 'ab' };
  assert.is(
    growthFault((text) => [...text].map((one) => one.codePointAt(0)), wholeText),
    null,
  );
});

test('expressions are found in code, with what they are made of', () => {
  const code = "const one = /a\\/b[^c]/giu; // no /expression/ here\nconst two = 'nor /here/';";
  assert.equal(expressionsIn('x.ts', code), [/a\/b[^c]/iu]);
  assert.ok(repetitionsFor(/a\/b[^c]/).some(({ unit }) => unit === 'a'));
});

test.run();
