import fc from 'fast-check';
import { canonicalJson } from '../../../../src/audit/transparency-log/canonical-json.ts';
import { assert, suite } from '../../../support/suite.ts';

const test = suite('canonical JSON');

/** RFC 8785, appendix B: the bits of a double, and how it is written. */
const numbers: readonly (readonly [bits: string, text: string])[] = [
  ['0000000000000000', '0'],
  ['8000000000000000', '0'],
  ['0000000000000001', '5e-324'],
  ['8000000000000001', '-5e-324'],
  ['7fefffffffffffff', '1.7976931348623157e+308'],
  ['ffefffffffffffff', '-1.7976931348623157e+308'],
  ['4340000000000000', '9007199254740992'],
  ['c340000000000000', '-9007199254740992'],
  ['4430000000000000', '295147905179352830000'],
  ['44b52d02c7e14af5', '9.999999999999997e+22'],
  ['44b52d02c7e14af6', '1e+23'],
  ['44b52d02c7e14af7', '1.0000000000000001e+23'],
  ['444b1ae4d6e2ef4e', '999999999999999700000'],
  ['444b1ae4d6e2ef4f', '999999999999999900000'],
  ['444b1ae4d6e2ef50', '1e+21'],
  ['3eb0c6f7a0b5ed8c', '9.999999999999997e-7'],
  ['3eb0c6f7a0b5ed8d', '0.000001'],
  ['41b3de4355555553', '333333333.3333332'],
  ['41b3de4355555554', '333333333.33333325'],
  ['41b3de4355555555', '333333333.3333333'],
  ['41b3de4355555556', '333333333.3333334'],
  ['41b3de4355555557', '333333333.33333343'],
  ['becbf647612f3696', '-0.0000033333333333333333'],
  ['43143ff3c1cb0959', '1424953923781206.2'],
];
const double = (bits: string) => Buffer.from(bits, 'hex').readDoubleBE();

for (const [bits, text] of numbers)
  test(`the double ${bits} is written ${text}`, () => assert.is(canonicalJson(double(bits)), text));

test('what JSON cannot hold has no canonical form', () => {
  for (const value of [double('7fffffffffffffff'), double('7ff0000000000000'), 1n, undefined])
    assert.throws(() => canonicalJson(value), /canonical form/);
  assert.throws(() => canonicalJson({ text: '\ud800' }), /lone surrogate/);
  assert.throws(() => canonicalJson({ '\udead': 1 }), /lone surrogate/);
});

test('the sample of section 3.2.2 comes out as there', () => {
  const sent = String.raw`{
    "numbers": [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001],
    "string": "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/",
    "literals": [null, true, false]
  }`;
  assert.is(
    canonicalJson(JSON.parse(sent)),
    '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],' +
      String.raw`"string":"€$\u000f\nA'B\"\\\\\"/"}`,
  );
});

test('members are sorted by UTF-16 code units, as in section 3.2.3', () => {
  const sent = {
    '\u20ac': 'Euro Sign',
    '\r': 'Carriage Return',
    '\ufb33': 'Hebrew Letter Dalet With Dagesh',
    '1': 'One',
    '\ud83d\ude00': 'Emoji: Grinning Face',
    '\u0080': 'Control',
    '\u00f6': 'Latin Small Letter O With Diaeresis',
  };
  assert.equal(Object.values(JSON.parse(canonicalJson(sent))), [
    'One',
    'Carriage Return',
    'Control',
    'Latin Small Letter O With Diaeresis',
    'Euro Sign',
    'Emoji: Grinning Face',
    'Hebrew Letter Dalet With Dagesh',
  ]);
  assert.match(canonicalJson(sent), /^\{"\\r":"Carriage Return","1":"One",/);
});

test('the text says the same value, and is a fixed point', () => {
  fc.assert(
    fc.property(fc.jsonValue({ stringUnit: 'grapheme' }), (value) => {
      const plain = JSON.parse(JSON.stringify(value));
      const text = canonicalJson(plain);
      assert.equal(JSON.parse(text), plain);
      assert.is(canonicalJson(JSON.parse(text)), text);
    }),
  );
});

test.run();
