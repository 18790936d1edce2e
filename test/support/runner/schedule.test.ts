/** What runs when: the longest first, and one browser at a time. */
import { setTimeout as sleep } from 'node:timers/promises';
import { assert, suite } from '../suite.ts';
import { longestFirst, runInOrder } from './schedule.ts';
import type { TestFile } from './test-files.ts';

const test = suite('the schedule');

const file = (path: string, usesBrowser = false): TestFile => ({
  path,
  usesBrowser,
  ...{ needsKurrent: false, startsProcesses: false, lineCount: 10 },
});
const known = new Map(
  Object.entries({ 'a-browser': 200, 'b-browser': 300, 'c-browser': 100, long: 500, short: 1 }),
);
const files = [...known.keys()].map((path) => file(path, path.endsWith('browser')));
const ordered = longestFirst(files, known);

test('the longest come first; the browser’s are as long as all of them', () => {
  assert.equal(
    ordered.map(({ path }) => path),
    ['b-browser', 'a-browser', 'c-browser', 'long', 'short'],
  );
});

test('what never ran is guessed by what it starts', () => {
  const starts = { ...file('starts'), startsProcesses: true };
  const served = { ...file('served'), needsKurrent: true };
  assert.equal(longestFirst([file('plain'), starts, served], new Map()), [
    ...[served, starts],
    file('plain'),
  ]);
});

test('so many run at once, and of those with a browser one', async () => {
  const running = new Set<string>();
  const ran: string[] = [];
  let mostAtOnce = 0;
  await runInOrder(ordered, 3, async ({ path, usesBrowser }) => {
    running.add(path);
    ran.push(path);
    mostAtOnce = Math.max(mostAtOnce, running.size);
    if (usesBrowser) assert.is([...running].filter((name) => name.endsWith('browser')).length, 1);
    await sleep((known.get(path) ?? 0) / 5);
    running.delete(path);
  });
  assert.equal(ran.toSorted(), [...known.keys()].toSorted());
  assert.equal(ran.slice(0, 3), ['b-browser', 'long', 'short']);
  assert.is(mostAtOnce, 3);
});

test.run();
