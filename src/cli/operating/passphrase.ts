/** The passphrase of a backup: from a file, the environment or a prompt; never from the command line, which others can see. */
import { readFile } from 'node:fs/promises';
import { backupPassphraseCharactersMin } from '../../limits/operating.ts';
import { type Call, usageFault } from '../command.ts';
import { fileFault } from '../fault.ts';
import { promptSecret } from '../terminal/prompt.ts';

export const passphraseOption = {
  'passphrase-file': {
    value: 'FILE',
    help: 'the first line is its passphrase (or GATEBOOK_PASSPHRASE, GATEBOOK_PASSPHRASE_FILE)',
  },
} as const;

/** As it was given, or null. @throws CommandFailed */
export async function givenPassphrase(call: Call): Promise<string | null> {
  const file = call.text('passphrase-file');
  if (file === null) return call.settings.passphrase;
  const [line = ''] = (await readFile(file, 'utf8').catch(fileFault)).split(/\r?\n/, 1);
  if (line === '') throw usageFault(`${file} has no passphrase in its first line.`);
  return line;
}

/** For a new backup; null: it is not encrypted. @throws CommandFailed */
export async function newPassphrase(call: Call): Promise<string | null> {
  const given = await givenPassphrase(call);
  if (given === null && !call.has('encrypt')) return null;
  const passphrase = given ?? (await askedTwice());
  if ([...passphrase].length < backupPassphraseCharactersMin)
    throw usageFault(
      `A passphrase of a backup has at least ${backupPassphraseCharactersMin} characters: whoever has the file can try as many as they like.`,
    );
  return passphrase;
}

const canAsk = () => process.stdin.isTTY === true;

async function askedTwice(): Promise<string> {
  if (!canAsk())
    throw usageFault('Which passphrase? stdin is no terminal, so nobody can be asked.', [
      'Give --passphrase-file FILE, or GATEBOOK_PASSPHRASE_FILE.',
    ]);
  const first = await promptSecret('Passphrase of the backup: ');
  if ((await promptSecret('Once more: ')) !== first)
    throw usageFault('The two are not the same: nothing was written.');
  return first;
}

/** Asks for it where a person can be asked; else null. */
export const askedPassphrase = async (): Promise<string | null> =>
  canAsk() ? await promptSecret('Passphrase of the backup: ') : null;
