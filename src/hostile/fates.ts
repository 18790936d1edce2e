/** What becomes of each question at a hostile registry: random, and the same each time for the same seed. */
import { createHash } from 'node:crypto';

/** Answered without being heard, by a code of the registry's own. */
const tellable = [
  'registry-locked',
  'source-throttled',
  'window-full',
  'store-unavailable',
  'hashing-busy',
  'stopping',
  'internal-error',
] as const;

/** When an answer asks to come back; null: it does not say. */
export type RetryAfter = { readonly seconds: number; readonly isDate: boolean } | null;

export interface DoorFate {
  readonly what:
    | 'heard'
    /** Told that it waits, by a request that nobody made, with a token that opens nothing. */
    | 'made-up'
    /** The connection is cut, and nothing was done. */
    | 'cut'
    /** What was asked for is done, and the connection cut in the middle of the answer. */
    | 'broken-off'
    | (typeof tellable)[number];
  /** Before anything else happens. */
  readonly delayMs: number;
  readonly retryAfter: RetryAfter;
  /** How wrong the clock is that the answer tells of. */
  readonly skewMs: number;
}

/** Milliseconds until a connection is cut; null: it is not. */
type ConnectionFate = number | null;

export interface Fates {
  /** Of the next question at the door. */
  door(): DoorFate;
  /** Of the next MQTT connection. */
  connection(): ConnectionFate;
  /** Whether somebody else shows a certificate at the next handshake. */
  isImpostor(): boolean;
}

/** A number from 0 to 1 each time, by a hash of where it is used: no order of other questions changes it. */
function chances(seed: string, where: string): () => number {
  let count = 0;
  let digest = Buffer.alloc(0);
  const numberBytes = 4;
  return () => {
    const at = (count * numberBytes) % 32;
    if (at === 0)
      digest = createHash('sha256')
        .update(JSON.stringify([seed, where, count]))
        .digest();
    count++;
    return digest.readUInt32BE(at) / 2 ** 32;
  };
}

const between = (chance: number, least: number, most: number): number =>
  Math.round(least + chance * (most - least));

/** The first whose share is not used up; the shares add up to one. */
function shared<Kind>(chance: number, shares: readonly (readonly [number, Kind])[]): Kind {
  let left = chance;
  for (const [share, kind] of shares) {
    if (left < share) return kind;
    left -= share;
  }
  return (shares.at(-1) as readonly [number, Kind])[1];
}

const tenYearsMs = 10 * 365 * 24 * 3_600_000;

/** Longer than any client should wait for an answer, by now and then. */
const delayOf = (kind: number, size: number): number =>
  shared(kind, [
    [0.85, 0],
    [0.1, between(size, 200, 10_000)],
    [0.05, between(size, 45_000, 90_000)],
  ]);

const retryAfterOf = (kind: number, size: number, form: number): RetryAfter => {
  const isDate = form < 0.4;
  return shared<RetryAfter>(kind, [
    [0.15, null],
    [0.5, { seconds: between(size, 0, 5), isDate }],
    [0.28, { seconds: between(size, 6, 60), isDate }],
    [0.07, { seconds: between(size, 120, 600), isDate }],
  ]);
};

/** One number of each chance, whatever becomes of it: so a fate does not depend on those before it. */
function nextDoorFate(chance: () => number, skewMs: number): DoorFate {
  const [what, told, delay, delaySize] = [chance(), chance(), chance(), chance()];
  const [after, afterSize, form, clock] = [chance(), chance(), chance(), chance()];
  return {
    what: shared<DoorFate['what']>(what, [
      [0.45, 'heard'],
      [0.25, tellable[Math.floor(told * tellable.length)] ?? 'internal-error'],
      [0.06, 'made-up'],
      [0.12, 'cut'],
      [0.12, 'broken-off'],
    ]),
    delayMs: delayOf(delay, delaySize),
    retryAfter: retryAfterOf(after, afterSize, form),
    // A clock that jumps, besides.
    skewMs: clock < 0.9 ? skewMs : between(clock * 10 - 9, -tenYearsMs, tenYearsMs),
  };
}

/** @param seed any text; the same one brings the same fates in the same order */
export function fatesOf(seed: string): Fates {
  const [door, connection, handshake] = [
    chances(seed, 'door'),
    chances(seed, 'connection'),
    chances(seed, 'handshake'),
  ];
  const clock = chances(seed, 'clock');
  const skewMs = clock() < 0.5 ? 0 : between(clock(), -tenYearsMs, tenYearsMs);
  return {
    door: () => nextDoorFate(door, skewMs),
    connection() {
      const [kind, size] = [connection(), connection()];
      return shared<ConnectionFate>(kind, [
        [0.6, null],
        [0.2, 0],
        [0.2, between(size, 1, 3_000)],
      ]);
    },
    isImpostor: () => handshake() < 0.2,
  };
}
