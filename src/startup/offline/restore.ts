/**
 * Puts a backup into an empty folder, so that all of it is there or nothing that a service would start on. What was decided
 * after the backup is not known to it; what can be made safe of that is: the registry is locked, no token opens it any
 * more, and its checkpoints have another origin (docs/decisions/0048).
 */
import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { open, readdir, readFile, rename, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { backup, restoresId } from '../../../domain/backup.ts';
import { token } from '../../../domain/token.ts';
import { system } from '../../../domain/values.ts';
import { registryId, window } from '../../../domain/window.ts';
import { checkpointsIn } from '../../audit/transparency-log/checkpoint.ts';
import { isSignedBy, type Verifier } from '../../audit/transparency-log/signed-note.ts';
import {
  type BackupEnd,
  KeyFileLine,
  LogLine,
  lineAs,
  type PartName,
  VaultLine,
} from '../../backup/content.ts';
import type { Unlock } from '../../backup/passphrase.ts';
import { type ReadBackup, readBackup } from '../../backup/read.ts';
import { BackupRefused, damaged } from '../../backup/refused.ts';
import { handle, newCause } from '../../commands/handle.ts';
import { openCheckpointKey } from '../../credentials/keys/checkpoint.ts';
import { makeKeyFile } from '../../credentials/keys/files.ts';
import { rotateKeyRing } from '../../credentials/keys/signing.ts';
import { tokensEndedAtOnceMax } from '../../limits/credentials.ts';
import { currentInstant } from '../../platform/instant.ts';
import { makeFolder } from '../../platform/private-file.ts';
import { writerInto } from '../../store/copy/writer.ts';
import { FolderNotEmpty } from '../../store/errors.ts';
import { beginning, Conflict, type EventStore, type StoredEvent } from '../../store/event-store.ts';
import type { MovableStore } from '../../store/log-state.ts';
import { openStore } from '../../store/open.ts';
import { restoreDraftOf } from '../data-folder.ts';

interface RestoreOptions {
  /** The file, from its beginning. */
  readonly chunks: AsyncIterable<Uint8Array>;
  readonly unlock: Unlock;
  readonly dataDir: string;
  readonly keysDir: string;
  /** Who must have signed its checkpoint; null: whoever wrote it is believed. */
  readonly verifier: Verifier | null;
  readonly onProgress: (events: number) => void;
  readonly signal: AbortSignal;
  readonly now?: () => string;
}

interface Restored extends Pick<ReadBackup, 'header'> {
  readonly end: BackupEnd;
  readonly restoreId: string;
  /** The moment of the newest event; null: there is none. */
  readonly newestAt: string | null;
  readonly tokensRevoked: number;
  readonly wasUnlocked: boolean;
  /** What the restored log's checkpoints are checked with; null: the keys were left out. */
  readonly verifierKey: string | null;
}

/** @throws FolderNotEmpty; StoreLocked where another restore is at it */
async function requireEmpty(dir: string, { draftAllowed }: { draftAllowed: boolean }) {
  const names = await readdir(dir).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  const draft = restoreDraftOf(dir);
  const others = names.filter((name) => !(draftAllowed && name === basename(draft)));
  if (others.length > 0) throw new FolderNotEmpty(dir);
  if (names.length === 0 || !existsSync(join(draft, 'log.sqlite'))) return;
  // What a restore that was killed left; one that still runs has it locked.
  const left = await openStore({ store: 'sqlite', dataDir: draft }, { purpose: 'copy' });
  await left.close();
}

/** Reads the whole backup and writes nothing. @throws BackupRefused */
export async function checkBackup({
  chunks,
  unlock,
  verifier,
  onProgress,
}: Pick<RestoreOptions, 'chunks' | 'unlock' | 'verifier' | 'onProgress'>): Promise<
  Pick<Restored, 'header' | 'end' | 'newestAt'>
> {
  const newest = newestMoment();
  let events = 0;
  const read = await readBackup(chunks, unlock, (part, line) => {
    if (part !== 'log') return;
    newest.take(lineAs(LogLine, part, line));
    onProgress(++events);
  });
  requireSignature(read.end, verifier);
  return { ...read, newestAt: newest.at() };
}

/** @throws BackupRefused, FolderNotEmpty, StoreLocked, StoreUnavailable, the system's error, the signal's reason */
export async function restoreBackup(options: RestoreOptions): Promise<Restored> {
  const { dataDir, keysDir } = options;
  await requireEmpty(dataDir, { draftAllowed: true });
  if (keysDir !== join(dataDir, 'keys')) await requireEmpty(keysDir, { draftAllowed: false });
  const isNew = !existsSync(dataDir);
  const draft = restoreDraftOf(dataDir);
  await rm(draft, { recursive: true, force: true });
  makeFolder(draft);
  try {
    const restored = await restoreInto(draft, options);
    await moveIn(draft, options);
    return restored;
  } catch (error) {
    // It was empty: all there is came from here.
    for (const name of await readdir(dataDir))
      await rm(join(dataDir, name), { recursive: true, force: true });
    for (const name of await readdir(keysDir).catch(() => []))
      await rm(join(keysDir, name), { force: true });
    if (isNew) await rm(dataDir, { recursive: true, force: true });
    throw error;
  }
}

const draftKeys = (draft: string) => join(draft, 'keys');
const oldCheckpoints = 'checkpoints-before-restore.txt';

async function restoreInto(draft: string, options: RestoreOptions): Promise<Restored> {
  const { now = currentInstant, signal } = options;
  const store = await openStore({ store: 'sqlite', dataDir: draft }, { purpose: 'copy' });
  try {
    await store.setState('filling');
    const filling = fillingOf(store, draft, options);
    const read = await readBackup(options.chunks, options.unlock, filling.take);
    await filling.end();
    requireSignature(read.end, options.verifier);
    signal.throwIfAborted();
    const restoreId = randomUUID();
    const { end, header } = read;
    const { backupId, withKeys, events: size, rootHash } = end;
    const from = { restoreId, backupId, takenAt: header.takenAt, size, rootHash, withKeys };
    await handle(
      store,
      backup,
      restoresId,
      { type: 'RecordRestore', from, at: now(), by: system },
      newCause(),
    );
    const wasUnlocked = await lock(store, now());
    const live = filling.liveTokens(now());
    await revokeAll(store, live, now);
    return {
      ...{ header, end, restoreId, wasUnlocked, tokensRevoked: live.length },
      newestAt: filling.newestAt(),
      verifierKey: withKeys ? await keysMadeNew(draftKeys(draft), restoreId, end, now) : null,
    };
  } finally {
    await store.close();
  }
}

/** Whether a window was open, and would be again. */
async function lock(store: EventStore, at: string): Promise<boolean> {
  const command = { type: 'LockRegistry', at, by: system, turnedAway: null } as const;
  const { position } = await handle(store, window, registryId, command, newCause());
  return position !== null;
}

async function revokeAll(
  store: EventStore,
  tokenIds: readonly string[],
  now: () => string,
): Promise<void> {
  const cause = newCause();
  for (let at = 0; at < tokenIds.length; at += tokensEndedAtOnceMax)
    await Promise.all(
      tokenIds.slice(at, at + tokensEndedAtOnceMax).map((tokenId) => {
        const command = { type: 'RevokeToken', tokenId, at: now(), by: system } as const;
        return handle(store, token, tokenId, command, cause);
      }),
    );
}

/**
 * A key that was retired after the backup must not verify again: all but a new one go. @returns the verifier key
 * @throws BackupRefused where the checkpoint is not signed by the key beside it
 */
async function keysMadeNew(
  dir: string,
  restoreId: string,
  end: BackupEnd,
  now: () => string,
): Promise<string> {
  const path = join(dir, 'checkpoint.json');
  if (!existsSync(path)) throw damaged('it has no checkpoint key');
  requireSignature(end, await openCheckpointKey(dir, ''));
  await rotateKeyRing(dir, now(), now(), true);
  return (await openCheckpointKey(dir, '', restoreId)).text;
}

/** @throws BackupRefused */
function requireSignature({ checkpoint, events, rootHash }: BackupEnd, verifier: Verifier | null) {
  if (verifier === null || checkpoint === null) {
    if (verifier === null) return;
    throw new BackupRefused(
      'not-this-log',
      'no checkpoint was signed when it was taken: the log was not the one that had been published',
    );
  }
  const signed = checkpointsIn(checkpoint)[0];
  if (signed === undefined || !isSignedBy(signed.note, verifier))
    throw new BackupRefused('not-this-log', 'its checkpoint is not signed by this key');
  if (signed.size !== events || signed.root.toString('base64') !== rootHash)
    throw damaged('its checkpoint is of other events');
}

function newestMoment() {
  let newest: string | null = null;
  return {
    take({ data: { at } }: Pick<StoredEvent, 'data'>): void {
      if (typeof at === 'string') newest = at;
    },
    at: () => newest,
  };
}

/** What tokens a log knows that open something, as its events come by. */
function tokensSeen() {
  const ends = new Map<string, string>();
  return {
    take({ type, data }: Pick<StoredEvent, 'type' | 'data'>): void {
      if (type === 'TokenIssued') ends.set(String(data.tokenId), String(data.expiresAt));
      else if (type === 'TokenRevoked') ends.delete(String(data.tokenId));
    },
    live: (at: string) => [...ends].filter(([, end]) => end > at).map(([tokenId]) => tokenId),
  };
}

/** Takes the lines of a backup to where they belong. */
function fillingOf(
  store: MovableStore,
  draft: string,
  { onProgress, signal }: Pick<RestoreOptions, 'onProgress' | 'signal'>,
) {
  const writer = writerInto(store);
  const [tokens, newest] = [tokensSeen(), newestMoment()];
  let events = 0;
  let checkpoints = '';
  const takers: Record<PartName, (line: string) => Promise<void>> = {
    async log(line) {
      signal.throwIfAborted();
      const event = { ...lineAs(LogLine, 'log', line), position: beginning };
      tokens.take(event);
      newest.take(event);
      await writer.add(event);
      onProgress(++events);
    },
    async vault(line) {
      const change = lineAs(VaultLine, 'vault', line);
      if (change.kind === 'kept') return writer.add({ ...change.event, position: beginning });
      await writer.end();
      await store.deleteStream(change.stream);
    },
    async checkpoints(line) {
      const text: unknown = JSON.parse(line);
      if (typeof text !== 'string') throw damaged('a line of its part checkpoints is not one');
      checkpoints += `${text}\n`;
      if (checkpoints.length > checkpointsHeldCharacters) await appendCheckpoints();
    },
    async keys(line) {
      const { name, text } = lineAs(KeyFileLine, 'keys', line);
      makeFolder(draftKeys(draft));
      await makeKeyFile(join(draftKeys(draft), name), text);
    },
  };
  async function appendCheckpoints(): Promise<void> {
    await using file = await open(join(draft, oldCheckpoints), 'a', 0o600);
    await file.appendFile(checkpoints);
    await file.sync();
    checkpoints = '';
  }
  return {
    take: (part: PartName, line: string) => takers[part](line).catch(asDamage),
    async end(): Promise<void> {
      await writer.end().catch(asDamage);
      if (checkpoints !== '') await appendCheckpoints();
    },
    newestAt: newest.at,
    liveTokens: tokens.live,
  };
}

const checkpointsHeldCharacters = 256 * 1024;

/** @throws BackupRefused for what no log could be made of; else what was thrown */
function asDamage(error: unknown): never {
  if (error instanceof Conflict) throw damaged('its events do not follow one another');
  if (error instanceof TypeError || error instanceof SyntaxError)
    throw damaged('its events are none');
  throw error;
}

/** From here on there is a log, which no service takes until everything is beside it. */
async function moveIn(draft: string, { dataDir, keysDir }: RestoreOptions): Promise<void> {
  await rename(join(draft, 'log.sqlite'), join(dataDir, 'log.sqlite'));
  if (existsSync(join(draft, oldCheckpoints)))
    await rename(join(draft, oldCheckpoints), join(dataDir, oldCheckpoints));
  if (existsSync(draftKeys(draft))) {
    makeFolder(keysDir);
    for (const name of await readdir(draftKeys(draft)))
      await makeKeyFile(join(keysDir, name), await readFile(join(draftKeys(draft), name), 'utf8'));
  }
  await rm(draft, { recursive: true, force: true });
  await using folder = await open(dataDir, 'r');
  await folder.sync();
  const store = await openStore({ store: 'sqlite', dataDir }, { purpose: 'copy' });
  await store.setState('live');
  await store.close();
}
