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

test('what is used stays, however many come behind it', () => {
  const cache = lruCache<number>(80);
  for (let n = 0; n < 1_000; n++) {
    cache.set(`other-${n}`, n);
    if (n === 500) cache.set('used', 1);
    if (n > 500) assert.is(cache.get('used'), 1);
  }
  for (let n = 0; n < 69; n++) cache.set(`last-${n}`, n);
  assert.is(cache.get('used'), 1, 'at the earliest after seven eighths of the line');
  assert.is(cache.size, 80);
  for (let n = 0; n < 80; n++) cache.set(`after-${n}`, n);
  assert.is(cache.get('used'), undefined);
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
