/** Tokens: PASETO v4.public (WIRE "Tokens"), signed by the key folder's newest key. */

import { hash } from 'node:crypto';
import { InspectFooter } from 'paseto';
import { z } from 'zod';
import { tokenPrefix } from '../../domain/token.ts';
import type { Instant } from '../../domain/values.ts';
import {
  clockSkewSecondsMax,
  keysFreshMs,
  keysLookMs,
  tokenBytesMax,
  verifiedTokensMax,
} from '../limits/credentials.ts';
import { currentInstant, instantMs } from '../platform/instant.ts';
import { lruCache } from '../platform/lru-cache.ts';
import { type Soon, soon } from '../platform/soon.ts';
import type { CryptoInThread } from './crypto-in-thread.ts';
import type { KeyFolder } from './keys/folder.ts';
import {
  type KeyRing,
  paseto,
  readKeyRing,
  rotateKeyRing,
  tidyKeyRing,
  type VerifyingKey,
} from './keys/signing.ts';

const issuer = 'gatebook';

const Audience = z.enum(['gatebook', 'gatebook:registration']);
type Audience = z.infer<typeof Audience>;

interface VerifiedToken {
  /** The username. */
  readonly subject: string;
  /** The token's id; of a registration token the request's. */
  readonly id: string;
  readonly issuedAt: Date;
  readonly expiresAt: Date;
}

interface SentClaims extends VerifiedToken {
  readonly audience: Audience;
}

interface PublicKeyEntry {
  readonly kid: string;
  readonly key: string;
  readonly use: 'sign' | 'verify';
  readonly until: Instant | null;
}

export interface Tokens {
  sign(claims: SentClaims): Promise<string>;
  /** The same for many that are wanted together, in their order: with one signature after the other, but fewer waits. */
  signAll(claims: readonly SentClaims[]): Promise<readonly string[]>;
  /** The id of the key that signs now, as `sign` looks for it: another one makes what it signed before outdated. */
  signingKeyId(): Soon<string>;
  /**
   * What a token says; null when it is not ours, for another audience, has ended, or is anything else.
   * Whether it was revoked is not known here. Never rejects, whatever it is given.
   */
  verify(token: string, audience: Audience): Promise<VerifiedToken | null>;
  /** The keys as `/.well-known/paseto` lists them, the signing one first. */
  publicKeys(): readonly PublicKeyEntry[];
  /**
   * Signs with a new key from now on; the old one verifies until `until`, then its file goes. Other
   * nodes know the new key with its first token, and the old one's end within `keysFreshMs`.
   * @param options `retiresAll`: those of before it end at once, too
   */
  rotate(options: { readonly until: Instant; readonly retiresAll?: boolean }): Promise<void>;
}

const Footer = z.object({ kid: z.string() });
const Time = z.iso.datetime({ offset: true }).transform((text) => Date.parse(text));
const Claims = z.object({
  sub: z.string().min(1),
  jti: z.string().min(1),
  aud: Audience,
  iat: Time,
  exp: Time,
});

type VerifiedClaims = z.infer<typeof Claims> & { readonly kid: string };

export interface TokenOptions {
  readonly keys: Pick<KeyFolder, 'dir'>;
  readonly now?: () => Instant;
  readonly verifiedMax?: number;
  /** Signs what is wanted together. */
  readonly thread?: CryptoInThread;
  /** Is told when the key folder cannot be read any more; the keys already read stay in use. */
  readonly onFault?: (error: unknown) => void;
}

const claimsIn = ({ subject, id, audience, issuedAt, expiresAt }: SentClaims) => ({
  sub: subject,
  jti: id,
  iss: issuer,
  aud: audience,
  iat: issuedAt.toISOString(),
  exp: expiresAt.toISOString(),
});

export async function createTokens(options: TokenOptions): Promise<Tokens> {
  const { now = currentInstant, onFault = () => undefined } = options;
  const { signing, find, verifying, rotate, look } = await openRing(options.keys.dir, now, onFault);
  const verified = lruCache<VerifiedClaims>(options.verifiedMax ?? verifiedTokensMax);

  /** Signature, issuer and form. Who it is for and whether it has ended is asked at each use. */
  const check = async (token: string): Promise<VerifiedClaims | null> => {
    const { kid } = Footer.parse(JSON.parse(Buffer.from(InspectFooter(token)).toString()));
    if (find(kid) === undefined) await look(keysLookMs);
    const key = find(kid);
    if (key === undefined) return null;
    const { claims } = await paseto.Verify(key.publicKey, token, {
      issuer,
      now: new Date(now()),
      clockTolerance: clockSkewSecondsMax,
    });
    return { ...Claims.parse(claims), kid };
  };

  const signAll = async (claims: readonly SentClaims[]) => {
    await look(keysLookMs);
    return await signing().signAll(claims.map(claimsIn), options.thread);
  };

  return {
    sign: async (claims) => (await signAll([claims]))[0] as string,
    signAll,

    signingKeyId: () => soon(look(keysLookMs), () => signing().kid),

    async verify(token, audience) {
      if (token.length > tokenBytesMax || !token.startsWith(tokenPrefix)) return null;
      await look(keysFreshMs);
      const digest = hash('sha256', token, 'base64');
      // A token that is anything but good makes parsers throw, each in its own way: it is no token.
      const checked = await verified
        .load(digest, async () => (await check(token)) ?? undefined)
        .catch(() => undefined);
      if (checked === undefined || checked.aud !== audience) return null;
      if (find(checked.kid) === undefined || checked.exp <= Date.parse(now())) return null;
      return {
        subject: checked.sub,
        id: checked.jti,
        issuedAt: new Date(checked.iat),
        expiresAt: new Date(checked.exp),
      };
    },

    publicKeys: () =>
      verifying().map(({ kid, text, until }) => ({
        kid,
        key: text,
        use: until === null ? 'sign' : 'verify',
        until,
      })),

    rotate: ({ until, retiresAll = false }) => rotate(until, retiresAll),
  };
}

/** The keys as they were last read, read again when they may have changed. */
async function openRing(dir: string, now: () => Instant, onFault: (error: unknown) => void) {
  const read = async (): Promise<KeyRing> => {
    const keyRing = await readKeyRing(dir);
    if (keyRing === undefined) throw new Error(`${dir} holds no signing key any more`);
    return keyRing;
  };
  const hasEnded = ({ until }: VerifyingKey) => until !== null && until <= now();

  let keyRing = await read();
  let rotations = 0;
  let lookedAtMs = Date.parse(now());
  let looking: Promise<void> | undefined;

  const lookNow = async () => {
    const before = rotations;
    try {
      const found = await read();
      // What was read while a rotation ran may be from before it.
      if (before === rotations) keyRing = found;
      if (found.verifying.some(hasEnded)) await tidyKeyRing(dir, now());
    } catch (error) {
      onFault(error);
    } finally {
      looking = undefined;
    }
  };

  return {
    signing: () => keyRing.signing,
    verifying: () => keyRing.verifying.filter((key) => !hasEnded(key)),
    find: (kid: string) => keyRing.verifying.find((key) => key.kid === kid && !hasEnded(key)),

    /** Reads the folder again if that was `ageMs` ago or longer (also when the clock went back). */
    look(ageMs: number): Soon<void> {
      const atMs = instantMs(now());
      if (looking === undefined && Math.abs(atMs - lookedAtMs) < ageMs) return;
      lookedAtMs = looking === undefined ? atMs : lookedAtMs;
      looking ??= lookNow();
      return looking;
    },

    async rotate(until: Instant, retiresAll: boolean): Promise<void> {
      await rotateKeyRing(dir, now(), until, retiresAll);
      rotations += 1;
      keyRing = await read();
    },
  };
}
