/** Checks passwords by verifiers that another broker made, at a cost that tells nothing of the name. */
import { createHash, pbkdf2, randomBytes, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';
import type { ForeignHash } from '../../../domain/client/foreign-hash.ts';

const hashBytes = 64;
const pbkdf2Async = promisify(pbkdf2);

/** What is hashed where there is nothing to compare with. */
const noSalt = randomBytes(12);
const noHash = Buffer.alloc(hashBytes);

/** Iterations of the two runs: what is known of the name, and what is left to all. Neither is none, and their sum is one for every name. */
export function roundsOf(iterations: number, most: number): readonly [own: number, rest: number] {
  const total = Math.max(1, most) + 1;
  const own = iterations === 0 ? total - 1 : iterations;
  return [own, total - own];
}

/**
 * Whether the password is the one. The work is the same for every `known`, also for none: two runs of PBKDF2 that come
 * to `most` + 1 iterations, and one digest.
 */
export async function isForeignPassword(
  password: string,
  known: ForeignHash | undefined,
  most: number,
): Promise<boolean> {
  const iterations = known?.iterations ?? 0;
  const [own, rest] = roundsOf(iterations, most);
  const salt = known === undefined ? noSalt : Buffer.from(known.salt, 'base64');
  const hash = known === undefined ? noHash : Buffer.from(known.hash, 'base64');
  const digest = createHash('sha512').update(password).update(salt).digest();
  const derived = await pbkdf2Async(password, salt, own, hashBytes, 'sha512');
  await pbkdf2Async(password, noSalt, rest, hashBytes, 'sha512');
  const isSame = timingSafeEqual(iterations === 0 ? digest : derived, hash);
  return isSame && known !== undefined;
}
