/** For operators: `backup` takes everything out of a running registry into one file. */
import { randomBytes } from 'node:crypto';
import { type FileHandle, link, open, unlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { checkedBackup } from '../../backup/encrypt.ts';
import { BackupRefused } from '../../backup/refused.ts';
import { signedIn } from '../client/sign-in.ts';
import { type Call, type Command, CommandFailed, exitCodes, usageFault } from '../command.ts';
import { fileFault } from '../fault.ts';
import { bytesText } from '../text/format.ts';
import { newPassphrase, passphraseOption } from './passphrase.ts';

const shownEveryMs = 200;

/** Under another name until it is whole: a part of a backup never looks like one. Overwrites nothing. */
async function writeWhole(
  file: string,
  chunks: AsyncIterable<Buffer>,
  onProgress: (bytes: number) => void,
): Promise<number> {
  const draft = join(dirname(file), `.${basename(file)}.${randomBytes(6).toString('hex')}.part`);
  let out: FileHandle | undefined;
  let bytes = 0;
  try {
    for await (const chunk of chunks) {
      out ??= await open(draft, 'wx', 0o600);
      await out.appendFile(chunk);
      bytes += chunk.length;
      onProgress(bytes);
    }
    await out?.sync();
    await out?.close();
    await link(draft, file);
  } finally {
    await out?.close().catch(() => undefined);
    await unlink(draft).catch(() => undefined);
  }
  await using folder = await open(dirname(file), 'r');
  await folder.sync();
  return bytes;
}

function backupFault(error: unknown, file: string): never {
  if (error instanceof BackupRefused)
    throw new CommandFailed(
      error.reason === 'cut' ? exitCodes.unreachable : exitCodes.failed,
      `The backup broke off: ${error.message}. ${file} was not written.`,
      ['Take it again. The log of the service says why it ended.'],
    );
  if ((error as NodeJS.ErrnoException).code === 'EEXIST')
    throw usageFault(`${file} is there already, and no backup is overwritten: give another name.`);
  return fileFault(error);
}

async function runBackup(call: Call): Promise<number> {
  const { terminal } = call;
  const file = call.text('out');
  if (file === null)
    throw usageFault('--out is missing.', ['gatebook backup --out gatebook.backup']);
  const passphrase = await newPassphrase(call);
  const withoutKeys = call.has('without-keys');
  const registry = await signedIn(call);
  let shownMs = 0;
  const bytes = await writeWhole(
    file,
    checkedBackup(registry.download('/api/backup', { withoutKeys }), passphrase),
    (done) => {
      if (performance.now() - shownMs < shownEveryMs) return;
      shownMs = performance.now();
      terminal.progress(`Taking the backup  ${bytesText(done)}`);
    },
  ).catch((error) => backupFault(error, file));
  terminal.progress('');
  const isEncrypted = passphrase !== null;
  if (call.json) {
    terminal.json(JSON.stringify({ file, bytes, withKeys: !withoutKeys, isEncrypted }));
    return exitCodes.done;
  }
  terminal.line(`Backup written to ${file} (${bytesText(bytes)}, mode 0600).`);
  if (!isEncrypted)
    terminal.line({
      text: `It is not encrypted: it opens every personal field${withoutKeys ? '' : ', and its keys sign tokens for everybody'}. Keep it as you keep the keys.`,
      style: 'warning',
    });
  terminal.line({
    text: withoutKeys
      ? 'The keys are not in it: without the key folder nobody can restore it.'
      : `Try it: gatebook restore ${file} --check`,
    style: 'faint',
  });
  return exitCodes.done;
}

export const backupCommand: Command = {
  name: 'backup',
  summary: 'everything in one file, while the registry runs: log, vault, checkpoints, keys',
  positionals: '',
  options: {
    out: { value: 'FILE', help: 'where to (mode 0600); nothing is overwritten' },
    'without-keys': { help: 'leave the key folder out, to be kept elsewhere' },
    encrypt: { help: 'encrypt it, and ask for the passphrase' },
    ...passphraseOption,
  },
  notes: [
    'Over https, or on the machine itself. The history tells who took it, and when.',
    'A passphrase that is given encrypts it; it stays here and is not sent to the registry.',
  ],
  examples: [
    'gatebook backup --out gatebook-2026-11-28.backup --encrypt',
    'gatebook backup --out /backup/gatebook.backup --passphrase-file /etc/gatebook/passphrase',
  ],
  run: runBackup,
};
