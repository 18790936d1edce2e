/** What an offered password proves: which of a name's credentials it is, at the cost of one hash at most. */
import { type Client, credentialIdsOf } from '../../../domain/client/state.ts';
import { type Soon, soon } from '../../platform/soon.ts';
import type { Secret, Vault } from '../vault.ts';
import type { ForeignVerifiers } from './foreign-verifiers.ts';
import type { Gone, HashLane } from './hash-queue.ts';
import { isStrong, type Passwords } from './passwords.ts';

export interface Proof {
  /** Whether the password is this credential's. */
  proves(credentialId: string): Soon<boolean>;
  /** Which of the credentials that a state still knows it is; null: none. */
  matching(state: Client): Promise<string | null>;
  /** Lets the next attempt with this password be answered without a hash. */
  remember(credentialId: string): void;
  /** The verifier to keep, where it is a new credential. */
  verifier(): Soon<string>;
}

export interface Proofs {
  /** Whether a strong password is this credential's, as far as memory tells; undefined: it takes more to say. */
  atHand(username: string, password: string, credentialId: string): boolean | undefined;
  /** Without a slow hash: proves remembered passwords and strong ones; of others nothing. */
  quick(username: string, password: string): Proof;
  /** With one hash, whoever's name it is. @throws HashingBusy */
  full(
    username: string,
    password: string,
    source: string,
    lane?: HashLane,
    gone?: Gone,
  ): Soon<Proof>;
}

/** What an offer without a password proves by one: nothing. */
export const withoutPassword: Proof = {
  proves: () => false,
  matching: async () => null,
  remember: () => undefined,
  async verifier() {
    throw new Error('there is no password to keep a verifier of');
  },
};

interface ProofParts {
  readonly passwords: Passwords;
  readonly vault: Pick<Vault, 'open' | 'held'>;
  readonly foreign: Pick<ForeignVerifiers, 'count' | 'matching' | 'replace' | 'waits'>;
}

/** A password as it was offered, and what is known of it. */
interface Offered {
  readonly username: string;
  readonly password: string;
  /** Null: it was not hashed. */
  readonly verifier: string | null;
  /** The credentials that it is remembered for; of a strong password none are, as telling them costs a hash, too. */
  readonly recalled: readonly string[];
  /** The credential that it was moved in with; null: none. */
  readonly movedIn: string | null;
}

const isVerifierOf = (
  passwords: Pick<Passwords, 'sameVerifier'>,
  secret: Secret | undefined,
  username: string,
  verifier: string,
): boolean =>
  secret?.kind === 'verifier' &&
  secret.username === username &&
  passwords.sameVerifier(secret.verifier, verifier);

function proofOf({ passwords, vault, foreign }: ProofParts, offered: Offered): Proof {
  const { username, password, verifier, recalled, movedIn } = offered;

  function proves(credentialId: string): Soon<boolean> {
    if (recalled.includes(credentialId)) return true;
    if (verifier === null) return false;
    if (movedIn === credentialId) {
      foreign.replace(username, credentialId, verifier);
      return true;
    }
    // To look for what is not there would take time that no other name's guess takes.
    if (foreign.waits(username, credentialId)) return false;
    return soon(vault.held(credentialId) ?? vault.open(credentialId), (secret) =>
      isVerifierOf(passwords, secret, username, verifier),
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
    verifier() {
      if (verifier === null) throw new Error('a quick proof has no verifier to keep');
      return verifier;
    },
  };
}

export function createProofs(
  passwords: Passwords,
  vault: Vault,
  foreign: ProofParts['foreign'],
): Proofs {
  const parts = { passwords, vault, foreign };
  const unknown = { recalled: [], movedIn: null };

  const strong = (username: string, password: string): Proof | undefined => {
    const verifier = passwords.quickVerifierOf(username, password);
    const offered = { username, password, verifier, ...unknown };
    return verifier === null ? undefined : proofOf(parts, offered);
  };
  const recalling = (username: string, password: string, recalled: readonly string[]) =>
    proofOf(parts, { username, password, verifier: null, recalled, movedIn: null });

  async function hashed(asked: {
    readonly username: string;
    readonly password: string;
    readonly source: string;
    readonly lane: HashLane | undefined;
    readonly gone: Gone | undefined;
    readonly isBeside: boolean;
    readonly isStrong: boolean;
  }): Promise<Proof> {
    const { username, password, source, lane, gone, isBeside } = asked;
    let movedIn: string | null = null;
    // For every name and every password, while there is any: whose name it is does not show.
    const beside = async () => {
      movedIn = await foreign.matching(username, password);
    };
    const recalled = asked.isStrong ? [] : passwords.recall(username, password);
    const verifierOf = () =>
      passwords.verifierOf(
        ...([username, password, source, lane, isBeside ? beside : undefined, gone] as const),
      );
    if (recalled.length === 0) {
      const verifier = await verifierOf();
      return proofOf(parts, { username, password, verifier, recalled, movedIn });
    }
    // A remembered password needs no hash; should it have to be kept anew, it is hashed then.
    return { ...recalling(username, password, recalled), verifier: verifierOf };
  }

  return {
    atHand(username, password, credentialId) {
      const secret = vault.held(credentialId);
      const verifier = secret && passwords.quickVerifierOf(username, password);
      if (verifier == null) return undefined;
      return isVerifierOf(passwords, secret, username, verifier);
    },
    quick: (username, password) =>
      strong(username, password) ??
      recalling(username, password, passwords.recall(username, password)),
    full(username, password, source, lane, gone) {
      const quick = strong(username, password);
      const isBeside = foreign.count() > 0;
      return quick !== undefined && !isBeside
        ? quick
        : hashed({
            ...{ username, password, source, lane, gone },
            ...{ isBeside, isStrong: quick !== undefined },
          });
    },
  };
}
