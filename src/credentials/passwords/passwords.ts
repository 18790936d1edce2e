/** Passwords and their verifiers: the work depends on the password offered, never on the name (SPEC 5). */
import { argon2, createHash, timingSafeEqual } from 'node:crypto';
import { availableParallelism } from 'node:os';
import { promisify } from 'node:util';
import { enrolmentCodePrefix } from '../../../domain/enrolment-code.ts';
import { fingerprintsMax, hashesAtOnceMax, hashesWaitingMax } from '../../limits/credentials.ts';
import { keyedHash } from '../keyed-hash.ts';
import { byChance, type Making } from '../making.ts';
import { createFingerprints, type Fingerprints } from './fingerprints.ts';
import { createHashQueue, type Gone, type HashLane } from './hash-queue.ts';

export { HashingBusy } from './hash-queue.ts';

export interface Passwords extends Fingerprints {
  /**
   * The verifier of this password under this name, a PHC string. One hash answers for every verifier
   * of the name, because its salt is derived from the name; compare with `sameVerifier`.
   * `source` is who shares the slots of slow hashes fairly with the others, such as an address; people who
   * sign in have a `lane` of their own. `beside` is done in the same turn, also of a strong password, which then waits for one.
   * Nothing is hashed any more for who is `gone` before that turn.
   * @throws HashingBusy when it needs a slow hash and too many wait.
   */
  verifierOf(
    username: string,
    password: string,
    source: string,
    lane?: HashLane,
    beside?: () => Promise<void>,
    gone?: Gone,
  ): Promise<string>;
  /** The same at once, without the queue, for a strong password; null for any other. */
  quickVerifierOf(username: string, password: string): string | null;
  /** What an enrolment code is found by: a keyed hash of it, in hex. */
  enrolmentCodeId(code: string): string;
  /** Whether two verifiers are the same; takes as long when they are not. */
  sameVerifier(a: string, b: string): boolean;
  /** How many passwords wait for a slow hash. */
  waiting(): number;
  /** How many slow hashes were done since the start. */
  slowHashes(): number;
  /** The service stops: refuses those who wait for a slow hash, with HashingBusy. */
  close(): void;
}

const secretPrefix = 'gbs_';
const secretBytes = 24;
const checksumLength = 6;
const enrolmentCodeBytes = 32;

const hexDigits = /^[0-9a-f]{32,}$/i;
const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const ownSecret = /^gbs_[\w-]{38}$/;

/** A password of our own making, `gbs_…`: 192 random bits and a checksum against typing errors. */
export function generateSecret({ bytes }: Pick<Making, 'bytes'> = byChance): string {
  const body = secretPrefix + bytes('password', secretBytes).toString('base64url');
  return body + checksumOf(body);
}

/** A code that lets somebody in without a window: 256 random bits. */
export const generateEnrolmentCode = ({ bytes }: Pick<Making, 'bytes'>, of: string): string =>
  enrolmentCodePrefix + bytes(`code of ${of}`, enrolmentCodeBytes).toString('base64url');

const checksumOf = (body: string): string =>
  createHash('sha256').update(body).digest('base64url').slice(0, checksumLength);

/**
 * Whether a password has so many random bits by its form that nobody guesses it: hex of 128 bits or
 * more, a UUID, or a secret of our own making. A fast hash is enough for it.
 */
export function isStrong(password: string): boolean {
  if (hexDigits.test(password) || uuid.test(password)) return true;
  if (!ownSecret.test(password)) return false;
  const body = password.slice(0, -checksumLength);
  return checksumOf(body) === password.slice(-checksumLength);
}

/** Whether a verifier is of a strong password. */
export const isQuickVerifier = (verifier: string): boolean => verifier.startsWith(quickPrefix);

const quickPrefix = '$gatebook-hmac-sha256$v=1$';
const memoryKib = 19_456;
const passes = 2;
const parallelism = 1;
const slowPrefix = `$argon2id$v=19$m=${memoryKib},t=${passes},p=${parallelism}$`;
const saltBytes = 16;
const hashBytes = 32;

const argon2Async = promisify(argon2);

export interface PasswordOptions {
  /** The key of every verifier, 32 bytes. */
  readonly pepper: Buffer;
  /** Slow hashes at once. */
  readonly concurrency?: number;
  /** Slow hashes that wait. */
  readonly waitingMax?: number;
  readonly rememberedMax?: number;
}

export function createPasswords(options: PasswordOptions): Passwords {
  const { pepper } = options;
  const queue = createHashQueue({
    concurrency: options.concurrency ?? Math.min(availableParallelism(), hashesAtOnceMax),
    waitingMax: options.waitingMax ?? hashesWaitingMax,
  });
  let slowHashes = 0;

  const keyed = keyedHash(pepper);

  const quickVerifierOf = (username: string, password: string): string | null => {
    requireUsername(username);
    if (!isStrong(password)) return null;
    return quickPrefix + withoutPadding(keyed(`verifier\0${username}\0${password}`, 'base64'));
  };

  const slowVerifierOf = async (username: string, password: string): Promise<string> => {
    slowHashes += 1;
    const salt = Buffer.from(keyed(`salt\0${username}`, 'base64'), 'base64').subarray(0, saltBytes);
    const hash = await argon2Async('argon2id', {
      message: password,
      nonce: salt,
      secret: pepper,
      memory: memoryKib,
      passes,
      parallelism,
      tagLength: hashBytes,
    });
    return `${slowPrefix}${base64Of(salt)}$${base64Of(hash)}`;
  };

  return {
    ...createFingerprints(options.rememberedMax ?? fingerprintsMax),
    quickVerifierOf,
    waiting: queue.waiting,
    close: queue.close,
    slowHashes: () => slowHashes,
    async verifierOf(username, password, source, lane, beside, gone) {
      const quick = quickVerifierOf(username, password);
      if (quick !== null && beside === undefined) return quick;
      const work = async () => {
        const verifier = quick ?? (await slowVerifierOf(username, password));
        await beside?.();
        return verifier;
      };
      return await queue.run(source, work, lane, gone);
    },
    enrolmentCodeId: (code) => keyed(`enrolment-code\0${code}`, 'hex'),
    sameVerifier,
  };
}

/** How long a verifier is tells its kind, and that is no secret. */
function sameVerifier(a: string, b: string): boolean {
  const [one, other] = [Buffer.from(a), Buffer.from(b)];
  return one.length === other.length && timingSafeEqual(one, other);
}

/** NUL separates the name from the password in what is hashed; a name with one could pose as another. */
function requireUsername(username: string): void {
  if (username.includes('\0')) throw new TypeError('a username never contains NUL');
}

/** As PHC strings have it: without padding. */
const withoutPadding = (base64: string): string => base64.replace(/=+$/, '');
const base64Of = (bytes: Buffer): string => withoutPadding(bytes.toString('base64'));
