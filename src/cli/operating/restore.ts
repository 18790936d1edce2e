/** For operators: `restore` puts a backup into an empty folder, and says what that means. */
import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { MalformedNote } from '../../audit/transparency-log/signed-note.ts';
import { unlockWith } from '../../backup/passphrase.ts';
import { BackupRefused } from '../../backup/refused.ts';
import { FolderNotEmpty, StoreLocked, StoreUnavailable } from '../../store/errors.ts';
import { type Call, type Command, CommandFailed, exitCodes, usageFault } from '../command.ts';
import { readKey } from '../commands/verify.ts';
import { fileFault } from '../fault.ts';
import { progressOf } from '../terminal/progress.ts';
import { countText, dateTimeText } from '../text/format.ts';
import { askedPassphrase, givenPassphrase, passphraseOption } from './passphrase.ts';

const readBytes = 256 * 1024;

type Main = typeof import('../../main.ts');
type RestoreOutcome = Awaited<ReturnType<Main['restoreBackup']>>;
type CheckOutcome = Awaited<ReturnType<Main['checkBackup']>>;

const remedies: Partial<Record<BackupRefused['reason'], string>> = {
  cut: 'Copy it again from where it was taken, or take the backup before it.',
  damaged: 'Take another copy of it, or the backup before it: no part of this one can be trusted.',
  'passphrase-missing': 'Give --passphrase-file FILE, or GATEBOOK_PASSPHRASE_FILE.',
  'not-encrypted':
    'Is it the file that you mean? Whoever can write there may have exchanged it. If it was taken without a passphrase, give none: no --passphrase-file, no GATEBOOK_PASSPHRASE, no GATEBOOK_PASSPHRASE_FILE.',
  'not-this-log': 'Is it a backup of the registry whose key you gave?',
};

function restoreFault(error: unknown, file: string): never {
  if (error instanceof BackupRefused) {
    const remedy = remedies[error.reason];
    throw new CommandFailed(
      ['passphrase-missing', 'not-encrypted'].includes(error.reason)
        ? exitCodes.usage
        : exitCodes.failed,
      `${file} is not restored: ${error.message}. Nothing was written.`,
      remedy === undefined ? [] : [remedy],
    );
  }
  if (error instanceof FolderNotEmpty)
    throw usageFault(`${error.folder} is not empty: a backup is restored into an empty folder.`, [
      'Name a new one: --data-dir DIR. What a restore left that was killed can be removed.',
    ]);
  if (error instanceof StoreLocked)
    throw new CommandFailed(exitCodes.failed, 'Another restore is at work in this folder.');
  if (error instanceof StoreUnavailable)
    throw new CommandFailed(exitCodes.failed, `Not restored: ${error.message}.`, [
      'Make room on the disk, and restore again: nothing was left behind.',
    ]);
  if (error instanceof MalformedNote) throw usageFault(`--key: ${error.message}.`);
  return fileFault(error);
}

const beganWith = Buffer.from('"encryption":{');

/** Whether a passphrase must be asked for before anything else. */
async function isEncrypted(file: string): Promise<boolean> {
  await using handle = await open(file, 'r');
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(4_096), 0, 4_096, 0);
  return buffer.subarray(0, bytesRead).includes(beganWith);
}

async function unlockFor(call: Call, file: string) {
  const given = await givenPassphrase(call);
  if (given !== null || !(await isEncrypted(file))) return unlockWith(given);
  return unlockWith(await askedPassphrase());
}

const shortHash = (hash: string) => `${hash.slice(0, 8)}…`;

function upToLines({ header, end, newestAt }: CheckOutcome): string[] {
  return [
    `The backup of ${dateTimeText(header.takenAt)}: ${countText(end.events, 'event')}, the newest of ${newestAt === null ? 'no moment' : dateTimeText(newestAt)}, position ${Number(end.position)}, root ${shortHash(end.rootHash)}${end.withKeys ? '' : '; without the keys'}.`,
  ];
}

/** What nobody may find out by themselves. */
function warningLines({ end, wasUnlocked, tokensRevoked }: RestoreOutcome): string[] {
  return [
    `${wasUnlocked ? 'The registry was unlocked, and is locked now' : 'The registry is locked'}. ${countText(tokensRevoked, 'token')} of before opened it, and none does any more: people sign in anew, services get new tokens.`,
    'What was decided after the backup is forgotten, and works again as it stood then: passwords that were changed, clients that were suspended, revoked or erased, rights that were taken, certificates that were revoked, scheduled windows that were cancelled.',
    'Before devices can reach it: look at "gatebook users", compare it with what you know (webhooks, an export, auditors), and do again what must not come back.',
    `For auditors: event ${end.events.toLocaleString('en')} is LogRestored. Checkpoints of up to ${countText(end.events, 'event')} still fit; later ones are of a history that is lost, and "gatebook verify" says so.`,
  ];
}

function sayRestored({ terminal }: Call, restored: RestoreOutcome, dataDir: string): void {
  terminal.line(`Restored into ${dataDir}. ${upToLines(restored).join(' ')}`);
  for (const line of warningLines(restored)) terminal.line({ text: line, style: 'warning' });
  if (restored.verifierKey !== null)
    terminal.line(
      `It signs under a new name from now on; give auditors its key: ${restored.verifierKey}`,
    );
  else
    terminal.line({
      text: 'The keys were not in it: put the key folder of that registry to it (keys/, or GATEBOOK_KEYS_DIR) before you start it. If a key was retired since, use the folder as it is now.',
      style: 'warning',
    });
  terminal.line({
    text: `Start it: GATEBOOK_DATA_DIR=${dataDir} gatebook serve. The registry that it comes from must not run any more.`,
    style: 'faint',
  });
}

async function runRestore(call: Call): Promise<number> {
  const { terminal } = call;
  const [file = ''] = call.positionals;
  const folder = call.text('data-dir');
  const isCheck = call.has('check');
  if (isCheck === (folder !== null))
    throw usageFault('Where to? Name an empty folder: --data-dir DIR; or only --check the file.');
  const stopping = new AbortController();
  const interrupt = () => stopping.abort(new CommandFailed(exitCodes.interrupted, 'Stopped.'));
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, interrupt);
  try {
    const key = call.text('key');
    const common = {
      unlock: await unlockFor(call, file),
      verifier: key === null ? null : await readKey(key),
      chunks: createReadStream(file, { highWaterMark: readBytes }),
      onProgress: progressOf(call, isCheck ? 'Checking' : 'Restoring'),
    };
    const { checkBackup, restoreBackup } = await import('../../main.ts');
    if (folder === null) {
      const checked = await checkBackup(common);
      terminal.progress('');
      if (call.json) terminal.json(JSON.stringify({ ...checked.header, ...checked.end }));
      else for (const line of ['It is whole.', ...upToLines(checked)]) terminal.line(line);
      return exitCodes.done;
    }
    const dataDir = resolve(folder);
    const keysDir = resolve(call.text('keys-dir') ?? join(dataDir, 'keys'));
    const { signal } = stopping;
    const restored = await restoreBackup({ ...common, dataDir, keysDir, signal });
    terminal.progress('');
    const { header, end, ...rest } = restored;
    if (call.json) terminal.json(JSON.stringify({ ...header, ...end, ...rest, dataDir }));
    else sayRestored(call, restored, dataDir);
    return exitCodes.done;
  } catch (error) {
    terminal.progress('');
    return restoreFault(error, file);
  } finally {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.off(signal, interrupt);
  }
}

export const restoreCommand: Command = {
  name: 'restore',
  summary: 'put a backup into an empty folder',
  positionals: 'FILE',
  options: {
    'data-dir': { value: 'DIR', help: 'the folder, empty or not there yet' },
    'keys-dir': { value: 'DIR', help: 'where its keys go (default: keys in that folder)' },
    key: { value: 'KEY', help: 'the verifier key of the registry: refuse what it did not sign' },
    check: { help: 'only read it, all of it, and say what is in it' },
    ...passphraseOption,
    json: { help: 'print what was restored' },
  },
  notes: [
    'A file that is damaged, cut off or of something else is refused, and leaves nothing behind.',
    'With a log in KurrentDB or EventStoreDB: restore into a folder, then gatebook copy.',
  ],
  examples: [
    'gatebook restore gatebook.backup --check',
    'gatebook restore gatebook.backup --data-dir /var/lib/gatebook',
  ],
  run: runRestore,
};
