/**
 * A process of its own, to be killed between log and rows: `node child.ts FOLDER` appends one request after
 * the other and says the position of each once it is readable; every seventh time the rows are committed.
 */
import { writeSync } from 'node:fs';
import { join } from 'node:path';
import { createLogger } from '../../../src/logger.ts';
import { allCustomProjections, allProjections } from '../../../src/read-models/all.ts';
import { followLog } from '../../../src/read-models/follow.ts';
import { openReadModels } from '../../../src/read-models/read-models.ts';
import { noStream } from '../../../src/store/event-store.ts';
import { openSqliteStore } from '../../../src/store/sqlite/store.ts';
import { requested } from '../../support/client.ts';
import { newEvent } from '../../support/stored-events.ts';

const [, , folder = ''] = process.argv;
const store = openSqliteStore({ file: join(folder, 'log.sqlite') });
const readModels = openReadModels({
  file: join(folder, 'read-models.sqlite'),
  logId: store.logId,
  head: await store.head(),
  projections: allProjections,
  customProjections: allCustomProjections,
  commitAfterMs: 600_000,
});
const logger = createLogger({ level: 'error', write: (line) => process.stderr.write(line) });
followLog({ store, readModels, logger, signal: new AbortController().signal });

for (let number = 0; ; number++) {
  const { data } = requested();
  const event = newEvent({ ...data, username: `press-${number}` }, 'RegistrationRequested');
  const { position } = await store.append(`client-press-${number}`, noStream, [event]);
  if (!(await readModels.reached(position, 60_000))) throw new Error('it is not readable');
  if (number % 7 === 6) await readModels.state();
  writeSync(1, `${JSON.stringify({ number, position })}\n`);
}
