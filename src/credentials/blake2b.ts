/** BLAKE2b of any digest length, without a key (RFC 7693): Node's own knows only 64 bytes. */

const mask = (1n << 64n) - 1n;

/** RFC 7693, 2.6. */
const initial: readonly bigint[] = [
  0x6a09e667f3bcc908n,
  0xbb67ae8584caa73bn,
  0x3c6ef372fe94f82bn,
  0xa54ff53a5f1d36f1n,
  0x510e527fade682d1n,
  0x9b05688c2b3e6c1fn,
  0x1f83d9abfb41bd6bn,
  0x5be0cd19137e2179n,
];

/** RFC 7693, 2.7: the order in which each round takes the message's words. */
const sigma: readonly (readonly number[])[] = [
  [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15],
  [14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3],
  [11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4],
  [7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8],
  [9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13],
  [2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9],
  [12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11],
  [13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10],
  [6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5],
  [10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0],
];

/** Columns, then diagonals. */
const quarters = [
  [0, 4, 8, 12],
  [1, 5, 9, 13],
  [2, 6, 10, 14],
  [3, 7, 11, 15],
  [0, 5, 10, 15],
  [1, 6, 11, 12],
  [2, 7, 8, 13],
  [3, 4, 9, 14],
] as const;

const blockBytes = 128;
const roundCount = 12;

/**
 * The digest of a message, `length` bytes long (1 to 64). The length is part of what is hashed, so a
 * short digest is no prefix of a long one. Made for the ids of keys: too slow for much data.
 */
export function blake2b(message: Uint8Array, length: number): Buffer {
  const state = new BigUint64Array(initial);
  state[0] = word(state, 0) ^ 0x01010000n ^ BigInt(length);
  const blockCount = Math.max(1, Math.ceil(message.length / blockBytes));
  for (let index = 0; index < blockCount; index += 1) {
    const end = Math.min(message.length, (index + 1) * blockBytes);
    const block = Buffer.alloc(blockBytes);
    block.set(message.subarray(index * blockBytes, end));
    compress(state, block, BigInt(end), index === blockCount - 1);
  }
  const digest = Buffer.alloc(64);
  for (const [index, value] of state.entries()) digest.writeBigUInt64LE(value, index * 8);
  return digest.subarray(0, length);
}

/** RFC 7693, 3.2. */
function compress(state: BigUint64Array, block: Buffer, byteCount: bigint, last: boolean): void {
  const work = new BigUint64Array([...state, ...initial]);
  work[12] = word(work, 12) ^ byteCount;
  if (last) work[14] = word(work, 14) ^ mask;
  for (let round = 0; round < roundCount; round += 1) {
    const order = sigma[round % sigma.length] ?? [];
    for (const [index, quarter] of quarters.entries()) {
      const first = block.readBigUInt64LE((order[index * 2] ?? 0) * 8);
      const second = block.readBigUInt64LE((order[index * 2 + 1] ?? 0) * 8);
      mix(work, quarter, first, second);
    }
  }
  for (const index of state.keys()) {
    state[index] = word(state, index) ^ word(work, index) ^ word(work, index + 8);
  }
}

/** RFC 7693, 3.1. */
function mix(
  work: BigUint64Array,
  [a, b, c, d]: (typeof quarters)[number],
  first: bigint,
  second: bigint,
): void {
  work[a] = word(work, a) + word(work, b) + first;
  work[d] = rotate(word(work, d) ^ word(work, a), 32n);
  work[c] = word(work, c) + word(work, d);
  work[b] = rotate(word(work, b) ^ word(work, c), 24n);
  work[a] = word(work, a) + word(work, b) + second;
  work[d] = rotate(word(work, d) ^ word(work, a), 16n);
  work[c] = word(work, c) + word(work, d);
  work[b] = rotate(word(work, b) ^ word(work, c), 63n);
}

const word = (words: BigUint64Array, index: number): bigint => words[index] ?? 0n;
const rotate = (value: bigint, bits: bigint): bigint =>
  ((value >> bits) | (value << (64n - bits))) & mask;
