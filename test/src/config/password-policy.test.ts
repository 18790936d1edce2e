/** The policy for passwords as it is configured and applied. */
import fc from 'fast-check';
import { parseConfig } from '../../../src/config/config.ts';
import { PasswordPolicy, passwordFaults } from '../../../src/config/password-policy.ts';
import { assert, suite } from '../../support/suite.ts';

const test = suite('password policy');

const none = { min: 0, lower: 0, upper: 0, numeric: 0, symbol: 0 };
const five = { ...none, min: 5 };

test('without a policy: five characters', () => {
  const { passwordPolicy } = parseConfig({});
  assert.equal(passwordPolicy, five);
  assert.equal(passwordFaults('1234', passwordPolicy), ['must have at least 5 characters']);
  assert.equal(passwordFaults('12345', passwordPolicy), []);
});

test('the policy that is configured is the one that is applied', () => {
  const { passwordPolicy } = parseConfig({ GATEBOOK_PASSWORD_POLICY: '{"min":2,"numeric":1}' });
  assert.equal(passwordFaults('ab', passwordPolicy), ['must have at least 1 digits']);
  assert.equal(passwordFaults('a1', passwordPolicy), []);
});

test('a policy of kinds alone still asks for five characters; 0 asks for none', () => {
  assert.equal(PasswordPolicy.parse('{"lower":1}'), { ...five, lower: 1 });
  assert.equal(passwordFaults('a', PasswordPolicy.parse('{"min":0,"lower":0}')), []);
});

test('a policy with anything else is refused', () => {
  for (const policy of [{ length: 5 }, { min: -1 }, { min: 1.5 }, { lower: '1' }, 5]) {
    const text = JSON.stringify(policy);
    assert.not(PasswordPolicy.safeParse(text).success, text);
  }
  assert.not(PasswordPolicy.safeParse('{').success);
});

test('characters are code points, not halves of them', () => {
  assert.is(passwordFaults('🔑🔑🔑🔑', five).length, 1);
  assert.equal(passwordFaults('🔑🔑🔑🔑🔑', five), []);
});

for (const [kind, bad, good] of [
  ['lower', 'ABC12!', 'ABC12ß'],
  ['upper', 'abc12!', 'abc12Ж'],
  ['numeric', 'abcDE!', 'abcDE٣'],
  ['numeric', 'abcDE!', 'abcDEⅫ'],
  ['symbol', 'abcDE1', 'abcDE1€'],
  ['symbol', 'abcDE1', 'abcDE1¿'],
] as const) {
  test(`${kind} by Unicode category: "${good}"`, () => {
    assert.is(passwordFaults(bad, { ...five, [kind]: 1 }).length, 1);
    assert.equal(passwordFaults(good, { ...five, [kind]: 1 }), []);
  });
}

test('every fault is named', () => {
  const policy = { min: 9, lower: 1, upper: 1, numeric: 2, symbol: 1 };
  assert.equal(passwordFaults('中文1', policy), [
    'must have at least 9 characters',
    'must have at least 1 lower-case letters',
    'must have at least 1 upper-case letters',
    'must have at least 2 digits',
    'must have at least 1 symbols or punctuation marks',
  ]);
});

test('at most 1024 bytes, whatever the policy', () => {
  assert.equal(passwordFaults('ä'.repeat(512), none), []);
  assert.equal(passwordFaults(`${'ä'.repeat(512)}a`, none), [
    'must have at most 1024 bytes in UTF-8',
  ]);
});

test('no halves of characters, no NUL, nothing that looks like a token', () => {
  assert.equal(passwordFaults('abc\ud800', none), ['must be well-formed Unicode']);
  assert.equal(passwordFaults('abc\0def', none), ['must not contain NUL']);
  assert.equal(passwordFaults('v4.public.abc', none), ['must not begin with v4.public.']);
});

test('no fault quotes the password', () => {
  const password = fc.string({ minLength: 3, unit: fc.constantFrom('x', 'Q', '7', '%', '\0') });
  const policy = { min: 1_000, lower: 999, upper: 999, numeric: 999, symbol: 999 };
  fc.assert(
    fc.property(password, (text) => {
      assert.not(passwordFaults(text, policy).some((fault) => fault.includes(text)));
    }),
  );
});

test.run();
