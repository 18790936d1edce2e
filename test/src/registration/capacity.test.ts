/** Room in a window: places that are taken, filled and given back. */
import * as fc from 'fast-check';
import type { Capacity } from '../../../src/registration/capacity.ts';
import * as the from '../../support/client.ts';
import { rowsFile } from '../../support/read-models.ts';
import { assert, suite } from '../../support/suite.ts';
import { capacityWorld, denied, requested, turns } from './capacity-world.ts';

const test = suite<{ file: ReturnType<typeof rowsFile> }>('room');
test.before.each((world) => {
  world.file = rowsFile();
});
test.after.each(({ file }) => file.remove());

test('a window holds as many as it says', async ({ file }) => {
  const { reserve: take, unlock } = await capacityWorld(file);
  unlock(2);
  assert.is(take().outcome, 'free');
  assert.is(take().outcome, 'free');
  assert.is(take().outcome, 'window-full');
});
test('a place that was given back is free, and is given back once', async ({ file }) => {
  const { reserve: take, unlock } = await capacityWorld(file);
  unlock(2);
  const reservation = take();
  reservation.release();
  reservation.release();
  assert.equal([take().outcome, take().outcome, take().outcome], ['free', 'free', 'window-full']);
});
test('giving back what was full gives nothing', async ({ file }) => {
  const { reserve: take, unlock } = await capacityWorld(file);
  unlock(1);
  take();
  take().release();
  assert.is(take().outcome, 'window-full');
});
test('what was asked in the window counts, whatever became of it', async ({ file }) => {
  const { reserve: take, unlock, write } = await capacityWorld(file);
  unlock(2);
  write(requested(1), denied(1));
  assert.equal([take().outcome, take().outcome], ['free', 'window-full']);
});
test('a new window has its own room', async ({ file }) => {
  const { reserve: take, unlock, write } = await capacityWorld(file);
  unlock(1);
  take();
  assert.is(take().outcome, 'window-full');
  write({ type: 'RegistryLocked', data: { windowId: the.firstWindow, at: the.at, by: the.ada } });
  unlock(1, the.nextWindow);
  assert.is(take().outcome, 'free');
});
test('a request counts once: as a place while it is written, as a row from then on', async ({
  file,
}) => {
  const { capacity, reserve: take, unlock, write } = await capacityWorld(file);
  unlock(2);
  const reservation = take();
  reservation.bindTo(the.id(1));
  write(requested(1));
  assert.is(capacity.pending(), 1);
  const second = take();
  assert.is(second.outcome, 'free', 'one of two is used, not two');
  assert.is(take().outcome, 'window-full');
  capacity.requested(the.id(1), '192.0.2.1');
  reservation.release();
  assert.is(capacity.pending(), 1);
  assert.is(take().outcome, 'window-full');
  second.release();
  assert.is(take().outcome, 'free');
});
test('without that the place stands beside the row until it is given back', async ({ file }) => {
  const { capacity, reserve: take, unlock, write } = await capacityWorld(file);
  unlock(2);
  const reservation = take();
  write(requested(1));
  capacity.requested(the.id(1), '192.0.2.1');
  assert.is(capacity.pending(), 1, 'at once');
  reservation.release();
  assert.equal([take().outcome, take().outcome], ['free', 'window-full']);
});

test('a door that is told before the rows are counts once all the same', async ({ file }) => {
  const { capacity, reserve: take, unlock, write } = await capacityWorld(file);
  unlock(9);
  const reservation = take();
  capacity.requested(the.id(1), '192.0.2.1');
  reservation.release();
  assert.is(capacity.pending(), 1);
  write(requested(1));
  await turns();
  assert.is(capacity.pending(), 1);
  write(denied(1));
  assert.is(capacity.pending(), 0);
});
test('a place is filled by the request it named last, and by none once it is given back', async ({
  file,
}) => {
  const { reserve: take, unlock, write } = await capacityWorld(file, { pendingPerSourceMax: 1 });
  unlock(2);
  const reservation = take('192.0.2.1');
  reservation.bindTo(the.id(1));
  reservation.bindTo(the.id(2));
  write(requested(1, the.nextWindow, '192.0.2.9'));
  await turns();
  assert.is(take('192.0.2.1').outcome, 'pending-full', 'its place is still taken');
  reservation.release();
  write(requested(2, the.nextWindow, '192.0.2.8'));
  await turns();
  assert.is(take('192.0.2.8').outcome, 'pending-full', 'another node’s, from there');
  assert.is(take('192.0.2.1').outcome, 'free');
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
        const { capacity, reserve: take, unlock, write } = await capacityWorld(file);
        unlock(maxRequests);
        let next = 1;
        let written = 0;
        const doors: {
          reservation: ReturnType<Capacity['reserve']>;
          id: number;
          isWritten: boolean;
        }[] = [];
        for (const [step, pick] of steps) {
          const door = doors[pick % Math.max(1, doors.length)];
          const held = doors.filter(({ isWritten }) => !isWritten).length;
          if (step === 'take') {
            const reservation = take();
            assert.is(reservation.outcome, written + held < maxRequests ? 'free' : 'window-full');
            if (reservation.outcome !== 'free') continue;
            reservation.bindTo(the.id(900 + next));
            reservation.bindTo(the.id(next));
            doors.push({ reservation, id: next++, isWritten: false });
          } else if (step === 'write' && door && !door.isWritten) {
            write(requested(door.id));
            door.isWritten = true;
            written++;
          } else if (door && (step === 'give up' || door.isWritten)) {
            if (door.isWritten) capacity.requested(the.id(door.id), '192.0.2.1');
            door.reservation.release();
            doors.splice(doors.indexOf(door), 1);
          }
          assert.is(capacity.pending(), written);
        }
      },
    ),
    { numRuns: 40 },
  );
});

test.run();
