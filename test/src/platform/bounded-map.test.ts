/** A map that forgets what was set longest ago. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { BoundedMap } from '../../../src/platform/bounded-map.ts';

const test = suite('bounded map');

test('beyond its size it forgets what was set longest ago, however often that was read', () => {
  const map = new BoundedMap<string, number>(2);
  map.set('a', 1).set('b', 2);
  map.get('a');
  map.set('c', 3);
  assert.equal([...map.keys()], ['b', 'c']);
});

test('what is set again is last in line', () => {
  const map = new BoundedMap<string, number>(2);
  map.set('a', 1).set('b', 2).set('a', 3).set('c', 4);
  assert.equal(
    [...map],
    [
      ['a', 3],
      ['c', 4],
    ],
  );
});

test('a size of none keeps nothing', () =>
  assert.is(new BoundedMap<string, number>(0).set('a', 1).size, 0));

test.run();
