/** Random bytes, asked of OpenSSL many at once: for a few, each question costs more than what is done with them. */
import { randomFillSync } from 'node:crypto';

const pool = Buffer.alloc(4096);
let taken = pool.length;

/**
 * Gives bytes that nobody was given before, to use and not to keep: they are zeros when `use` returns. At most as many
 * as the pool has.
 */
export function withRandomBytes<Result>(count: number, use: (bytes: Buffer) => Result): Result {
  if (count > pool.length) throw new RangeError(`${count} random bytes are more than the pool has`);
  if (taken + count > pool.length) {
    randomFillSync(pool);
    taken = 0;
  }
  const bytes = pool.subarray(taken, taken + count);
  taken += count;
  try {
    return use(bytes);
  } finally {
    bytes.fill(0);
  }
}
