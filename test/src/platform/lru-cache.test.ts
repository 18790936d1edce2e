import { lruCache } from '../../../src/platform/lru-cache.ts';
import { assert, suite } from '../../support/suite.ts';

const test = suite('bounded cache');

test('at the limit, what was longest not used goes', () => {
  const cache = lruCache<number>(2);
  cache.set('a', 1);
  cache.set('b', 2);
  assert.is(cache.get('a'), 1);
  cache.set('c', 3);
  assert.is(cache.size, 2);
  assert.is(cache.get('b'), undefined);
  assert.is(cache.get('a'), 1);
  assert.is(cache.get('c'), 3);
});

test('what is held is not read again', async () => {
  const cache = lruCache<number>(2);
  assert.is(await cache.load('a', async () => 1), 1);
  assert.is(await cache.load('a', async () => 2), 1);
});

test('what is not there is not held', async () => {
  const cache = lruCache<number>(2);
  assert.is(await cache.load('a', async () => undefined), undefined);
  assert.is(await cache.load('a', async () => 2), 2);
});

test('a read that began before a deletion does not undo it', async () => {
  const cache = lruCache<number>(2);
  const reading = Promise.withResolvers<number>();
  const loading = cache.load('a', () => reading.promise);
  cache.delete('a');
  reading.resolve(1);
  assert.is(await loading, 1);
  assert.is(cache.size, 0);
});

test.run();
