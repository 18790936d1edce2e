/**
 * Keeps the side table to those who have access: by what happened since the last time, as it was heard of, or where more
 * happened, as after a crash, by the history from where it was left.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { AccessRow } from '../../projections/access.ts';
import type { ClientRow } from '../../projections/clients.ts';
import type { HistoryRow } from '../../projections/history.ts';
import { sightingsNamesHeardMax, sightingsPerBatchMax } from '../limits/rows.ts';
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

/** Who asks has no more and no less access than before. */
const asks: ReadonlySet<string> = new Set([
  'RegistrationRequested',
  'RegistrationContested',
  'ReplacementRequested',
]);

/** What happened to a name: when it was last given access, and whether it was erased. */
interface HolderNews {
  sinceMs: number | null;
  wasErased: boolean;
}

/** Notes what an event did to a name. */
function note(names: Map<string, HolderNews>, { stream, type, username, at }: HistoryRow): void {
  if (username === null || asks.has(type) || !stream.startsWith('client-')) return;
  const known = names.get(username) ?? { sinceMs: null, wasErased: false };
  if (givesAccess.has(type)) known.sinceMs = Date.parse(at);
  if (type === 'ClientErased') known.wasErased = true;
  names.set(username, known);
}

/** What of the history was heard of since the last write, so that it need not be read again. */
export class HeardHistory {
  #names = new Map<string, HolderNews>();
  /** The first event from which on nothing was missed; undefined: none was heard of yet. */
  #first: number | undefined;
  #last = -1;

  /** In their order; again what was folded anew. */
  hear(rows: Iterable<HistoryRow>): void {
    for (const row of rows) {
      if (row.index <= this.#last) continue;
      this.#first ??= row.index;
      this.#last = row.index;
      note(this.#names, row);
    }
    if (this.#names.size <= sightingsNamesHeardMax) return;
    this.#names = new Map();
    this.#first = undefined;
  }

  /** What happened after event `index`, which is forgotten here; undefined: not all of it was heard of. */
  takeAfter(index: number) {
    if (this.#first === undefined || index < this.#first - 1) return undefined;
    const heard = { names: this.#names, index: this.#last };
    this.#names = new Map();
    this.#first = this.#last + 1;
    return heard;
  }
}

export interface HolderRows {
  readonly access: Rows<AccessRow>;
  readonly clients: Rows<ClientRow>;
  readonly history: Rows<HistoryRow>;
}

interface HoldersOptions {
  readonly table: SightingsTable;
  readonly heard: HeardHistory;
  readonly rows: HolderRows;
  readonly nowMs: number;
  /** What waits to be written of a name is not written any more. */
  readonly forget: (username: string) => unknown;
}

/** Takes what happened since the last time to the table: each portion with how far it is, in one commit. */
export async function holdersSince(options: HoldersOptions): Promise<void> {
  const { table, rows, heard } = options;
  let { index } = table.facts();
  if (index === null) index = await begin(options);
  const news = heard.takeAfter(index);
  if (news !== undefined) return await applyHeard(options, news, index);
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

/** How far it is is written with the last portion: what was written before may be written again. */
async function applyHeard(
  options: HoldersOptions,
  news: { readonly names: ReadonlyMap<string, HolderNews>; readonly index: number },
  before: number,
): Promise<void> {
  const all = [...news.names];
  for (let from = 0; from < all.length; from += sightingsPerBatchMax) {
    const to = from + sightingsPerBatchMax;
    apply(options, all.slice(from, to), to < all.length ? before : news.index);
    await nextTurn();
  }
  if (all.length === 0 && news.index > before) apply(options, [], news.index);
}

function applyPage(options: HoldersOptions, page: readonly HistoryRow[], index: number): void {
  const names = new Map<string, HolderNews>();
  for (const row of page) note(names, row);
  apply(options, names, index);
}

function apply(
  { table, rows, forget }: HoldersOptions,
  names: Iterable<readonly [string, HolderNews]>,
  index: number,
): void {
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
