/** Room for requests that wait: in all, from one source, and what counts no more. */

import * as the from '../../support/client.ts';
import { rowsFile } from '../../support/read-models.ts';
import { assert, suite } from '../../support/suite.ts';
import { capacityWorld, denied, requested, turns } from './capacity-world.ts';

const test = suite<{ file: ReturnType<typeof rowsFile> }>('room for pending requests');
test.before.each((world) => {
  world.file = rowsFile();
});
test.after.each(({ file }) => file.remove());

test('pending ones are bounded in all', async ({ file }) => {
  const { reserve: take, unlock, write, capacity } = await capacityWorld(file, { pendingMax: 2 });
  unlock(100);
  const reservation = take('192.0.2.1');
  reservation.bindTo(the.id(1));
  write(requested(1));
  assert.is(take('192.0.2.2').outcome, 'free');
  assert.is(take('192.0.2.3').outcome, 'pending-full');
  write(denied(1));
  assert.is(capacity.pending(), 0);
  assert.is(take('192.0.2.3').outcome, 'free');
});
test('and from one source: an IPv6 host is its whole /64', async ({ file }) => {
  const { reserve: take, unlock } = await capacityWorld(file, { pendingPerSourceMax: 1 });
  unlock(100);
  assert.is(take('2001:db8::1').outcome, 'free');
  assert.is(take('2001:db8::2').outcome, 'pending-full');
  assert.is(take('2001:db8:0:1::1').outcome, 'free');
  assert.is(take(null).outcome, 'free');
  assert.is(take(null).outcome, 'pending-full', 'sources that are not known are one');
});
test('the window is asked first', async ({ file }) => {
  const { reserve: take, unlock } = await capacityWorld(file, { pendingMax: 0 });
  unlock(1);
  assert.is(take().outcome, 'pending-full');
  const none = await capacityWorld(file, { pendingMax: 0 }, undefined, [requested(1)]);
  none.unlock(1);
  none.write(requested(2));
  assert.is(none.reserve().outcome, 'window-full');
});
test('a request that is decided at once waits no more, however late its door hears of it', async ({
  file,
}) => {
  const { capacity, reserve: take, unlock, write } = await capacityWorld(file);
  unlock(9);
  for (const number of [1, 2]) {
    const reservation = take();
    if (number === 1) reservation.bindTo(the.id(number));
    write(requested(number), denied(number));
    capacity.requested(the.id(number), '192.0.2.1');
    reservation.release();
  }
  await turns();
  assert.is(capacity.pending(), 0);
});
test('granted and expired ones wait no more either', async ({ file }) => {
  const { capacity, unlock, write } = await capacityWorld(file);
  unlock(9);
  for (const end of [the.granted(), the.lapsed]) {
    write(the.requested());
    await turns();
    assert.is(capacity.pending(), 1);
    write(end);
    assert.is(capacity.pending(), 0, end.type);
  }
});

test('what waits at the start counts, page by page, for its source', async ({ file }) => {
  const many = Array.from({ length: 1_001 }, (_, number) => requested(number));
  const { capacity, reserve: take } = await capacityWorld(
    file,
    { pendingMax: 2_000, pendingPerSourceMax: 1_002 },
    undefined,
    [
      ...many,
      {
        type: 'RegistryUnlocked',
        data: {
          windowId: the.nextWindow,
          until: the.later,
          limits: { maxRequests: 5, usernamePattern: null, sources: [], note: null },
          at: the.at,
          by: the.ada,
        },
      },
    ],
  );
  assert.is(capacity.pending(), 1_001);
  assert.equal(
    [take().outcome, take().outcome, take('192.0.2.2').outcome],
    ['free', 'pending-full', 'free'],
  );
});
test('another node’s request counts when its source is open, also when it cannot be opened', async ({
  file,
}) => {
  let fails = false;
  const {
    capacity,
    reserve: take,
    unlock,
    write,
  } = await capacityWorld(file, { pendingPerSourceMax: 1 }, async ({ source }) => {
    if (fails) throw new Error('no key');
    return source;
  });
  unlock(100);
  write(requested(1, the.firstWindow, '192.0.2.9'));
  await turns();
  assert.is(capacity.pending(), 1);
  assert.is(take('192.0.2.9').outcome, 'pending-full');
  fails = true;
  write(requested(2));
  await turns();
  assert.is(capacity.pending(), 2);
  assert.is(take(null).outcome, 'pending-full', 'it counts as not known');
  write(denied(1), denied(2));
  assert.is(capacity.pending(), 0);
});
test('what is decided while its source is opened is not counted', async ({ file }) => {
  const opening: { resolve: (source: string) => void; reject: (error: Error) => void }[] = [];
  const { capacity, unlock, write } = await capacityWorld(file, {}, () => {
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    opening.push({ resolve, reject });
    return promise;
  });
  unlock(100);
  write(requested(1), requested(2));
  write(denied(1), denied(2));
  opening[0]?.resolve('192.0.2.1');
  opening[1]?.reject(new Error('no key'));
  await turns();
  assert.is(capacity.pending(), 0);
});

test.run();
