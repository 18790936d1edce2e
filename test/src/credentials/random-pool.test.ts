/** Random bytes that are cut from many: nobody gets what another was given, and nothing of them stays. */
import { withRandomBytes } from '../../../src/credentials/random-pool.ts';
import { assert, suite } from '../../support/suite.ts';

const test = suite('random pool');

test('no two are alike, however often the pool was emptied', () => {
  const texts = Array.from({ length: 2_000 }, (_, at) =>
    withRandomBytes(at % 2 === 0 ? 12 : 32, (bytes) => bytes.toString('hex')),
  );
  assert.is(new Set(texts).size, texts.length);
  assert.equal([...new Set(texts.map(({ length }) => length))], [24, 64]);
  assert.not.ok(texts.some((text) => /^(00)+$/.test(text)));
});

test('they are gone when they were used, also where that failed', () => {
  const kept: Buffer[] = [];
  withRandomBytes(32, (bytes) => kept.push(bytes));
  assert.throws(
    () =>
      withRandomBytes(32, (bytes) => {
        kept.push(bytes);
        throw new Error('no use');
      }),
    'no use',
  );
  assert.ok(kept.every((bytes) => bytes.equals(Buffer.alloc(32))));
});

test('more than the pool has is refused', () => {
  assert.throws(() => withRandomBytes(5_000, () => undefined), /more than the pool/);
});

test.run();
