/** Finds out which erasures are done: where no disk of the store has anything of the erased any more. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { HistoryRow } from '../../projections/history.ts';
import { keptSecretIn } from '../credentials/vault.ts';
import { erasuresLookApartMs, erasuresLookEveryMs, erasuresReadAtOnceMax } from '../limits/jobs.ts';
import { readBatchMax } from '../limits/store.ts';
import type { Logger } from '../logger.ts';
import { pause } from '../platform/pause.ts';
import type { Rows } from '../read-models/row-table.ts';
import {
  beginning,
  type Disk,
  type EventStore,
  type Position,
  type StoredEvent,
} from '../store/event-store.ts';

interface ErasureState {
  readonly status: 'pending' | 'done';
  /** Which of the store's disks may still have something of it. */
  readonly pendingOn: readonly string[];
}

export interface Erasures {
  stateOf(erasure: { readonly username: string; readonly position: Position }): ErasureState;
  /** How many names were erased, and are still on a disk. */
  pendingCount(): number;
  /** Looks at the disks, unless that was done just now. @throws StoreUnavailable */
  look(): Promise<void>;
}

/** The newest erasure of a name. */
interface Erased {
  readonly position: Position;
  readonly at: string;
}

/** What a disk has of a name from before its erasure. */
interface Left {
  readonly username: string;
  readonly position: Position;
}

/** What a disk had when it was looked at: of erasures after `upTo` nothing is known. */
interface Seen {
  readonly upTo: Position;
  readonly left: readonly Left[];
}

interface ErasuresOptions {
  readonly store: Pick<EventStore, 'disks' | 'read'>;
  readonly history: Rows<HistoryRow>;
  readonly logger: Logger;
}

const doneAtOnce: ErasureState = { status: 'done', pendingOn: [] };

export function createErasures({ store, history, logger }: ErasuresOptions): Erasures {
  const erased = erasedNames(history);
  /** By the disk's name; undefined: it did not answer yet. */
  let disks = new Map<string, Seen | undefined>();
  let hasLooked = false;
  let lookedMs = Number.NEGATIVE_INFINITY;
  let looking: Promise<void> | undefined;

  async function lookAtAll(list: () => Promise<readonly Disk[]>): Promise<void> {
    const known = erased.refresh();
    const now = await list();
    const seen = await Promise.all(
      now.map(async (disk): Promise<[string, Seen | undefined]> => {
        const before = disks.get(disk.name);
        try {
          return [disk.name, await lookAt(disk, before, known, store)];
        } catch (error) {
          logger.warn('A disk of the store could not be looked at', { disk: disk.name, error });
          return [disk.name, before];
        }
      }),
    );
    disks = new Map(seen);
    hasLooked = true;
  }

  function stateOf(username: string, position: Position): ErasureState {
    const pendingOn = [...disks]
      .filter(([, seen]) => seen === undefined || mayHave(seen, username, position))
      .map(([name]) => name)
      .sort();
    return hasLooked && pendingOn.length === 0 ? doneAtOnce : { status: 'pending', pendingOn };
  }

  return {
    stateOf: ({ username, position }) =>
      store.disks === undefined ? doneAtOnce : stateOf(username, position),
    pendingCount() {
      if (store.disks === undefined) return 0;
      let count = 0;
      for (const [username, { position }] of erased.refresh())
        if (stateOf(username, position).status === 'pending') count += 1;
      return count;
    },
    async look() {
      const list = store.disks;
      if (list === undefined) return;
      if (looking === undefined && performance.now() - lookedMs >= erasuresLookApartMs)
        looking = lookAtAll(list).finally(() => {
          looking = undefined;
          lookedMs = performance.now();
        });
      await looking;
    },
  };
}

const mayHave = ({ upTo, left }: Seen, username: string, position: Position): boolean =>
  position > upTo || left.some((one) => one.username === username && one.position < position);

/** The newest erasure of each name, as far as the rows are. */
function erasedNames(history: Rows<HistoryRow>) {
  const newest = new Map<string, Erased>();
  let readTo = beginning;
  return {
    refresh(): ReadonlyMap<string, Erased> {
      const from = readTo;
      let cursor: string | undefined;
      do {
        const page = history.find({
          // The history's key is the position.
          where: [
            { column: 'type', is: 'ClientErased' },
            { column: 'key', atLeast: from },
          ],
          order: 'newest',
          limit: erasuresReadAtOnceMax,
          cursor,
        });
        for (const { username, position, at } of page.items) {
          if (username === null) continue;
          if (position > (newest.get(username)?.position ?? beginning))
            newest.set(username, { position, at });
          if (position > readTo) readTo = position;
        }
        cursor = page.nextCursor ?? undefined;
      } while (cursor !== undefined);
      return newest;
    },
  };
}

/**
 * Looks through the vault as the disk has it. What it no longer has does not come back: so without an erasure
 * since, only what was left is looked for.
 */
async function lookAt(
  disk: Disk,
  before: Seen | undefined,
  erased: ReadonlyMap<string, Erased>,
  store: Pick<EventStore, 'read'>,
): Promise<Seen> {
  let upTo = beginning;
  for (const { position } of erased.values()) if (position > upTo) upTo = position;
  if (upTo === beginning) return { upTo, left: [] };
  const isKnown = before !== undefined && before.upTo === upTo;
  const [oldest] = isKnown ? before.left : [];
  if (isKnown && oldest === undefined) return before;
  // A disk that lags behind the log will get what it has not yet.
  if (!(await disk.has(upTo))) return before ?? { upTo: beginning, left: [] };

  const left: Left[] = [];
  const until = isKnown ? (before.left.at(-1)?.position ?? upTo) : upTo;
  let after = oldest === undefined ? beginning : justBefore(oldest.position);
  for (;;) {
    const page = await disk.vaultLeft(after, readBatchMax);
    for (const event of page) {
      const username = keptSecretIn(event)?.username;
      const erasure = username === undefined ? undefined : erased.get(username);
      if (username !== undefined && erasure !== undefined && (await isOf(erasure, event, store)))
        left.push({ username, position: event.position });
    }
    const last = page.at(-1);
    if (last === undefined || last.position >= until) return { upTo, left };
    after = last.position;
    // A large vault must not keep the event loop from its other work.
    await nextTurn();
  }
}

/** Whether a secret is what an erasure destroys, and none of who came under the name since. */
async function isOf(
  { position, at }: Erased,
  event: StoredEvent,
  store: Pick<EventStore, 'read'>,
): Promise<boolean> {
  if (event.position > position) return false;
  if ((keptSecretIn(event)?.at ?? '') <= at) return true;
  // Nodes have clocks of their own, and a copied log has its vault in another place.
  return (await store.read(event.stream)).length === 0;
}

const justBefore = (position: Position): Position =>
  String(BigInt(position) - 1n).padStart(position.length, '0');

/** Looks from time to time until the signal aborts; resolves then. */
export async function startLookingForErasures(
  erasures: Erasures,
  logger: Logger,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    try {
      await erasures.look();
    } catch (error) {
      if (!signal.aborted)
        logger.warn('Whether erasures are done could not be found out; trying again later', {
          error,
        });
    }
    await pause(erasuresLookEveryMs, signal);
  }
}
