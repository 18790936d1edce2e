/** For operators: `backup` takes everything out of a running registry into one file. */
import { checkedBackup } from '../../backup/encrypt.ts';
import { BackupRefused } from '../../backup/refused.ts';
import { signedIn } from '../client/sign-in.ts';
import { type Call, type Command, CommandFailed, exitCodes, usageFault } from '../command.ts';
import { newFile } from '../new-file.ts';
import { bytesText } from '../text/format.ts';
import { newPassphrase, passphraseOption } from './passphrase.ts';

const shownEveryMs = 200;

function backupFault(error: unknown, file: string): never {
  if (error instanceof BackupRefused)
    throw new CommandFailed(
      error.reason === 'cut' ? exitCodes.unreachable : exitCodes.failed,
      `The backup broke off: ${error.message}. ${file} was not written.`,
      ['Take it again. The log of the service says why it ended.'],
    );
  throw error;
}

/** Into a file of which no part ever looks like a backup. */
async function written(call: Call, file: string) {
  await using out = await newFile(file);
  const passphrase = await newPassphrase(call);
  const registry = await signedIn(call);
  const withoutKeys = call.has('without-keys');
  const sent = registry.download('/api/backup', { withoutKeys });
  let [bytes, shownMs] = [0, 0];
  try {
    for await (const chunk of checkedBackup(sent, passphrase)) {
      await out.append(chunk);
      bytes += chunk.length;
      if (performance.now() - shownMs < shownEveryMs) continue;
      shownMs = performance.now();
      call.terminal.progress(`Taking the backup  ${bytesText(bytes)}`);
    }
  } catch (error) {
    backupFault(error, file);
  }
  await out.keep();
  call.terminal.progress('');
  return { bytes, isEncrypted: passphrase !== null };
}

async function runBackup(call: Call): Promise<number> {
  const { terminal } = call;
  const file = call.text('out');
  if (file === null)
    throw usageFault('--out is missing.', ['gatebook backup --out gatebook.backup']);
  const withoutKeys = call.has('without-keys');
  const { bytes, isEncrypted } = await written(call, file);
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
