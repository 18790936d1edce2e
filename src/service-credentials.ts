/** Opens the key folder, and builds what credentials are kept, proven and shown with. */
import type { Config } from './config.ts';
import { openCheckpointKey } from './credentials/checkpoint-key.ts';
import { openKeys } from './credentials/keys.ts';
import { recordKeys } from './credentials/log-keys.ts';
import { createPasswords, type PasswordOptions } from './credentials/passwords.ts';
import { createPersonal } from './credentials/personal.ts';
import { createProofs } from './credentials/proofs.ts';
import { createShown } from './credentials/shown.ts';
import { createTokens } from './credentials/tokens.ts';
import { createVault } from './credentials/vault.ts';
import type { Log } from './log.ts';
import type { EventStore } from './store/event-store.ts';
import { isShared } from './store/log-file.ts';

export type HashLimits = Pick<PasswordOptions, 'concurrency' | 'waitingMax'>;

/** @throws KeyFileRefused, KeysDiffer */
export async function openCredentials(options: {
  readonly config: Config;
  readonly log: Log;
  readonly store: EventStore;
  readonly now: () => string;
  readonly limits?: HashLimits | undefined;
}) {
  const { config, log, store, now, limits } = options;
  const keys = await openKeys(config.keysDir);
  await recordKeys(store, keys, now);
  const passwords = createPasswords({ pepper: keys.pepper, ...limits });
  const vault = createVault(store, now, { copied: isShared(config) });
  return {
    passwords,
    vault,
    signer: await openCheckpointKey(config.keysDir, `gatebook/${store.logId}`),
    personal: createPersonal(vault),
    proofs: createProofs(passwords, vault),
    shown: createShown(),
    tokens: await createTokens({
      keys,
      now,
      onFault: (error) => log.warn('The key folder cannot be read', { error }),
    }),
  };
}
