/** Passwords in memory for a broker that keeps accounts of its own: limited in number and in time. */
import { stagedSecretMs, stagedSecretsMax } from '../../limits/brokers.ts';
import type { Staged } from '../ports/broker.ts';

interface StagedSecrets {
  take(staged: Staged): void;
  /** The password of a credential; undefined: it is not here, or no longer. */
  of(credentialId: string): string | undefined;
  forget(credentialId: string): void;
  clear(): void;
}

export function stagedSecrets(limits: { max?: number; ms?: number } = {}): StagedSecrets {
  const { max = stagedSecretsMax, ms = stagedSecretMs } = limits;
  const secrets = new Map<string, { readonly password: string; readonly timer: NodeJS.Timeout }>();
  const forget = (credentialId: string) => {
    clearTimeout(secrets.get(credentialId)?.timer);
    secrets.delete(credentialId);
  };
  return {
    take({ credentialId, password }) {
      forget(credentialId);
      const timer = setTimeout(() => forget(credentialId), ms).unref();
      secrets.set(credentialId, { password, timer });
      const [oldest] = secrets.keys();
      if (secrets.size > max && oldest !== undefined) forget(oldest);
    },
    of: (credentialId) => secrets.get(credentialId)?.password,
    forget,
    clear() {
      for (const credentialId of [...secrets.keys()]) forget(credentialId);
    },
  };
}
