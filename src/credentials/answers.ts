/** Answers that wait for their proposer in the vault: sealed, given once, destroyed. */
import { createSecretKey, hkdfSync } from 'node:crypto';
import { openField, sealField } from './personal-data.ts';
import type { Vault } from './vault.ts';

export interface Answers {
  /** Keeps what a command answered; resolves with the id that it is found by. */
  keep(proposer: string, answer: unknown): Promise<string>;
  /** What was kept, and destroys it; undefined: it was given before, or destroyed. */
  take(proposer: string, id: string): Promise<unknown>;
}

const field = 'answer';

/** @param pepper the key is derived from it: what lies in the store alone opens nothing */
export function createAnswers(vault: Vault, pepper: Buffer): Answers {
  const derived = hkdfSync('sha256', pepper, '', 'gatebook answers that wait', 32);
  const key = createSecretKey(Buffer.from(derived));
  return {
    keep: (proposer, answer) =>
      vault.keep({
        kind: 'answer',
        username: proposer,
        sealed: sealField(key, field, proposer, field, answer),
      }),
    async take(proposer, id) {
      const secret = await vault.open(id);
      if (secret?.kind !== 'answer' || secret.username !== proposer) return undefined;
      const answer = openField(key, proposer, field, secret.sealed);
      await vault.destroy(id);
      return answer;
    },
  };
}
