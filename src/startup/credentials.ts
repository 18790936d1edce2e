/** Opens the key folder, and builds what credentials are kept, proven and shown with. */
import { backup, restoresId } from '../../domain/backup.ts';
import { load } from '../commands/handle.ts';
import type { Config } from '../config/config.ts';
import { ConfigError } from '../config/fault.ts';
import { createAnswers } from '../credentials/answers.ts';
import { brokerSecrets } from '../credentials/broker-secret.ts';
import {
  AuthorityRefused,
  OverlapRefused,
  openAuthority,
} from '../credentials/certificates/authority.ts';
import { CryptoInThread } from '../credentials/crypto-in-thread.ts';
import { openCheckpointKey } from '../credentials/keys/checkpoint.ts';
import { openKeys } from '../credentials/keys/folder.ts';
import { recordKeys } from '../credentials/keys/log-binding.ts';
import { createForeignVerifiers } from '../credentials/passwords/foreign-verifiers.ts';
import { createPasswords, type PasswordOptions } from '../credentials/passwords/passwords.ts';
import { createProofs } from '../credentials/passwords/proofs.ts';
import { createSeenCredentials } from '../credentials/passwords/seen.ts';
import { createPersonal } from '../credentials/personal-data.ts';
import { createTokens } from '../credentials/tokens.ts';
import { createVault } from '../credentials/vault.ts';
import { refusalBeatMs } from '../limits/doors.ts';
import type { Logger } from '../logger.ts';
import { createPace } from '../platform/pace/pace.ts';
import { createIdentityProvider } from '../sign-on/identity-provider.ts';
import { createSealing } from '../sign-on/sealing.ts';
import { createSignOn } from '../sign-on/sign-on.ts';
import type { EventStore } from '../store/event-store.ts';
import { isShared } from '../store/location.ts';

export type CredentialLimits = Pick<PasswordOptions, 'concurrency' | 'waitingMax'> & {
  readonly refusalBeatMs?: number;
};

export type Credentials = Awaited<ReturnType<typeof openCredentials>>;

/** @throws KeyFileRefused, ConfigError, KeysDiffer */
export async function openCredentials(options: {
  readonly config: Config;
  readonly logger: Logger;
  readonly store: EventStore;
  readonly now: () => string;
  readonly limits?: CredentialLimits | undefined;
}) {
  const { config, logger, store, now, limits } = options;
  const keys = await openKeys(config.keysDir);
  await recordKeys(store, keys, now);
  const passwords = createPasswords({ pepper: keys.pepper, ...limits });
  const vault = createVault(store, now, { copied: isShared(config) });
  const thread = new CryptoInThread();
  const foreign = createForeignVerifiers(vault, (error) =>
    logger.warn('A verifier that moved in could not be replaced; at its next use again', { error }),
  );
  return {
    ...{ passwords, vault, foreign },
    signer: await openCheckpointKey(
      config.keysDir,
      `gatebook/${store.logId}`,
      (await load(store, backup, restoresId)).state.restoreId,
    ),
    ca: await openCa(config, now),
    personal: createPersonal(vault, { thread }),
    answers: createAnswers(vault, keys.pepper),
    proofs: createProofs(passwords, vault, foreign),
    pace: createPace(limits?.refusalBeatMs ?? refusalBeatMs),
    seen: createSeenCredentials(),
    brokerSecretOf: brokerSecrets(keys.pepper),
    signOn: signOnOf(config, keys.pepper, now, logger),
    tokens: await createTokens({
      ...{ keys, now, thread },
      onFault: (error) => logger.warn('The key folder cannot be read', { error }),
    }),
  };
}

/** Null: single sign-on is off. */
function signOnOf({ sso }: Config, pepper: Buffer, now: () => string, logger: Logger) {
  if (sso === null) return null;
  const onFault = (reason: string) =>
    logger.warn('A sign-in at the identity provider failed', { reason });
  const provider = createIdentityProvider(sso, onFault);
  return createSignOn({ provider, sealing: createSealing(pepper), now });
}

async function openCa({ keysDir, tls }: Config, now: () => string) {
  try {
    return await openAuthority({ keysDir, given: tls.ca, overlap: tls.caOverlap, now });
  } catch (error) {
    if (error instanceof OverlapRefused)
      throw new ConfigError([
        {
          variable: 'GATEBOOK_CA_OVERLAP',
          problem: `cannot be trusted beside the CA of this registry: ${error.message}`,
          remedy:
            'Give each issuer first and its root after it (PEM), and keys of these issuers alone',
        },
      ]);
    if (!(error instanceof AuthorityRefused)) throw error;
    throw new ConfigError([
      {
        variable: 'GATEBOOK_CA_CERT',
        problem: `with GATEBOOK_CA_KEY cannot be the CA of this registry: ${error.message}`,
        remedy:
          'Give the issuer first and its root last (PEM); the issuer has pathlen:0 and keyUsage keyCertSign, cRLSign',
      },
    ]);
  }
}
