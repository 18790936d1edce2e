/** A map that forgets what was set longest ago. */
import fc from 'fast-check';
import { BoundedMap } from '../../../src/platform/bounded-map.ts';
import { assert, suite } from '../../support/suite.ts';

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

const key = fc.integer({ min: 0, max: 9 });
const step = fc.oneof(
  fc.record({ does: fc.constant('set' as const), key }),
  fc.record({ does: fc.constant('delete' as const), key }),
  fc.record({ does: fc.constant('clear' as const), key }),
);

test('whatever is set and deleted, the oldest leave first', () =>
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 6 }), fc.array(step, { maxLength: 80 }), (max, steps) => {
      const map = new BoundedMap<number, number>(max);
      let expected: number[] = [];
      for (const { does, key } of steps) {
        if (does === 'clear') {
          map.clear();
          expected = [];
          continue;
        }
        map[does](key, key);
        expected = expected.filter((one) => one !== key);
        if (does === 'set') expected = [...expected, key].slice(-max || expected.length + 1);
        assert.equal([...map.keys()], expected);
      }
    }),
  ));

test.run();
