import { longPollsMax } from '../../../src/limits/http.ts';
import type { Changes } from '../../../src/read-models/read-models.ts';
import { createLongPolls } from '../../../src/registration/long-polls.ts';
import { assert, suite } from '../../support/suite.ts';

const test = suite('long polls');

function polls() {
  const listeners: ((events: unknown, changes: Changes) => void)[] = [];
  const { changed } = createLongPolls((listener) => listeners.push(listener));
  const tell = (projection: string, ...ids: string[]) => {
    const rows = new Map(ids.map((id) => [id, {}]));
    for (const listener of listeners) listener([], new Map([[projection, rows]]));
  };
  return { changed, tell, never: new AbortController().signal };
}
const long = 60_000;

test('a change wakes all who wait for it', async () => {
  const { changed, tell, never } = polls();
  const waiting = [changed('r1', long, never), changed('r1', long, never)];
  tell('requests', 'r0', 'r1');
  assert.equal(await Promise.all(waiting), [true, true]);
});
test('it wakes nobody else', async () => {
  const { changed, tell, never } = polls();
  let woken = false;
  const stop = new AbortController();
  const other = changed('r2', long, stop.signal).then(() => {
    woken = true;
  });
  const mine = changed('r1', long, never);
  tell('clients', 'r1', 'r2');
  tell('requests', 'r1');
  assert.is(await mine, true);
  assert.is(woken, false);
  stop.abort();
  await other;
});
test('after its time it is told that nothing changed', async () => {
  const { changed, never } = polls();
  assert.is(await changed('r1', 5, never), false);
});
test('who goes away waits no more', async () => {
  const { changed, tell } = polls();
  const leaving = new AbortController();
  const waiting = changed('r1', long, leaving.signal);
  leaving.abort();
  assert.is(await waiting, false);
  tell('requests', 'r1');
  assert.is(await changed('r1', long, leaving.signal), false, 'gone already');
});
test('who goes away takes nobody along who waits for the same', async () => {
  const { changed, tell, never } = polls();
  const leaving = new AbortController();
  const [gone, staying] = [changed('r1', long, leaving.signal), changed('r1', long, never)];
  leaving.abort();
  assert.is(await gone, false);
  tell('requests', 'r1');
  assert.is(await staying, true);
});
test('they are bounded: one more is answered at once, and a place that is left is free', async () => {
  const { changed, tell, never } = polls();
  const leaving = new AbortController();
  const waiting = [changed('r0', long, leaving.signal)];
  for (let number = 1; number < longPollsMax; number++) waiting.push(changed('r1', long, never));
  assert.is(await changed('r1', long, never), false);
  leaving.abort();
  assert.is(await waiting[0], false);
  const again = changed('r1', long, never);
  assert.is(await changed('r1', long, never), false);
  tell('requests', 'r1');
  assert.is(await again, true);
  assert.ok((await Promise.all(waiting.slice(1))).every((woken) => woken));
  const last = changed('r1', long, never);
  tell('requests', 'r1');
  assert.is(await last, true, 'every place was given back');
});

test.run();
