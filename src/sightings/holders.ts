/** Keeps the side table to those who have access: goes on in the history where it was left, also after a crash. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { AccessRow } from '../../projections/access.ts';
import type { ClientRow } from '../../projections/clients.ts';
import type { HistoryRow } from '../../projections/history.ts';
import { sightingsPerBatchMax } from '../limits/rows.ts';
import { everyRowInTurns } from '../read-models/every-row.ts';
import type { Rows } from '../read-models/row-table.ts';
import type { SightingsTable } from './table.ts';

/** From these on a client that is not seen counts as unseen. */
const givesAccess: ReadonlySet<string> = new Set([
  'RegistrationGranted',
  'ReplacementGranted',
  'ClientCreated',
  'PersonSignedIn',
  'AdministratorReset',
  'AccessResumed',
]);

export interface HolderRows {
  readonly access: Rows<AccessRow>;
  readonly clients: Rows<ClientRow>;
  readonly history: Rows<HistoryRow>;
}

interface HoldersOptions {
  readonly table: SightingsTable;
  readonly rows: HolderRows;
  readonly nowMs: number;
  /** What waits to be written of a name is not written any more. */
  readonly forget: (username: string) => unknown;
}

/** Takes what happened since the last time to the table: each portion with how far it is, in one commit. */
export async function holdersSince(options: HoldersOptions): Promise<void> {
  const { table, rows } = options;
  let { index } = table.facts();
  if (index === null) index = await begin(options);
  for (;;) {
    const page = rows.history.find({ order: 'oldest', limit: sightingsPerBatchMax, after: index });
    const last = page.items.at(-1);
    if (last === undefined) return;
    index = last.index;
    applyPage(options, page.items, index);
    await nextTurn();
  }
}

/** A table that is new beside a log that is not: nobody knows who was seen before, so all count from now. */
async function begin({ table, rows, nowMs }: HoldersOptions): Promise<number> {
  const index = rows.history.find({ order: 'newest', limit: 1 }).items[0]?.index ?? -1;
  const active = { where: [{ column: 'status', is: 'active' }] };
  let portion: string[] = [];
  const write = () => {
    table.batch(() => {
      for (const username of portion) table.held(username, nowMs);
    });
    portion = [];
  };
  for await (const { username } of everyRowInTurns(rows.clients, active))
    if (portion.push(username) >= sightingsPerBatchMax) write();
  write();
  table.saveFacts({ ...table.facts(), index });
  return index;
}

function applyPage(
  { table, rows, forget }: HoldersOptions,
  page: readonly HistoryRow[],
  index: number,
): void {
  const names = new Map<string, { sinceMs: number | null; wasErased: boolean }>();
  for (const { stream, type, username, at } of page) {
    if (username === null || !stream.startsWith('client-')) continue;
    const known = names.get(username) ?? { sinceMs: null, wasErased: false };
    if (givesAccess.has(type)) known.sinceMs = Date.parse(at);
    if (type === 'ClientErased') known.wasErased = true;
    names.set(username, known);
  }
  table.batch(() => {
    for (const [username, { sinceMs, wasErased }] of names) {
      if (wasErased) {
        table.forgotten(username);
        forget(username);
      }
      const status = rows.access.get(username)?.status;
      if (status !== 'active') table.released(username);
      else if (sinceMs !== null) table.held(username, sinceMs);
    }
    table.trim();
    table.saveFacts({ ...table.facts(), index });
  });
}
