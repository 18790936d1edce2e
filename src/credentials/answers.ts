/** What the vault keeps for a proposal, sealed: the seed of its deed's secrets, and the answer for its proposer. */
import { createSecretKey, hkdfSync, randomBytes } from 'node:crypto';
import type { NewSecret } from '../store/event-store.ts';
import { openField, sealField } from './seal.ts';
import { newSecretId } from './secret-id.ts';
import type { Vault } from './vault.ts';

export interface Answers {
  /** Keeps what a command answered; resolves with the id that it is found by. */
  keep(proposer: string, answer: unknown): Promise<string>;
  /** What was kept; undefined: it is destroyed. */
  open(proposer: string, id: string): Promise<unknown>;
  /** A seed for an approval that names it by its id: what the deed makes up comes to the same, also after a crash. */
  seedFor(proposer: string): { readonly id: string; readonly secret: NewSecret };
  /** Undefined: it is destroyed. */
  seed(proposer: string, id: string): Promise<Buffer | undefined>;
  destroy(id: string): Promise<void>;
}

const seedBytes = 32;

/** @param pepper the key is derived from it: what lies in the store alone opens nothing */
export function createAnswers(vault: Vault, pepper: Buffer): Answers {
  const derived = hkdfSync('sha256', pepper, '', 'gatebook answers that wait', 32);
  const key = createSecretKey(Buffer.from(derived));
  const sealed = (proposer: string, field: 'answer' | 'seed', value: unknown) => ({
    ...{ kind: 'answer' as const, username: proposer },
    sealed: sealField(key, field, proposer, field, value),
  });
  async function opened(proposer: string, field: 'answer' | 'seed', id: string): Promise<unknown> {
    const secret = await vault.open(id);
    if (secret?.kind !== 'answer' || secret.username !== proposer) return undefined;
    return openField(key, proposer, field, secret.sealed);
  }
  return {
    keep: (proposer, answer) => vault.keep(sealed(proposer, 'answer', answer)),
    open: (proposer, id) => opened(proposer, 'answer', id),
    seedFor(proposer) {
      const id = newSecretId();
      const seed = randomBytes(seedBytes).toString('base64url');
      return { id, secret: vault.written(sealed(proposer, 'seed', seed), id) };
    },
    async seed(proposer, id) {
      const seed = await opened(proposer, 'seed', id);
      return typeof seed === 'string' ? Buffer.from(seed, 'base64url') : undefined;
    },
    destroy: (id) => vault.destroy(id),
  };
}
