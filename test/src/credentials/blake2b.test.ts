import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { blake2b } from '../../../src/credentials/blake2b.ts';

const test = suite('blake2b');

test('64 bytes long it is what Node makes', () => {
  for (const length of [0, 1, 127, 128, 129, 255, 256, 257]) {
    const message = Buffer.alloc(length, length);
    assert.equal(blake2b(message, 64), createHash('blake2b512').update(message).digest());
  }
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 400 }), (message) => {
      assert.equal(blake2b(message, 64), createHash('blake2b512').update(message).digest());
    }),
  );
});

// Computed with Python's hashlib.blake2b(message, digest_size=length).
for (const [what, message, length, digest] of [
  [
    'nothing',
    Buffer.alloc(0),
    33,
    'ddca500c4d28f7f2816de1574f840e4878c1c5aa30c149745e0149273b214c359d',
  ],
  [
    'a word',
    Buffer.from('gatebook'),
    33,
    '9aace8140436ab3a6bbcf385c9fd2e41090c0dc02d3d693216839b41fd376b61df',
  ],
  [
    'two blocks',
    Buffer.from(Array.from({ length: 256 }, (_, index) => index)),
    33,
    '45331cc48965962add5383a40d8b2475f7a4c58c09a556d824cf0c334cea14ab80',
  ],
  [
    'one full block',
    Buffer.alloc(128, 'a'),
    33,
    'c297ffe7b84dbc5211d79ba443cf0c00bb8c1c269a0292deb0031346e1cd7098cb',
  ],
  ['a block and a byte', Buffer.alloc(129, 'a'), 20, 'eeff408d65ecf3235b2586586d331fea9014b8d8'],
] as const) {
  test(`${length} bytes of ${what}`, () => {
    assert.is(blake2b(message, length).toString('hex'), digest);
  });
}

test.run();
