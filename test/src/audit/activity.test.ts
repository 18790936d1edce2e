import { activityAt, type HistoryRow } from '../../../projections/history.ts';
import { createActivity } from '../../../src/audit/activity.ts';
import { countedAtOnceMax } from '../../../src/limits/audit.ts';
import type { Condition } from '../../../src/read-models/condition-sql.ts';
import type { Rows } from '../../../src/read-models/row-table.ts';
import { assert, suite } from '../../support/suite.ts';

const test = suite('activity');

/** An index of one column, which counts as the rows do. */
function indexOf(entries: readonly string[]) {
  const asked: number[] = [];
  const count = (where: readonly Condition[] = [], atMost = Number.POSITIVE_INFINITY) => {
    const [from, to] = where.map((one) => String(Object.values(one)[1]));
    const found = entries.filter((entry) => entry >= (from ?? '') && entry < (to ?? '')).length;
    asked.push(Math.min(found, atMost));
    return Math.min(found, atMost);
  };
  const between = () => ({ items: [], next: null });
  return { asked, rows: { count, between } as unknown as Rows<HistoryRow> };
}

test('a part that holds more than one count may go through is divided, down to a millisecond', async () => {
  const start = Date.parse('2026-11-23T10:00:00.000Z');
  const at = (ms: number) => new Date(start + ms).toISOString();
  const times = [
    ...Array.from({ length: countedAtOnceMax * 2 }, (_, index) => index % 1_000),
    ...Array<number>(countedAtOnceMax + 5).fill(1_500),
  ];
  const index = indexOf(times.map((ms) => activityAt('requested', at(ms))));
  const { activity } = createActivity({
    history: index.rows,
    window: { get: () => undefined, steps: () => [], within: () => [], versions: () => [] },
    tree: { sizeAt: () => 0 },
    now: () => at(0),
  });
  const { items } = await activity(at(0), at(2_000), 2);
  assert.equal(
    items.map(({ from, requested, granted }) => [from, requested, granted]),
    [
      [at(0), countedAtOnceMax * 2, 0],
      [at(1_000), countedAtOnceMax + 5, 0],
    ],
  );
  const beyond = index.asked.filter((found) => found > countedAtOnceMax);
  assert.equal(beyond, [countedAtOnceMax + 5], 'one millisecond alone is counted as a whole');
});

test.run();
