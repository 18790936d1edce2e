import fc from 'fast-check';
import { createFingerprints } from '../../../../src/credentials/passwords/fingerprints.ts';
import { assert, suite } from '../../../support/suite.ts';

const test = suite('fingerprints');

test('recalls the credentials of a name with this password, and no other', () => {
  const prints = createFingerprints(10);
  prints.remember('press-1', 'old', 'right');
  prints.remember('press-1', 'new', 'right');
  prints.remember('press-1', 'other', 'different');
  prints.remember('press-2', 'theirs', 'right');
  assert.equal(prints.recall('press-1', 'right'), ['new', 'old']);
  assert.equal(prints.recall('press-1', 'different'), ['other']);
  assert.equal(prints.recall('press-1', 'wrong'), []);
  assert.equal(prints.recall('nobody', 'right'), []);
});

test('a name and a password are never taken for another pair', () => {
  const prints = createFingerprints(10);
  prints.remember('ab', 'credential', 'c');
  assert.equal(prints.recall('a', 'bc'), []);
});

test('a credential has one password: the last', () => {
  const prints = createFingerprints(10);
  prints.remember('press-1', 'credential', 'before');
  prints.remember('press-1', 'credential', 'after');
  assert.equal(prints.recall('press-1', 'before'), []);
  assert.equal(prints.recall('press-1', 'after'), ['credential']);
  assert.is(prints.remembered(), 1);
});

test('a forgotten name is forgotten whole, and only it', () => {
  const prints = createFingerprints(10);
  prints.remember('press-1', 'a', 'right');
  prints.remember('press-1', 'b', 'right');
  prints.remember('press-2', 'c', 'right');
  prints.forget('press-1');
  assert.equal(prints.recall('press-1', 'right'), []);
  assert.equal(prints.recall('press-2', 'right'), ['c']);
  assert.is(prints.remembered(), 1);
});

test('at the limit, the name that was longest not used loses its oldest', () => {
  const prints = createFingerprints(3);
  prints.remember('press-1', 'a', 'right');
  prints.remember('press-1', 'b', 'right');
  prints.remember('press-2', 'c', 'right');
  prints.remember('press-3', 'd', 'right');
  assert.equal(prints.recall('press-1', 'right'), ['b']);
  prints.remember('press-4', 'e', 'right');
  assert.equal(prints.recall('press-2', 'right'), []);
  assert.equal(prints.recall('press-1', 'right'), ['b']);
});

test('wrong guesses at a name do not keep it', () => {
  const prints = createFingerprints(2);
  prints.remember('press-1', 'a', 'right');
  prints.remember('press-2', 'b', 'right');
  prints.recall('press-1', 'wrong');
  prints.remember('press-3', 'c', 'right');
  assert.equal(prints.recall('press-1', 'right'), []);
  assert.equal(prints.recall('press-2', 'right'), ['b']);
});

test('never more than the limit, and the count is right', () => {
  const name = fc.constantFrom('a', 'b', 'c', 'd');
  const step = fc.oneof(
    fc.record({ remember: name, credential: fc.constantFrom('x', 'y', 'z') }),
    fc.record({ forget: name }),
  );
  fc.assert(
    fc.property(fc.array(step), (steps) => {
      const prints = createFingerprints(4);
      for (const one of steps) {
        if ('forget' in one) prints.forget(one.forget);
        else prints.remember(one.remember, one.credential, 'right');
        const found = ['a', 'b', 'c', 'd'].flatMap((each) => prints.recall(each, 'right'));
        assert.is(found.length, prints.remembered());
        assert.ok(found.length <= 4);
        if ('remember' in one)
          assert.ok(prints.recall(one.remember, 'right').includes(one.credential));
      }
    }),
  );
});

test.run();
