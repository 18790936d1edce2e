/** Fingerprints of passwords that were found right, so that they need no second slow hash (SPEC 5). */
import { createHmac, createSecretKey, randomBytes, timingSafeEqual } from 'node:crypto';

export interface Fingerprints {
  /** Remembers that this password is right for this credential of this name. */
  remember(username: string, credentialId: string, password: string): void;
  /** The credentials of this name for which this password is remembered; the newest first. */
  recall(username: string, password: string): string[];
  /** Forgets everything about a name. */
  forget(username: string): void;
  /** How many are remembered. */
  remembered(): number;
}

/** At most `max` fingerprints; those of the name that was longest not used go first. */
export function createFingerprints(max: number): Fingerprints {
  // Never on disk: what a dump of this process's past holds opens nothing in another.
  const key = createSecretKey(randomBytes(32));
  const names = new Map<string, Map<string, Buffer>>();
  let count = 0;

  const fingerprintOf = (username: string, password: string) =>
    createHmac('sha256', key).update(`${username}\0${password}`).digest();

  const forget = (username: string) => {
    count -= names.get(username)?.size ?? 0;
    names.delete(username);
  };

  const trim = () => {
    for (const [username, credentials] of names) {
      for (const oldest of credentials.keys()) {
        if (count <= max) return;
        credentials.delete(oldest);
        count -= 1;
      }
      names.delete(username);
    }
  };

  return {
    remember(username, credentialId, password) {
      const credentials = names.get(username) ?? new Map<string, Buffer>();
      if (!credentials.delete(credentialId)) count += 1;
      credentials.set(credentialId, fingerprintOf(username, password));
      names.delete(username);
      names.set(username, credentials);
      trim();
    },

    recall(username, password) {
      // Computed for every name, known or not.
      const offered = fingerprintOf(username, password);
      const credentials = names.get(username);
      if (credentials === undefined) return [];
      const matching = [...credentials]
        .filter(([, fingerprint]) => timingSafeEqual(fingerprint, offered))
        .map(([credentialId]) => credentialId);
      if (matching.length > 0) {
        names.delete(username);
        names.set(username, credentials);
      }
      return matching.reverse();
    },

    forget,
    remembered: () => count,
  };
}
