/** The doors' keyed hash is HMAC-SHA-256, whatever the text. */
import { createHmac, randomBytes } from 'node:crypto';
import { keyedHash } from '../../../src/credentials/keyed-hash.ts';
import { assert, suite } from '../../support/suite.ts';

const test = suite('keyed hash');

test('it is what node:crypto says it is, for texts of every kind and length', () => {
  const texts = ['', 'a', 'verifier\0name\0password', 'ÄÖ€😀', 'lone \ud800 surrogate', '\udc00'];
  for (const length of [55, 56, 63, 64, 119, 120, 1_023, 1_024, 1_025, 5_000])
    texts.push('x'.repeat(length), '€'.repeat(length));
  for (const length of [0, 1, 32, 64]) {
    const key = randomBytes(length);
    const keyed = keyedHash(key);
    // In both orders: nothing of one text is left for the next.
    for (const text of [...texts, ...texts.toReversed()])
      for (const encoding of ['hex', 'base64'] as const)
        assert.is(keyed(text, encoding), createHmac('sha256', key).update(text).digest(encoding));
  }
});

test('a key that is longer than a block is none for it', () => {
  assert.throws(() => keyedHash(randomBytes(65)), TypeError);
});

test.run();
