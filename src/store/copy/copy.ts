/**
 * Copies a log and its vault from any store to any store, with streams, order, event ids, data and
 * metadata unchanged; goes on where it was; and moves a log, so that only one of the two lives on.
 */
import { readBatchMax } from '../../limits/store.ts';
import { CopyRefused, LogNotLive } from '../errors.ts';
import {
  beginning,
  type EventStore,
  type Position,
  type StoredEvent,
  type VaultChange,
} from '../event-store.ts';
import type { MovableStore } from '../log-state.ts';
import { type Digest, digest, lineOf } from './digest.ts';
import { writerInto } from './writer.ts';

export interface CopyProgress {
  readonly phase: 'comparing' | 'vault' | 'log' | 'verifying';
  /** Events so far in this phase. */
  readonly events: number;
  /** How much of this phase is done, from 0 to 1; null where nobody can know. */
  readonly fraction: number | null;
}

export interface Copied {
  readonly events: number;
  readonly vaultEvents: number;
  /** Over the canonical lines of all events in order, in hex: of the log, and of what the vault keeps. */
  readonly sha256: string;
  readonly vaultSha256: string;
}

interface Copy<Store extends EventStore = EventStore> {
  readonly from: Store;
  readonly to: Store;
  readonly onProgress?: (progress: CopyProgress) => void;
  readonly signal?: AbortSignal;
}

/**
 * Copies what the target lacks, then compares all of both. Nothing may write to either meanwhile.
 * Deleted vault streams are left out; what was copied before its deletion is deleted in the target.
 * @throws CopyRefused when the target is not what the source begins with. StoreUnavailable and the
 *   signal's reason leave a target that the next call goes on with.
 */
export async function copyLog(copy: Copy): Promise<Copied> {
  await copyRest(copy);
  return verify(copy);
}

/**
 * Moves a log: the target is not live until all of it is there, and the source
 * is sealed before the last of it is copied, so that no service ever finds two that are live.
 * @throws as `copyLog`, before anything is marked where the target never fitted; LogNotLive for a
 *   source that is itself half a copy, or a target that was sealed.
 */
export async function moveLog(copy: Copy<MovableStore>): Promise<Copied> {
  const { from, to } = copy;
  if (from.logId === to.logId) throw new CopyRefused('source and target are the same log');
  const before = await from.getState();
  if (before === 'filling')
    throw new LogNotLive('a copy into the source has not ended: end that one first');
  if ((await to.getState()) === 'sealed')
    throw new LogNotLive('the target was itself copied and sealed: it takes no other log');
  await requireFit(copy);
  await to.setState('filling');
  await copyRest(copy);
  await from.setState('sealed');
  try {
    // What was written until the seal was known everywhere.
    const copied = await copyLog(copy);
    await to.setState('live');
    return copied;
  } catch (error) {
    // The target was never live: the source stays it.
    if (error instanceof CopyRefused) await from.setState(before);
    throw error;
  }
}

/**
 * Lifts the seal of a log that was copied by mistake, and seals the copy in its place: never do both live.
 * @param to null: the copy was destroyed, as somebody says who knows
 * @throws CopyRefused when the copy has what the source lacks; LogNotLive for a source that is half a copy
 */
export async function unsealLog(from: MovableStore, to: MovableStore | null): Promise<void> {
  if (from.logId === to?.logId) throw new CopyRefused('source and copy are the same log');
  if ((await from.getState()) === 'filling')
    throw new LogNotLive('this log is itself half a copy: end that copy first');
  if (to !== null) {
    const before = await to.getState();
    await requireNothingMore(from, to);
    await to.setState('sealed');
    // What was written until that seal was known everywhere would be lost.
    await requireNothingMore(from, to).catch(async (error: unknown) => {
      await to.setState(before);
      throw error;
    });
  }
  await from.setState('live');
}

async function requireNothingMore(from: MovableStore, to: MovableStore): Promise<void> {
  try {
    await requireFit({ from, to });
  } catch (error) {
    if (!(error instanceof CopyRefused)) throw error;
    throw new CopyRefused(
      'the copy has gone on, or is another log: what it has beyond this one would be lost',
      { cause: error },
    );
  }
}

/** @throws CopyRefused when the target is not what the source begins with */
async function requireFit(copy: Copy): Promise<void> {
  for (const missing of [missingInLog(copy), missingInVault(copy)]) {
    await missing.next();
    await missing.return();
  }
}

async function copyRest(copy: Copy): Promise<void> {
  // As when it was written: a secret comes before the event that names it.
  await write(copy, 'vault', missingInVault(copy), async () => null);
  await write(copy, 'log', missingInLog(copy), () => copy.from.head());
}

async function write(
  copy: Copy,
  phase: CopyProgress['phase'],
  missing: AsyncIterable<StoredEvent>,
  end: () => Promise<Position | null>,
): Promise<void> {
  const progress = progressOf(copy, phase, await end());
  const writer = writerInto(copy.to);
  for await (const event of missing) {
    await writer.add(event);
    progress(event.position);
  }
  await writer.end();
}

/** What the log of the source has beyond the target's. @throws CopyRefused where the two part. */
async function* missingInLog(copy: Copy): AsyncGenerator<StoredEvent, void, void> {
  const { from, to } = copy;
  const progress = progressOf(copy, 'comparing', await to.head());
  const source = logOf(from);
  for await (const event of logOf(to)) {
    const { value } = await source.next();
    if (!value || lineOf(value) !== lineOf(event)) throw diverged(event);
    progress(event.position);
  }
  yield* source;
}

/** The same for the vault; deletes in the target what the source no longer has. */
async function* missingInVault({ from, to }: Copy): AsyncGenerator<StoredEvent, void, void> {
  const deletions = deletionsIn(from);
  const source = vaultOf(from);
  let next = await source.next();
  for await (const event of vaultOf(to)) {
    if (next.value && lineOf(next.value) === lineOf(event)) next = await source.next();
    else if (await deletions.has(event.stream)) await to.deleteStream(event.stream);
    else throw diverged(event);
  }
  for (; !next.done; next = await source.next()) yield next.value;
}

const diverged = ({ stream, revision }: StoredEvent) =>
  new CopyRefused(
    `the target is another log: the source does not have its event ${revision} of ${stream} there; ` +
      'choose an empty target, or the one that this copy was begun with',
  );

/** The streams that were deleted from a vault, read no further than needed. */
function deletionsIn(store: EventStore) {
  const deleted = new Set<string>();
  let after = beginning;
  return {
    async has(stream: string): Promise<boolean> {
      while (!deleted.has(stream)) {
        const changes = await store.readVault(after, readBatchMax);
        for (const change of changes) if (change.kind === 'deleted') deleted.add(change.stream);
        const last = changes.at(-1);
        if (last === undefined) return false;
        after = last.position;
      }
      return true;
    },
  };
}

/** Reads all of both again. @throws CopyRefused when they are not the same. */
async function verify(copy: Copy): Promise<Copied> {
  const { from, to } = copy;
  const [head, copiedHead] = [await from.head(), await to.head()];
  const log = await digestOf(logOf(from), progressOf(copy, 'verifying', head));
  const copiedLog = await digestOf(logOf(to), progressOf(copy, 'verifying', copiedHead));
  const vault = await digestOf(vaultOf(from), progressOf(copy, 'verifying', null));
  const copiedVault = await digestOf(vaultOf(to), progressOf(copy, 'verifying', null));
  if (log.sha256() !== copiedLog.sha256() || vault.sha256() !== copiedVault.sha256())
    throw new CopyRefused(
      `the copy is not the same: ${log.count()} events and ${vault.count()} secrets became ` +
        `${copiedLog.count()} and ${copiedVault.count()}; does something still write to one of them?`,
    );
  return {
    events: log.count(),
    vaultEvents: vault.count(),
    sha256: log.sha256(),
    vaultSha256: vault.sha256(),
  };
}

async function digestOf(
  events: AsyncIterable<StoredEvent>,
  progress: (position: Position) => void,
): Promise<Digest> {
  const all = digest();
  for await (const event of events) {
    all.add(event);
    progress(event.position);
  }
  return all;
}

async function* logOf(store: EventStore): AsyncGenerator<StoredEvent, void, void> {
  yield* pages((after) => store.readAll(after, readBatchMax));
}

/** What a vault keeps, in its order. */
async function* vaultOf(store: EventStore): AsyncGenerator<StoredEvent, void, void> {
  for await (const change of pages<VaultChange>((after) => store.readVault(after, readBatchMax)))
    if (change.kind === 'kept') yield change.event;
}

async function* pages<Item extends { readonly position: Position }>(
  read: (after: Position) => Promise<readonly Item[]>,
): AsyncGenerator<Item, void, void> {
  for (let after = beginning; ; ) {
    const page = await read(after);
    const last = page.at(-1);
    if (last === undefined) return;
    yield* page;
    after = last.position;
  }
}

/** Counts and tells, and ends the copy when its signal aborts. */
function progressOf(
  { onProgress, signal }: Copy,
  phase: CopyProgress['phase'],
  end: Position | null,
): (position: Position) => void {
  let events = 0;
  return (position) => {
    signal?.throwIfAborted();
    events += 1;
    // Positions ascend, whatever they count.
    const fraction = end === null ? null : Math.min(1, Number(position) / Number(end));
    onProgress?.({ phase, events, fraction });
  };
}
