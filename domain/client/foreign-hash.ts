/** Verifiers that another broker made, as PHC strings: how they are written, and what may be in them. */

/** Iterations of PBKDF2: while a client with such a verifier waits, every check of a password costs as much more. */
export const foreignIterationsMax = 20_000;

/** How a password was hashed elsewhere: PBKDF2 with SHA-512, or one SHA-512 over password and salt (0 iterations). */
export interface ForeignHash {
  readonly iterations: number;
  /** At most 64 bytes, in base64. */
  readonly salt: string;
  /** 64 bytes, in base64. */
  readonly hash: string;
}

const pbkdf2Form =
  /^\$pbkdf2-sha512\$i=([1-9]\d{0,8}),l=64\$([A-Za-z0-9+/]{2,86})\$([A-Za-z0-9+/]{86})$/;
const digestForm = /^\$mosquitto-sha512\$([A-Za-z0-9+/]{2,86})\$([A-Za-z0-9+/]{86})$/;

/**
 * Reads `$pbkdf2-sha512$i=101,l=64$SALT$HASH` (Mosquitto's `$7$`, and its dynamic security) or `$mosquitto-sha512$SALT$HASH`
 * (its `$6$`), in base64 without padding. A text: what is wrong with it, as the end of a sentence.
 */
export function foreignHashIn(text: string): ForeignHash | string {
  const [, rounds, slowSalt, slowHash] = pbkdf2Form.exec(text) ?? [];
  const [, quickSalt, quickHash] = digestForm.exec(text) ?? [];
  const [salt, hash] = [slowSalt ?? quickSalt, slowHash ?? quickHash];
  if (salt === undefined || hash === undefined)
    return 'must be $pbkdf2-sha512$i=N,l=64$SALT$HASH or $mosquitto-sha512$SALT$HASH, in base64 without padding';
  const iterations = Number(rounds ?? 0);
  if (iterations > foreignIterationsMax)
    return `has ${iterations} iterations, and at most ${foreignIterationsMax} are checked here`;
  return { iterations, salt, hash };
}
