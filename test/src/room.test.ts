import * as fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { ClientEvent } from '../../domain/client-events.ts';
import type { WindowEvent } from '../../domain/window.ts';
import { type RequestRow, requests } from '../../projections/requests.ts';
import { type WindowRow, windowProjection } from '../../projections/window.ts';
import { createRoom, type Room } from '../../src/room.ts';
import * as the from '../support/client.ts';
import { logOf, rowsFile } from '../support/read-models.ts';

interface Hall {
  readonly room: Room;
  /** Writes events to the log, and at once to the rows. */
  write(...events: readonly (ClientEvent | WindowEvent)[]): void;
  take(source?: string | null): ReturnType<Room['take']>;
  unlock(maxRequests: number, windowId?: string): void;
}
type Limits = { pendingMax?: number; pendingPerSourceMax?: number };

const test = suite<{ file: ReturnType<typeof rowsFile> }>('room');
test.before.each((world) => {
  world.file = rowsFile();
});
test.after.each(({ file }) => file.remove());

const requested = (number: number, windowId = the.firstWindow, source = '192.0.2.1') =>
  the.requested({
    username: `press-${number}`,
    requestId: the.id(number),
    credentialId: the.id(number),
    windowId,
    source,
  });
const denied = (number: number) =>
  the.denied({ username: `press-${number}`, requestId: the.id(number) });

/** Sources are sealed by no key here: what is stored is the address. */
async function hall(
  file: ReturnType<typeof rowsFile>,
  { pendingMax = 1_000, pendingPerSourceMax = 1_000 }: Limits = {},
  openSource: (row: RequestRow) => Promise<string | null> = async ({ source }) => source,
  before: readonly (ClientEvent | WindowEvent)[] = [],
): Promise<Hall> {
  const models = file.open({ projections: [windowProjection, requests] });
  const log: Parameters<typeof logOf>[0][number][] = [];
  const write: Hall['write'] = (...events) => {
    const from = log.length;
    for (const { type, data } of events)
      log.push({
        stream: 'username' in data ? `client-${data.username}` : 'registry-main',
        type,
        data,
      });
    models.apply(logOf(log).slice(from));
  };
  write(...before);
  const room = await createRoom({
    requests: models.rows(requests),
    onApplied: (listener) => models.onApplied(listener),
    openSource,
    pendingMax,
    pendingPerSourceMax,
  });
  return {
    room,
    write,
    take: (source = '192.0.2.1') =>
      room.take(models.rows(windowProjection).get('main') as WindowRow, source),
    unlock: (maxRequests, windowId = the.firstWindow) =>
      write({
        type: 'RegistryUnlocked',
        data: {
          windowId,
          until: the.later,
          limits: { maxRequests, usernamePattern: null, sources: [], note: null },
          at: the.at,
          by: the.ada,
        },
      }),
  };
}
const turns = async () => {
  for (let turn = 0; turn < 5; turn++) await Promise.resolve();
};

test('a window holds as many as it says', async ({ file }) => {
  const { take, unlock } = await hall(file);
  unlock(2);
  assert.is(take().room, 'free');
  assert.is(take().room, 'free');
  assert.is(take().room, 'window-full');
});
test('a place that was given back is free, and is given back once', async ({ file }) => {
  const { take, unlock } = await hall(file);
  unlock(2);
  const place = take();
  place.release();
  place.release();
  assert.equal([take().room, take().room, take().room], ['free', 'free', 'window-full']);
});
test('giving back what was full gives nothing', async ({ file }) => {
  const { take, unlock } = await hall(file);
  unlock(1);
  take();
  take().release();
  assert.is(take().room, 'window-full');
});
test('what was asked in the window counts, whatever became of it', async ({ file }) => {
  const { take, unlock, write } = await hall(file);
  unlock(2);
  write(requested(1), denied(1));
  assert.equal([take().room, take().room], ['free', 'window-full']);
});
test('a new window has its own room', async ({ file }) => {
  const { take, unlock, write } = await hall(file);
  unlock(1);
  take();
  assert.is(take().room, 'window-full');
  write({ type: 'RegistryLocked', data: { windowId: the.firstWindow, at: the.at, by: the.ada } });
  unlock(1, the.nextWindow);
  assert.is(take().room, 'free');
});
test('a request counts once: as a place while it is written, as a row from then on', async ({
  file,
}) => {
  const { room, take, unlock, write } = await hall(file);
  unlock(2);
  const place = take();
  place.fills(the.id(1));
  write(requested(1));
  assert.is(room.pending(), 1);
  const second = take();
  assert.is(second.room, 'free', 'one of two is used, not two');
  assert.is(take().room, 'window-full');
  room.asked(the.id(1), '192.0.2.1');
  place.release();
  assert.is(room.pending(), 1);
  assert.is(take().room, 'window-full');
  second.release();
  assert.is(take().room, 'free');
});
test('without that the place stands beside the row until it is given back', async ({ file }) => {
  const { room, take, unlock, write } = await hall(file);
  unlock(2);
  const place = take();
  write(requested(1));
  room.asked(the.id(1), '192.0.2.1');
  assert.is(room.pending(), 1, 'at once');
  place.release();
  assert.equal([take().room, take().room], ['free', 'window-full']);
});

test('a door that is told before the rows are counts once all the same', async ({ file }) => {
  const { room, take, unlock, write } = await hall(file);
  unlock(9);
  const place = take();
  room.asked(the.id(1), '192.0.2.1');
  place.release();
  assert.is(room.pending(), 1);
  write(requested(1));
  await turns();
  assert.is(room.pending(), 1);
  write(denied(1));
  assert.is(room.pending(), 0);
});
test('a place is filled by the request it named last, and by none once it is given back', async ({
  file,
}) => {
  const { take, unlock, write } = await hall(file, { pendingPerSourceMax: 1 });
  unlock(2);
  const place = take('192.0.2.1');
  place.fills(the.id(1));
  place.fills(the.id(2));
  write(requested(1, the.nextWindow, '192.0.2.9'));
  await turns();
  assert.is(take('192.0.2.1').room, 'pending-full', 'its place is still taken');
  place.release();
  write(requested(2, the.nextWindow, '192.0.2.8'));
  await turns();
  assert.is(take('192.0.2.8').room, 'pending-full', 'another node’s, from there');
  assert.is(take('192.0.2.1').room, 'free');
});

test('pending ones are bounded in all', async ({ file }) => {
  const { take, unlock, write, room } = await hall(file, { pendingMax: 2 });
  unlock(100);
  const place = take('192.0.2.1');
  place.fills(the.id(1));
  write(requested(1));
  assert.is(take('192.0.2.2').room, 'free');
  assert.is(take('192.0.2.3').room, 'pending-full');
  write(denied(1));
  assert.is(room.pending(), 0);
  assert.is(take('192.0.2.3').room, 'free');
});
test('and from one source: an IPv6 host is its whole /64', async ({ file }) => {
  const { take, unlock } = await hall(file, { pendingPerSourceMax: 1 });
  unlock(100);
  assert.is(take('2001:db8::1').room, 'free');
  assert.is(take('2001:db8::2').room, 'pending-full');
  assert.is(take('2001:db8:0:1::1').room, 'free');
  assert.is(take(null).room, 'free');
  assert.is(take(null).room, 'pending-full', 'sources that are not known are one');
});
test('the window is asked first', async ({ file }) => {
  const { take, unlock } = await hall(file, { pendingMax: 0 });
  unlock(1);
  assert.is(take().room, 'pending-full');
  const none = await hall(file, { pendingMax: 0 }, undefined, [requested(1)]);
  none.unlock(1);
  none.write(requested(2));
  assert.is(none.take().room, 'window-full');
});
test('a request that is decided at once waits no more, however late its door hears of it', async ({
  file,
}) => {
  const { room, take, unlock, write } = await hall(file);
  unlock(9);
  for (const number of [1, 2]) {
    const place = take();
    if (number === 1) place.fills(the.id(number));
    write(requested(number), denied(number));
    room.asked(the.id(number), '192.0.2.1');
    place.release();
  }
  await turns();
  assert.is(room.pending(), 0);
});
test('granted and expired ones wait no more either', async ({ file }) => {
  const { room, unlock, write } = await hall(file);
  unlock(9);
  for (const end of [the.granted(), the.lapsed]) {
    write(the.requested());
    await turns();
    assert.is(room.pending(), 1);
    write(end);
    assert.is(room.pending(), 0, end.type);
  }
});

test('what waits at the start counts, page by page, for its source', async ({ file }) => {
  const many = Array.from({ length: 1_001 }, (_, number) => requested(number));
  const { room, take } = await hall(
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
  assert.is(room.pending(), 1_001);
  assert.equal(
    [take().room, take().room, take('192.0.2.2').room],
    ['free', 'pending-full', 'free'],
  );
});
test('another node’s request counts when its source is open, also when it cannot be opened', async ({
  file,
}) => {
  let fails = false;
  const { room, take, unlock, write } = await hall(
    file,
    { pendingPerSourceMax: 1 },
    async ({ source }) => {
      if (fails) throw new Error('no key');
      return source;
    },
  );
  unlock(100);
  write(requested(1, the.firstWindow, '192.0.2.9'));
  await turns();
  assert.is(room.pending(), 1);
  assert.is(take('192.0.2.9').room, 'pending-full');
  fails = true;
  write(requested(2));
  await turns();
  assert.is(room.pending(), 2);
  assert.is(take(null).room, 'pending-full', 'it counts as not known');
  write(denied(1), denied(2));
  assert.is(room.pending(), 0);
});
test('what is decided while its source is opened is not counted', async ({ file }) => {
  const opening: { resolve: (source: string) => void; reject: (error: Error) => void }[] = [];
  const { room, unlock, write } = await hall(file, {}, () => {
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
  assert.is(room.pending(), 0);
});

// Every door holds its place from `take` to `release`; in between its request is written, or not.
test('however many doors are open at once, just as many come in as there is room for', async ({
  file,
}) => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 4 }),
      fc.array(fc.tuple(fc.constantFrom('take', 'write', 'tell', 'give up'), fc.nat({ max: 7 })), {
        maxLength: 40,
      }),
      async (maxRequests, steps) => {
        file.remove();
        const { room, take, unlock, write } = await hall(file);
        unlock(maxRequests);
        let next = 1;
        let written = 0;
        const doors: { place: ReturnType<Room['take']>; id: number; isWritten: boolean }[] = [];
        for (const [step, pick] of steps) {
          const door = doors[pick % Math.max(1, doors.length)];
          const held = doors.filter(({ isWritten }) => !isWritten).length;
          if (step === 'take') {
            const place = take();
            assert.is(place.room, written + held < maxRequests ? 'free' : 'window-full');
            if (place.room !== 'free') continue;
            place.fills(the.id(900 + next));
            place.fills(the.id(next));
            doors.push({ place, id: next++, isWritten: false });
          } else if (step === 'write' && door && !door.isWritten) {
            write(requested(door.id));
            door.isWritten = true;
            written++;
          } else if (door && (step === 'give up' || door.isWritten)) {
            if (door.isWritten) room.asked(the.id(door.id), '192.0.2.1');
            door.place.release();
            doors.splice(doors.indexOf(door), 1);
          }
          assert.is(room.pending(), written);
        }
      },
    ),
    { numRuns: 40 },
  );
});

test.run();
