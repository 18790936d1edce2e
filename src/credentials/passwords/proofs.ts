/** What an offered password proves: which of a name's credentials it is, at the cost of one hash at most. */
import { type Client, credentialIdsOf } from '../../../domain/client/state.ts';
import type { Vault } from '../vault.ts';
import type { HashLane } from './hash-queue.ts';
import { isStrong, type Passwords } from './passwords.ts';

export interface Proof {
  /** Whether the password is this credential's. */
  proves(credentialId: string): Promise<boolean>;
  /** Which of the credentials that a state still knows it is; null: none. */
  matching(state: Client): Promise<string | null>;
  /** Lets the next attempt with this password be answered without a hash. */
  remember(credentialId: string): void;
  /** The verifier to keep, where it is a new credential. */
  verifier(): Promise<string>;
}

export interface Proofs {
  /** Without a slow hash: proves remembered passwords and strong ones; of others nothing. */
  quick(username: string, password: string): Proof;
  /** With one hash, whoever's name it is. @throws HashingBusy */
  full(username: string, password: string, source: string, lane?: HashLane): Promise<Proof>;
}

export function createProofs(passwords: Passwords, vault: Vault): Proofs {
  /** `recalled`: the credentials that it is remembered for; of a strong password none are, as telling them costs a hash, too. */
  function proofWith(
    username: string,
    password: string,
    verifier: string | null,
    recalled: readonly string[],
  ): Proof {
    async function proves(credentialId: string): Promise<boolean> {
      if (recalled.includes(credentialId)) return true;
      if (verifier === null) return false;
      const secret = await vault.open(credentialId);
      return (
        secret?.kind === 'verifier' &&
        secret.username === username &&
        passwords.sameVerifier(secret.verifier, verifier)
      );
    }

    return {
      proves,
      async matching(state) {
        for (const credentialId of credentialIdsOf(state))
          if (await proves(credentialId)) return credentialId;
        return null;
      },
      remember(credentialId) {
        if (!isStrong(password)) passwords.remember(username, credentialId, password);
      },
      async verifier() {
        if (verifier === null) throw new Error('a quick proof has no verifier to keep');
        return verifier;
      },
    };
  }

  const strong = (username: string, password: string): Proof | undefined => {
    const verifier = passwords.quickVerifierOf(username, password);
    return verifier === null ? undefined : proofWith(username, password, verifier, []);
  };

  return {
    quick: (username, password) =>
      strong(username, password) ??
      proofWith(username, password, null, passwords.recall(username, password)),
    async full(username, password, source, lane) {
      const quick = strong(username, password);
      if (quick !== undefined) return quick;
      const recalled = passwords.recall(username, password);
      const verifierOf = () => passwords.verifierOf(username, password, source, lane);
      if (recalled.length === 0) return proofWith(username, password, await verifierOf(), []);
      // A remembered password needs no hash; should it have to be kept anew, it is hashed then.
      return { ...proofWith(username, password, null, recalled), verifier: verifierOf };
    },
  };
}
