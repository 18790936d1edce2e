/** A hash over all rows of all read models: two that folded the same events have the same one. */
import { createHash } from 'node:crypto';
import { DatabaseSync } from 'node:sqlite';
import { setImmediate as breathe } from 'node:timers/promises';

export interface ReadModelState {
  readonly position: string;
  readonly stateHash: string;
  readonly items: readonly {
    readonly name: string;
    readonly version: number;
    readonly rowCount: number;
    readonly stateHash: string;
  }[];
}

const rowsBetweenBreaths = 2_000;

async function hashRows(database: DatabaseSync, name: string) {
  const hash = createHash('sha256');
  let rowCount = 0;
  for (const found of database
    .prepare(`SELECT key, born, row FROM rows_${name} ORDER BY key`)
    .iterate() as Iterable<{ key: string; born: number; row: string }>) {
    hash.update(`${found.key}\0${found.born}\0${found.row}\n`);
    if (++rowCount % rowsBetweenBreaths === 0) await breathe();
  }
  return { rowCount, stateHash: hash.digest('hex') };
}

/** Reads a snapshot of the file beside the running service; writers go on meanwhile. */
export async function stateOf(
  file: string,
  projections: readonly { readonly name: string; readonly version: number }[],
  positionIn: (database: DatabaseSync) => string,
): Promise<ReadModelState> {
  const database = new DatabaseSync(file, { readOnly: true });
  try {
    database.exec('BEGIN');
    const position = positionIn(database);
    const items = [];
    for (const { name, version } of projections)
      items.push({ name, version, ...(await hashRows(database, name)) });
    const whole = createHash('sha256');
    for (const item of items) whole.update(`${item.name} ${item.version} ${item.stateHash}\n`);
    return { position, stateHash: whole.digest('hex'), items };
  } finally {
    database.close();
  }
}
