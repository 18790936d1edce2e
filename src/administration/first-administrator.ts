/** The first start makes the administrator; its password waits in a file until it is shown, and is never logged. */
import { readFile, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { noRights } from '../../domain/rights.ts';
import { administrator } from '../../domain/role.ts';
import { system } from '../../domain/values.ts';
import type { AccessRow } from '../../projections/access.ts';
import type { TokenRow } from '../../projections/tokens.ts';
import type { Clients } from '../commands/client-commands.ts';
import { newCause } from '../commands/handle.ts';
import { generateSecret, type Passwords } from '../credentials/passwords/passwords.ts';
import type { Vault } from '../credentials/vault.ts';
import { writePrivateFile } from '../platform/private-file.ts';
import type { Rows } from '../read-models/row-table.ts';

const fileOf = (dataDir: string) => join(dataDir, 'initial-admin-password');

/** How the administrator learns the password. */
export type PasswordShown =
  | { readonly by: 'configuration' }
  /** Generated: to be shown once, and then no longer kept in this file. */
  | { readonly by: 'terminal'; readonly password: string; readonly file: string }
  | { readonly by: 'file'; readonly file: string };

const shownBy = (password: string, file: string, isTerminal: boolean): PasswordShown =>
  isTerminal ? { by: 'terminal', password, file } : { by: 'file', file };

/**
 * Makes the administrator of a log without events. A generated password is on disk before the account is,
 * so that a crash before anybody has seen it loses nothing.
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
  const file = fileOf(dataDir);
  if (options.password === null) await writePrivateFile(file, `${password}\n`);

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
  const isGenerated = options.password === null;
  if (decision.accepted)
    return isGenerated ? shownBy(password, file, options.isTerminal) : { by: 'configuration' };
  // Another node on the same log was faster: its password is the one that counts.
  await vault.destroy(credentialId);
  if (isGenerated) await unlink(file);
  return { by: 'configuration' };
}

/** The password of a start that was killed before it was seen, or that nobody has signed in with yet. */
export async function untoldPassword(options: {
  username: string;
  dataDir: string;
  isTerminal: boolean;
  passwords: Pick<Passwords, 'quickVerifierOf' | 'sameVerifier'>;
  vault: Pick<Vault, 'open'>;
  rows: { readonly access: Rows<AccessRow>; readonly tokens: Rows<TokenRow> };
}): Promise<PasswordShown | undefined> {
  const { username, passwords, vault, rows } = options;
  const file = fileOf(options.dataDir);
  const password = (await readFile(file, 'utf8').catch(() => '')).trim();
  const client = rows.access.get(username);
  if (password === '' || client?.status !== 'active') return undefined;
  const where = [{ column: 'username', is: username }];
  if (rows.tokens.find({ where, limit: 1 }).items.length > 0) return undefined;
  const offered = passwords.quickVerifierOf(username, password);
  const kept = await vault.open(client.credentialId);
  return offered !== null &&
    kept?.kind === 'verifier' &&
    passwords.sameVerifier(offered, kept.verifier)
    ? shownBy(password, file, options.isTerminal)
    : undefined;
}
