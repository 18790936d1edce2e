/** For who runs the machine and cannot sign in any more: makes a name an administrator, with a new password. */

import { system } from '../../domain/values.ts';
import { registryId, window } from '../../domain/window.ts';
import type { Clients } from '../commands/client-commands.ts';
import { load, newCause } from '../commands/handle.ts';
import { Refused } from '../commands/refused.ts';
import { generateSecret, type Passwords } from '../credentials/passwords/passwords.ts';
import type { Vault } from '../credentials/vault.ts';
import type { EventStore } from '../store/event-store.ts';

/**
 * Who may read the machine's keys decides here: nobody is asked whether they may.
 * @returns the new password
 * @throws Refused `user-from-sso` for the name of a person, which has none
 */
export async function resetAdministrator(options: {
  username: string;
  store: EventStore;
  clients: Clients;
  passwords: Passwords;
  vault: Vault;
  now: () => string;
}): Promise<string> {
  const { username, store, clients, passwords, vault, now } = options;
  const password = generateSecret();
  const verifier = await passwords.verifierOf(username, password, 'reset');
  const { windowId } = (await load(store, window, registryId)).state;
  const credentialId = await vault.keep({ kind: 'verifier', username, verifier });
  const { decision } = await clients.change(
    username,
    {
      type: 'ResetAdministrator',
      ...{ username, credentialId, windowId },
      reason: 'reset-administrator at the command line, service stopped',
      at: now(),
      by: system,
    },
    newCause(),
  );
  if (!decision.accepted) {
    await vault.destroy(credentialId);
    throw new Refused(decision.refusal);
  }
  return password;
}
