/**
 * Takes a backup of a log that goes on being written. Log and vault are read to their ends; the backup ends at a moment
 * when both had been read to the end and the log had not moved: whatever an event up to there names is in it, and
 * nothing that was deleted for an event beyond.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { leafText } from '../audit/transparency-log/leaf.ts';
import { Frontier, leafHashOfText } from '../audit/transparency-log/merkle.ts';
import { backupFrameTextBytes, backupPageEvents, backupSettlesMax } from '../limits/operating.ts';
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
    async frame(part: PartName, lines: readonly string[]): Promise<Buffer> {
      const text = `${lines.join('\n')}\n`;
      digests.add(part, text, lines.length);
      return writer.frame(await packed(part, text), false);
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
    async log(): Promise<string[]> {
      const events = await store.readAll(position, backupPageEvents);
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

/** Everything up to here, most of it: what comes meanwhile is left for the end. */
async function* pages(orders: Orders, part: 'log' | 'vault') {
  for (;;) {
    const lines = await orders[part]();
    if (lines.length === 0) return;
    yield { part, lines };
    // Whoever writes as fast as this is read would never let it end.
    if (lines.length < backupPageEvents) return;
    // Others have their turn between two pages.
    await nextTurn();
  }
}

/** The rest of both, in one go; null: the log went on meanwhile, and there is more. */
async function rest(orders: Orders, store: BackupSource['store']) {
  const [log, vault] = [[] as string[], [] as string[]];
  for (let lines = await orders.log(); lines.length > 0; lines = await orders.log())
    log.push(...lines);
  for (let lines = await orders.vault(); lines.length > 0; lines = await orders.vault())
    vault.push(...lines);
  return { log, vault, isSettled: (await store.head()) === orders.position() };
}

async function* settling(orders: Orders, store: BackupSource['store']) {
  for (let attempt = 1; attempt <= backupSettlesMax; attempt++) {
    const { log, vault, isSettled } = await rest(orders, store);
    yield { part: 'log' as const, lines: log };
    yield { part: 'vault' as const, lines: vault };
    if (isSettled) return;
  }
  throw new StoreUnavailable('the log was never still for a moment: take the backup again');
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
    // Twice: reading the first time takes long, and what came meanwhile is little.
    for (const part of ['log', 'vault', 'log', 'vault'] as const) yield* pages(orders, part);
    yield* settling(orders, store);
  };
  for await (const { part, lines } of portions())
    for (const portion of portionsOf(lines)) yield await out.frame(part, portion);
  let checkpoints: string[] = [];
  for await (const line of checkpointLines()) {
    checkpoints.push(JSON.stringify(line));
    if (checkpoints.length < backupPageEvents) continue;
    yield await out.frame('checkpoints', checkpoints);
    checkpoints = [];
  }
  if (checkpoints.length > 0) yield await out.frame('checkpoints', checkpoints);
  const keys = (await keyFiles?.()) ?? [];
  if (keys.length > 0)
    yield await out.frame(
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
