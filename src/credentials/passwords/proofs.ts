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

/** A password that somebody shows with a name: hashed at most once, however often it is asked about and whoever's name it is. */
export interface OfferedPassword {
  /** Whether a strong one is this credential's, as far as memory tells; undefined: it takes more to say. */
  atHand(credentialId: string): boolean | undefined;
  /** Without a slow hash: proves remembered passwords and strong ones; of others nothing. */
  quick(): Proof;
  /** With one hash, whoever's name it is. @throws HashingBusy */
  full(source: string, lane?: HashLane, gone?: Gone): Soon<Proof>;
}

export interface Proofs {
  of(username: string, password: string): OfferedPassword;
}

/** What an offer without a password proves by one: nothing. */
const withoutPassword: Proof = {
  proves: () => false,
  matching: async () => null,
  remember: () => undefined,
  async verifier() {
    throw new Error('there is no password to keep a verifier of');
  },
};

/** In the place of a password where none is shown. */
export const noPassword: OfferedPassword = {
  atHand: () => undefined,
  quick: () => withoutPassword,
  full: () => withoutPassword,
};

interface ProofParts {
  readonly passwords: Passwords;
  readonly vault: Pick<Vault, 'open' | 'held'>;
  readonly foreign: Pick<ForeignVerifiers, 'count' | 'matching' | 'replace' | 'waits'>;
}

/** A password as it was shown, and what is known of it. */
interface HashedPassword {
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

function proofOf({ passwords, vault, foreign }: ProofParts, known: HashedPassword): Proof {
  const { username, password, verifier, recalled, movedIn } = known;

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
  return { of: (username, password) => new Offered(parts, username, password) };
}

class Offered implements OfferedPassword {
  readonly #parts: ProofParts;
  readonly #username: string;
  readonly #password: string;
  /** Undefined: not asked for yet; null: the password is not strong. */
  #quickVerifier: string | null | undefined;
  /** Undefined: not asked for yet. */
  #recalled: readonly string[] | undefined;

  constructor(parts: ProofParts, username: string, password: string) {
    this.#parts = parts;
    this.#username = username;
    this.#password = password;
  }

  atHand(credentialId: string): boolean | undefined {
    const { passwords, vault } = this.#parts;
    const secret = vault.held(credentialId);
    const verifier = secret && this.#strong();
    if (verifier == null) return undefined;
    return isVerifierOf(passwords, secret, this.#username, verifier);
  }

  quick(): Proof {
    const verifier = this.#strong();
    return this.#proof({ verifier, recalled: verifier === null ? this.#recall() : [] });
  }

  full(source: string, lane?: HashLane, gone?: Gone): Soon<Proof> {
    const isBeside = this.#parts.foreign.count() > 0;
    return this.#strong() !== null && !isBeside
      ? this.quick()
      : this.#hashed(isBeside, source, lane, gone);
  }

  async #hashed(isBeside: boolean, source: string, lane?: HashLane, gone?: Gone): Promise<Proof> {
    const { passwords, foreign } = this.#parts;
    const [username, password] = [this.#username, this.#password];
    let movedIn: string | null = null;
    // For every name and every password, while there is any: whose name it is does not show.
    const beside = async () => {
      movedIn = await foreign.matching(username, password);
    };
    const recalled = this.#strong() === null ? this.#recall() : [];
    const verifierOf = () =>
      passwords.verifierOf(
        ...([username, password, source, lane, isBeside ? beside : undefined, gone] as const),
      );
    if (recalled.length === 0) {
      const verifier = await verifierOf();
      return this.#proof({ verifier, recalled, movedIn });
    }
    // A remembered password needs no hash; should it have to be kept anew, it is hashed then.
    return { ...this.#proof({ verifier: null, recalled }), verifier: verifierOf };
  }

  #proof(
    known: Pick<HashedPassword, 'verifier' | 'recalled'> & Partial<Pick<HashedPassword, 'movedIn'>>,
  ): Proof {
    const [username, password] = [this.#username, this.#password];
    return proofOf(this.#parts, { username, password, movedIn: null, ...known });
  }

  #strong(): string | null {
    if (this.#quickVerifier === undefined)
      this.#quickVerifier = this.#parts.passwords.quickVerifierOf(this.#username, this.#password);
    return this.#quickVerifier;
  }

  #recall(): readonly string[] {
    this.#recalled ??= this.#parts.passwords.recall(this.#username, this.#password);
    return this.#recalled;
  }
}
