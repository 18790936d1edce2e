/** Opens the log and its keys beside a service that is stopped, and makes a name an administrator there. */
import { resetAdministrator } from '../administration/reset-administrator.ts';
import { createClients } from '../commands/client-commands.ts';
import type { Config } from '../config/config.ts';
import { openKeys } from '../credentials/keys/folder.ts';
import { recordKeys } from '../credentials/keys/log-binding.ts';
import { createPasswords } from '../credentials/passwords/passwords.ts';
import { createVault } from '../credentials/vault.ts';
import { currentInstant } from '../platform/instant.ts';
import { requireLog } from '../store/location.ts';
import { openStore } from '../store/open.ts';

/**
 * @returns the new password
 * @throws StoreLocked where the service runs; LogAbsent, LogNotLive, KeyFileRefused, KeysDiffer, StoreUnavailable
 */
export async function resetAdministratorOf(config: Config, username: string): Promise<string> {
  requireLog(config);
  const store = await openStore(config);
  try {
    const keys = await openKeys(config.keysDir);
    await recordKeys(store, keys);
    const passwords = createPasswords({ pepper: keys.pepper });
    const vault = createVault(store);
    // No rows are open here: the service folds them at its next start.
    const settled = async () => undefined;
    const clients = createClients({ store, vault, forget: passwords.forget, settled });
    try {
      const parts = { store, clients, passwords, vault, now: currentInstant };
      return await resetAdministrator({ username, ...parts });
    } finally {
      await passwords.close();
    }
  } finally {
    await store.close();
  }
}
