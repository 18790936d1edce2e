/** The token a pending client polls with, so that its password need not be sent again and again. */
import type { RequestRow } from '../../projections/requests.ts';
import type { Tokens } from '../credentials/tokens.ts';
import { registrationTokensHeldMax } from '../limits/doors.ts';
import { lruCache } from '../platform/lru-cache.ts';
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

export function createRegistrationTokens(
  tokens: Tokens,
  now: () => string,
  onApplied: (listener: (events: unknown, changes: Changes) => void) => void,
  heldMax = registrationTokensHeldMax,
): RegistrationTokens {
  const held = lruCache<HeldToken>(heldMax);
  /** By their requests, which are being recorded. */
  const signing = new Map<string, Promise<string>>();
  let begun: WaitingRequest[] = [];
  // Whoever was answered for good asks no more.
  onApplied((_events, changes) => {
    for (const [requestId, row] of changes.get('requests') ?? [])
      if ((row as RequestRow | undefined)?.status !== 'pending') held.delete(requestId);
  });

  async function signed(
    { username, requestId, expiresAt }: WaitingRequest,
    keyId: string,
  ): Promise<string> {
    const token = await tokens.sign({
      subject: username,
      id: requestId,
      audience: 'gatebook:registration',
      issuedAt: new Date(now()),
      expiresAt: new Date(Date.parse(expiresAt) + registrationTokenGraceMs),
    });
    held.set(requestId, { username, expiresAt, keyId, token });
    return token;
  }

  function tokenFor(request: WaitingRequest): Soon<string> {
    return soon(tokens.signingKeyId(), (keyId) => {
      const { username, requestId, expiresAt } = request;
      const known = held.get(requestId);
      return known?.keyId === keyId && known.username === username && known.expiresAt === expiresAt
        ? known.token
        : signed(request, keyId);
    });
  }

  function signBegun(): void {
    for (const request of begun) {
      const { requestId } = request;
      if (signing.has(requestId)) continue;
      const ended = () => signing.delete(requestId);
      const token = Promise.resolve(tokenFor(request));
      signing.set(requestId, token);
      // Whoever asks for it is told what went wrong.
      token.then(ended, ended);
    }
    begun = [];
  }

  return {
    begin(request) {
      if (begun.length === 0) setImmediate(signBegun);
      begun.push(request);
    },
    tokenFor(request) {
      const token = signing.get(request.requestId);
      // What was signed meanwhile is held; another key may sign by now.
      return token === undefined ? tokenFor(request) : token.then(() => tokenFor(request));
    },
    requestIdOf: async (token) => (await tokens.verify(token, 'gatebook:registration'))?.id ?? null,
  };
}
