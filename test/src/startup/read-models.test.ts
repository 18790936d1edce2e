import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { roles } from '../../../projections/roles.ts';
import { parseConfig } from '../../../src/config/config.ts';
import { bulkFoldEventsMin } from '../../../src/limits/rows.ts';
import { readBatchMax } from '../../../src/limits/store.ts';
import { createLogger } from '../../../src/logger.ts';
import { openReadModelsOf } from '../../../src/startup/read-models.ts';
import { positionOf, type StoredEvent } from '../../../src/store/event-store.ts';
import { ada, later } from '../../support/client.ts';
import { logOf } from '../../support/read-models.ts';
import { assert, suite } from '../../support/suite.ts';

const test = suite<{ folder: string }>('the rows at a start');
test.before.each((world) => {
  world.folder = mkdtempSync(join(tmpdir(), 'gatebook-start-rows-'));
});
test.after.each(({ folder }) => rmSync(folder, { recursive: true, force: true }));

const long = logOf(
  Array.from({ length: bulkFoldEventsMin }, (_, number) => ({
    ...{ stream: `role-r${number % 9}`, type: 'RoleDefined' },
    data: { name: `r${number % 9}`, permissions: [], description: `${number}`, at: later, by: ada },
  })),
);

async function opened(folder: string, log: readonly StoredEvent[]) {
  const lines: string[] = [];
  const logger = createLogger({
    level: 'info',
    write: (line) => lines.push(JSON.parse(line).msg),
  });
  let turns = 0;
  const counting = setInterval(() => turns++, 1);
  const store = {
    logId: 'log-1',
    head: async () => positionOf(log.length),
    readAll: async (after: string, limit: number) =>
      log.slice(Number(after), Number(after) + Math.min(limit, readBatchMax)),
  };
  const config = parseConfig({ GATEBOOK_DATA_DIR: folder });
  const { signal } = new AbortController();
  const readModels = await openReadModelsOf(config, store, { logger, signal });
  clearInterval(counting);
  const { index } = readModels.resume();
  const roleCount = readModels.rows(roles).count();
  readModels.close();
  return { lines, turns, index, roleCount };
}

test('rows of a long log that are missing are made before it is ready, while others go on', async ({
  folder,
}) => {
  writeFileSync(join(folder, 'read-models.sqlite.draft'), 'of a start that was killed');
  const first = await opened(folder, long);
  assert.equal([first.index, first.roleCount], [long.length, 9]);
  assert.match(first.lines[0] ?? '', /^Not ready yet: the rows are made anew/);
  assert.ok(first.turns > 5, `${first.turns} turns of others`);

  const second = await opened(folder, long);
  assert.equal([second.index, second.lines], [long.length, []], 'and not again');
});
test('those of a short log are left to whoever follows it', async ({ folder }) => {
  writeFileSync(join(folder, 'read-models.sqlite.half-journal'), 'of a start that was killed');
  const { index, lines } = await opened(folder, long.slice(1));
  assert.equal([index, lines], [0, []]);
  assert.equal(
    readdirSync(folder).filter((name) => /draft|half/.test(name)),
    [],
  );
});
test('where a projection stops, the others go on: one event after the other', async ({
  folder,
}) => {
  const broken = long.map((event, at) => (at === 5_000 ? { ...event, data: {} } : event));
  const { index, lines } = await opened(folder, broken);
  assert.is(index, 0);
  assert.match(lines.at(-1) ?? '', /^The rows could not be made at once/);
});

test.run();
