/** The first start makes the administrator; its password is shown once, or filed, never logged. */
import { open, rename, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { noRights } from '../../domain/rights.ts';
import { administrator } from '../../domain/role.ts';
import { system } from '../../domain/values.ts';
import type { Clients } from '../commands/client-commands.ts';
import { newCause } from '../commands/handle.ts';
import { generateSecret, type Passwords } from '../credentials/passwords/passwords.ts';
import type { Vault } from '../credentials/vault.ts';

const passwordFile = 'initial-admin-password';

/** How the administrator learns the password. */
export type PasswordShown =
  | { readonly by: 'configuration' }
  /** Generated: to be shown once. */
  | { readonly by: 'terminal'; readonly password: string }
  | { readonly by: 'file'; readonly file: string };

/**
 * Makes the administrator of a log without events. A generated password that goes to a file is on disk
 * before the account is, so that a crash between the two loses nothing.
 */
export async function createFirstAdministrator(options: {
  username: string;
  password: string | null;
  dataDir: string;
  isTerminal: boolean;
  clients: Clients;
  passwords: Passwords;
  vault: Vault;
  now: () => string;
}): Promise<PasswordShown> {
  const { username, dataDir, clients, passwords, vault, now } = options;
  const password = options.password ?? generateSecret();
  const passwordShown: PasswordShown =
    options.password !== null
      ? { by: 'configuration' }
      : options.isTerminal
        ? { by: 'terminal', password }
        : { by: 'file', file: await filed(dataDir, password) };

  const verifier = await passwords.verifierOf(username, password, 'start');
  const credentialId = await vault.keep({ kind: 'verifier', username, verifier });
  const { decision } = await clients.change(
    username,
    {
      type: 'CreateClient',
      username,
      credentialId,
      rights: { ...noRights, roles: [administrator] },
      reason: 'first start',
      httpLimit: null,
      at: now(),
      by: system,
    },
    newCause(),
  );
  if (decision.accepted) return passwordShown;
  // Another node on the same log was faster: its password is the one that counts.
  await vault.destroy(credentialId);
  if (passwordShown.by === 'file') await unlink(passwordShown.file);
  return { by: 'configuration' };
}

async function filed(dataDir: string, password: string): Promise<string> {
  const file = join(dataDir, passwordFile);
  const written = `${file}.new`;
  const handle = await open(written, 'w', 0o600);
  try {
    await handle.chmod(0o600);
    await handle.writeFile(`${password}\n`);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(written, file);
  return file;
}
