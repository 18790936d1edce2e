/**
 * Takes a backup of a log that goes on being written. The vault is read to its end; the backup ends where the log was at that
 * moment, and the log is read up to there: whatever an event up to there names is in it, and nothing that was deleted for an
 * event beyond.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { leafText } from '../audit/transparency-log/leaf.ts';
import { Frontier, leafHashOfText } from '../audit/transparency-log/merkle.ts';
import {
  backupFrameTextBytes,
  backupPageEvents,
  backupSettlesMax,
  backupTurnPagesMax,
} from '../limits/operating.ts';
import {
  beginning,
  type EventStore,
  type Position,
  StoreUnavailable,
  type VaultChange,
} from '../store/event-store.ts';
import { type BackupEnd, type KeyFileLine, type PartName, packed, partDigests } from './content.ts';
import { type BackupHeader, frameWriter } from './frames.ts';

export interface BackupSource {
  readonly store: Pick<EventStore, 'readAll' | 'readVault' | 'head'>;
  /** Null: they are left out. */
  readonly keyFiles: (() => Promise<readonly KeyFileLine[]>) | null;
  /** The lines of checkpoints.txt, as it is when it is asked for. */
  readonly checkpointLines: () => AsyncIterable<string>;
  /** What else is known of a log of these events, once it ends with them. */
  readonly ending: (log: {
    readonly position: Position;
    readonly events: number;
    readonly rootHash: string;
  }) => Promise<Pick<BackupEnd, 'checkpoint' | 'readModels' | 'endedAt'>>;
  readonly backupId: string;
  readonly header: BackupHeader;
}

/** Gives frames of lines as soon as there is enough for one. */
function framing(header: BackupHeader) {
  const writer = frameWriter(header, null);
  const digests = partDigests();
  return {
    head: writer.head,
    ends: digests.ends,
    /** Frames of all these lines, packed at once: under load a turn of the event loop for each would be long. */
    async frames(part: PartName, lines: readonly string[]): Promise<Buffer> {
      const contents = [...portionsOf(lines)].map((portion) => {
        const text = `${portion.join('\n')}\n`;
        digests.add(part, text, portion.length);
        return packed(part, text);
      });
      const all = await Promise.all(contents);
      return Buffer.concat(all.map((content) => writer.frame(content, false)));
    },
    async last(end: BackupEnd): Promise<Buffer> {
      return writer.frame(await packed('end', `${JSON.stringify(end)}\n`), true);
    },
  };
}

/** Lines in portions that make a frame each. */
function* portionsOf(lines: readonly string[]): Generator<string[], void, void> {
  let portion: string[] = [];
  let length = 0;
  for (const line of lines) {
    portion.push(line);
    length += line.length;
    if (length < backupFrameTextBytes) continue;
    yield portion;
    portion = [];
    length = 0;
  }
  if (portion.length > 0) yield portion;
}

const vaultLine = (change: VaultChange): string =>
  JSON.stringify(
    change.kind === 'deleted'
      ? { kind: change.kind, stream: change.stream }
      : { kind: change.kind, event: withoutPosition(change.event) },
  );

const withoutPosition = ({ position: _position, ...event }: { readonly position: Position }) =>
  event;

/** Both orders, each read on where it was. */
function orderReader({ store }: Pick<BackupSource, 'store'>) {
  const tree = new Frontier();
  let position = beginning;
  let vaultPosition = beginning;
  return {
    tree,
    position: () => position,
    /** None: the log was read to this end. */
    async log(end: Position): Promise<string[]> {
      if (position >= end) return [];
      const page = await store.readAll(position, backupPageEvents);
      // What was written since is of another moment.
      const events = page.filter((event) => event.position <= end);
      position = events.at(-1)?.position ?? position;
      const lines = events.map(leafText);
      for (const line of lines) tree.add(leafHashOfText(line));
      return lines;
    },
    async vault(): Promise<string[]> {
      const changes = await store.readVault(vaultPosition, backupPageEvents);
      vaultPosition = changes.at(-1)?.position ?? vaultPosition;
      return changes.map(vaultLine);
    },
  };
}

type Orders = ReturnType<typeof orderReader>;

/** How many pages are read in one turn: twice as many as before where the log went on meanwhile, or its end would run away. */
function pacing(store: BackupSource['store']) {
  let pages = 0;
  let known: Position | undefined;
  return async (): Promise<number> => {
    const head = await store.head();
    pages = head === known ? 1 : Math.min(Math.max(1, 2 * pages), backupTurnPagesMax);
    known = head;
    return pages;
  };
}

/** So many pages, or all there is. */
async function inOneTurn(pages: number, read: () => Promise<string[]>) {
  const lines: string[] = [];
  for (let page = 1; page <= pages; page++) {
    const more = await read();
    if (more.length === 0) return { lines, isAtEnd: true };
    lines.push(...more);
  }
  return { lines, isAtEnd: false };
}

/**
 * The vault, and where the log ends that fits it: its head, if that is where it was before the vault was read to its end.
 * Whoever deletes a secret has written the event for which it goes, and a secret is there when its event is.
 */
async function* vaultPages(orders: Orders, store: BackupSource['store']) {
  const pace = pacing(store);
  let moved = 0;
  for (;;) {
    const pages = await pace();
    const head = await store.head();
    const { lines, isAtEnd } = await inOneTurn(pages, orders.vault);
    const isSettled = isAtEnd && (await store.head()) === head;
    yield { part: 'vault' as const, lines };
    if (isSettled) return head;
    if (isAtEnd && ++moved === backupSettlesMax)
      throw new StoreUnavailable('the log was never still for a moment: take the backup again');
    // Others have their turn in between.
    await nextTurn();
  }
}

/** The log to an end that does not move, however fast it is written. */
async function* logPages(orders: Orders, store: BackupSource['store'], end: Position) {
  const pace = pacing(store);
  for (let isOver = false; !isOver; ) {
    const { lines, isAtEnd } = await inOneTurn(await pace(), () => orders.log(end));
    yield { part: 'log' as const, lines };
    isOver = isAtEnd;
    await nextTurn();
  }
}

/**
 * The bytes of a backup. Nothing is read ahead of the reader.
 * @throws StoreUnavailable
 */
export async function* backupOf(source: BackupSource): AsyncGenerator<Buffer, void, void> {
  const { store, keyFiles, checkpointLines, ending, backupId, header } = source;
  const out = framing(header);
  const orders = orderReader(source);
  yield out.head;
  const portions = async function* () {
    yield* logPages(orders, store, yield* vaultPages(orders, store));
  };
  for await (const { part, lines } of portions())
    if (lines.length > 0) yield await out.frames(part, lines);
  let checkpoints: string[] = [];
  for await (const line of checkpointLines()) {
    checkpoints.push(JSON.stringify(line));
    if (checkpoints.length < backupPageEvents) continue;
    yield await out.frames('checkpoints', checkpoints);
    checkpoints = [];
  }
  if (checkpoints.length > 0) yield await out.frames('checkpoints', checkpoints);
  const keys = (await keyFiles?.()) ?? [];
  if (keys.length > 0)
    yield await out.frames(
      'keys',
      keys.map((file) => JSON.stringify(file)),
    );
  const log = {
    position: orders.position(),
    events: orders.tree.size,
    rootHash: orders.tree.root().toString('base64'),
  };
  const known = await ending(log);
  const withKeys = keyFiles !== null;
  yield await out.last({ backupId, ...log, ...known, withKeys, parts: out.ends() });
}
