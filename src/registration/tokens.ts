/** The token a pending client polls with, so that its password need not be sent again and again. */
import type { RequestRow } from '../../projections/requests.ts';
import type { Tokens } from '../credentials/tokens.ts';
import { registrationTokensHeldMax } from '../limits/doors.ts';
import { type LruCache, lruCache } from '../platform/lru-cache.ts';
import { type Soon, soon } from '../platform/soon.ts';
import type { Changes } from '../read-models/read-models.ts';

/** It outlives the request by this much, so that the outcome can still be told. */
export const registrationTokenGraceMs = 24 * 60 * 60 * 1_000;

interface WaitingRequest {
  readonly username: string;
  readonly requestId: string;
  readonly expiresAt: string;
}

export interface RegistrationTokens {
  /**
   * Has the token of a request signed while it is recorded, for `tokenFor` to give: together with those of the same turn,
   * since each thread that is woken for one takes its time.
   */
  begin(request: WaitingRequest): void;
  tokenFor(request: WaitingRequest): Soon<string>;
  /** Null: the token is none of ours, or has ended. */
  requestIdOf(token: string): Promise<string | null>;
}

/** A token with all that it was made of; its end is that of the request, so it never grows too old to be told again. */
interface HeldToken extends Pick<WaitingRequest, 'username' | 'expiresAt'> {
  readonly keyId: string;
  readonly token: string;
}

/** Signs tokens, and holds them while their requests wait. */
class TokensOfWaiting {
  readonly #tokens: Tokens;
  readonly #now: () => string;
  readonly #held: LruCache<HeldToken>;

  constructor(tokens: Tokens, now: () => string, heldMax: number) {
    this.#tokens = tokens;
    this.#now = now;
    this.#held = lruCache(heldMax);
  }

  held({ username, requestId, expiresAt }: WaitingRequest, keyId: string): string | undefined {
    const known = this.#held.get(requestId);
    return known?.keyId === keyId && known.username === username && known.expiresAt === expiresAt
      ? known.token
      : undefined;
  }

  forget(requestId: string): void {
    this.#held.delete(requestId);
  }

  /** Held from now on. */
  async sign(requests: readonly WaitingRequest[], keyId: string): Promise<readonly string[]> {
    const issuedAt = new Date(this.#now());
    const all = await this.#tokens.signAll(
      requests.map(({ username, requestId, expiresAt }) => ({
        ...{ subject: username, id: requestId, audience: 'gatebook:registration', issuedAt },
        expiresAt: new Date(Date.parse(expiresAt) + registrationTokenGraceMs),
      })),
    );
    for (const [at, { username, requestId, expiresAt }] of requests.entries())
      this.#held.set(requestId, { username, expiresAt, keyId, token: all[at] as string });
    return all;
  }
}

export function createRegistrationTokens(
  tokens: Tokens,
  now: () => string,
  onApplied: (listener: (events: unknown, changes: Changes) => void) => void,
  heldMax = registrationTokensHeldMax,
): RegistrationTokens {
  const waiting = new TokensOfWaiting(tokens, now, heldMax);
  /** By their requests, which are being recorded: ends when all of the same turn are held. */
  const signing = new Map<string, Promise<void>>();
  let begun = new Map<string, WaitingRequest>();
  // Whoever was answered for good asks no more.
  onApplied((_events, changes) => {
    for (const [requestId, row] of changes.get('requests') ?? [])
      if ((row as RequestRow | undefined)?.status !== 'pending') waiting.forget(requestId);
  });

  const tokenFor = (request: WaitingRequest): Soon<string> =>
    soon(
      tokens.signingKeyId(),
      (keyId) =>
        waiting.held(request, keyId) ??
        waiting.sign([request], keyId).then(([token]) => token as string),
    );

  async function signAll(requests: readonly WaitingRequest[]): Promise<void> {
    const keyId = await tokens.signingKeyId();
    const unsigned = requests.filter((request) => waiting.held(request, keyId) === undefined);
    await waiting.sign(unsigned, keyId);
  }

  async function signBegun(): Promise<void> {
    const requests = [...begun.values()].filter(({ requestId }) => !signing.has(requestId));
    begun = new Map();
    // Whoever asks for one is told what went wrong.
    const ended = signAll(requests).catch(() => undefined);
    for (const { requestId } of requests) signing.set(requestId, ended);
    await ended;
    for (const { requestId } of requests) signing.delete(requestId);
  }

  return {
    begin(request) {
      if (begun.size === 0) setImmediate(signBegun);
      begun.set(request.requestId, request);
    },
    tokenFor(request) {
      // What was signed meanwhile is held; another key may sign by now.
      return soon(signing.get(request.requestId), () => tokenFor(request));
    },
    requestIdOf: async (token) => (await tokens.verify(token, 'gatebook:registration'))?.id ?? null,
  };
}
