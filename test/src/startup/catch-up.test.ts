/** A start waits until its rows are as far as the log, however long that takes, and says how far they are. */

import { createLogger } from '../../../src/logger.ts';
import { catchUp } from '../../../src/startup/catch-up.ts';
import { positionOf } from '../../../src/store/event-store.ts';
import { assert, suite } from '../../support/suite.ts';

const test = suite('catching up');

/** Rows that are some events further each time somebody has waited for them. */
function slowRows(head: number, eventsAWait: number) {
  let index = 0;
  let waits = 0;
  return {
    waits: () => waits,
    readModels: {
      resume: () => ({ position: positionOf(index), index }),
      async reached() {
        waits += 1;
        await new Promise((resolve) => setImmediate(resolve));
        index = Math.min(head, index + eventsAWait);
        return index === head;
      },
    },
  };
}

function logged() {
  const lines: string[] = [];
  return { lines, logger: createLogger({ level: 'info', write: (line) => lines.push(line) }) };
}

test('it waits for the last event, and tells how many are done of how many', async () => {
  const { readModels, waits } = slowRows(1_000_000, 1_000);
  const { lines, logger } = logged();
  let nowMs = 0;
  await catchUp({
    ...{ readModels, logger, head: positionOf(1_000_000), total: 1_000_000 },
    signal: new AbortController().signal,
    nowMs: () => (nowMs += 250),
  });
  assert.is(waits(), 1_000, 'longer than any limit of before');
  const told = lines.map((line) => JSON.parse(line));
  assert.ok(told.length > 10 && told.length < 200, `${told.length} lines`);
  for (const { done, total } of told) assert.ok(done > 0 && done < total && total === 1_000_000);
  assert.ok(told.every((line, at) => at === 0 || line.done > told[at - 1].done));
});

test('a service that is told to stop meanwhile stops', async () => {
  const { readModels } = slowRows(Number.POSITIVE_INFINITY, 1);
  const stopping = new AbortController();
  setTimeout(() => stopping.abort(), 20);
  const { logger } = logged();
  const waiting = catchUp({
    ...{ readModels, logger, head: positionOf(1), total: null },
    signal: stopping.signal,
  });
  const fault = await waiting.then(
    () => null,
    (error: Error) => error,
  );
  assert.is(fault?.name, 'AbortError');
});

test.run();
