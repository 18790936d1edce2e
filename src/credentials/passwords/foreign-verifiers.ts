/** The clients that moved in and have not shown their password yet: what it is checked with, and its replacement. */

import { type ForeignHash, foreignHashIn } from '../../../domain/client/foreign-hash.ts';
import { Conflict } from '../../store/event-store.ts';
import type { Vault } from '../vault.ts';
import { isForeignPassword } from './foreign.ts';

interface MovedIn {
  readonly credentialId: string;
  readonly foreignVerifierId: string;
}

export interface ForeignVerifiers {
  /** How many there are; with none, no password costs anything beside its own hash. */
  count(): number;
  /** Reads the verifier from the vault, unless it is known or gone. @throws StoreUnavailable */
  learn(username: string, client: MovedIn): Promise<void>;
  /** A name holds no such credential any more. */
  forget(username: string): void;
  /** Whether nobody has shown the password of this credential since it was moved in: there is no verifier of ours yet. */
  waits(username: string, credentialId: string): boolean;
  /** The credential of this name that the password was moved in with; null: none. Takes as long for every name. */
  matching(username: string, password: string): Promise<string | null>;
  /** Puts our own verifier in the place of a foreign one that was just found right; never throws. */
  replace(username: string, credentialId: string, verifier: string): void;
}

/** What is in memory of them, by name. */
class UnshownPasswords {
  readonly #names = new Map<string, MovedIn & { readonly hash: ForeignHash }>();
  /** Also while they are read: the ids by name, and the names by id. */
  readonly #ids = new Map<string, string>();
  readonly #owners = new Map<string, string>();
  /** How many there are of each number of iterations. */
  readonly #rounds = new Map<number, number>();

  get size(): number {
    return this.#names.size;
  }

  get(username: string) {
    return this.#names.get(username);
  }

  ownerOf(id: string): string | undefined {
    return this.#owners.get(id);
  }

  /** The greatest number of iterations that any of them has. */
  roundsMax(): number {
    return Math.max(0, ...this.#rounds.keys());
  }

  /** It is being read; whatever was known of the name before is not. False: it is known already. */
  expect(username: string, id: string): boolean {
    if (this.#owners.get(id) === username) return !this.#names.has(username);
    this.remove(username);
    this.#ids.set(username, id);
    this.#owners.set(id, username);
    return true;
  }

  add(username: string, client: MovedIn, hash: ForeignHash): void {
    // Gone in the meantime, or read twice at once.
    if (!this.#owners.has(client.foreignVerifierId) || this.#names.has(username)) return;
    this.#names.set(username, { ...client, hash });
    this.#count(hash.iterations, 1);
  }

  remove(username: string): void {
    const id = this.#ids.get(username);
    if (id === undefined) return;
    this.#ids.delete(username);
    this.#owners.delete(id);
    const known = this.#names.get(username);
    if (this.#names.delete(username) && known !== undefined) this.#count(known.hash.iterations, -1);
  }

  #count(iterations: number, difference: number): void {
    const count = (this.#rounds.get(iterations) ?? 0) + difference;
    if (count === 0) this.#rounds.delete(iterations);
    else this.#rounds.set(iterations, count);
  }
}

/** @param onFault told why one could not be replaced: it is tried again at its next use */
export function createForeignVerifiers(
  vault: Pick<Vault, 'keep' | 'open' | 'destroy' | 'onDestroyed'>,
  onFault: (error: unknown) => void,
): ForeignVerifiers {
  const waiting = new UnshownPasswords();
  const underWay = new Set<string>();

  // By this node or another: its place is taken, or nobody needs it any more.
  vault.onDestroyed((id) => {
    const username = waiting.ownerOf(id);
    if (username !== undefined) waiting.remove(username);
  });

  async function replaceNow(username: string, credentialId: string, verifier: string) {
    const known = waiting.get(username);
    if (known?.credentialId !== credentialId) return;
    try {
      await vault.keep({ kind: 'verifier', username, verifier }, credentialId);
    } catch (error) {
      // Another node was first, or a crash came between this and the next step.
      if (!(error instanceof Conflict)) throw error;
    }
    // Revoked, erased or given another password meanwhile: nothing names it any more.
    const isThere = waiting.get(username) === known;
    await vault.destroy(isThere ? known.foreignVerifierId : credentialId);
  }

  return {
    count: () => waiting.size,
    forget: (username) => waiting.remove(username),
    waits: (username, credentialId) => waiting.get(username)?.credentialId === credentialId,

    async learn(username, client) {
      if (!waiting.expect(username, client.foreignVerifierId)) return;
      const secret = await vault.open(client.foreignVerifierId);
      const isOwn = secret?.kind === 'verifier' && secret.username === username;
      const read = isOwn ? foreignHashIn(secret.verifier) : 'is gone';
      if (typeof read === 'string') waiting.remove(username);
      else waiting.add(username, client, read);
    },

    async matching(username, password) {
      const known = waiting.get(username);
      const isRight = await isForeignPassword(password, known?.hash, waiting.roundsMax());
      return isRight ? (known?.credentialId ?? null) : null;
    },

    replace(username, credentialId, verifier) {
      if (underWay.has(username)) return;
      underWay.add(username);
      void replaceNow(username, credentialId, verifier)
        .catch(onFault)
        .finally(() => underWay.delete(username));
    },
  };
}
