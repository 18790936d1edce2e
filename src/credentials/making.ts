/** What a command makes up, ids and secrets: by chance, or from a seed, so that it comes to the same after a crash. */
import { hkdfSync, randomBytes } from 'node:crypto';

export interface Making {
  /** So many bytes that nobody guesses; from a seed the same for the same name. */
  bytes(of: string, count: number): Buffer;
  /** A UUID, of version 4 by its form. */
  id(of: string): string;
  /** Whether there is a seed: what it makes may have been kept before a crash. */
  readonly isSeeded: boolean;
  /** Whether some of the command's events stand already: only what is missing is done, and all of it is told. */
  readonly isBegun: boolean;
}

const made = (bytes: Making['bytes'], over: Pick<Making, 'isSeeded' | 'isBegun'>): Making => ({
  bytes,
  id(of) {
    const sixteen = bytes(of, 16);
    // RFC 9562, section 5.4: version and variant.
    sixteen.writeUInt8(((sixteen[6] as number) & 0x0f) | 0x40, 6);
    sixteen.writeUInt8(((sixteen[8] as number) & 0x3f) | 0x80, 8);
    const hex = sixteen.toString('hex');
    const parts = [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20)];
    return [...parts, hex.slice(20)].join('-');
  },
  ...over,
});

export const byChance: Making = made((_of, count) => randomBytes(count), {
  isSeeded: false,
  isBegun: false,
});

/** @param seed 32 random bytes that nobody else knows */
export const fromSeed = (seed: Buffer, isBegun: boolean): Making =>
  made((of, count) => Buffer.from(hkdfSync('sha256', seed, '', of, count)), {
    isSeeded: true,
    isBegun,
  });
