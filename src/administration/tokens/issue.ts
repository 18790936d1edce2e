/** Makes tokens: each is an event, and the log is for ever, so a name makes and holds so many (docs/decisions/0013). */
import { randomUUID } from 'node:crypto';
import type { Permission } from '../../../domain/permission.ts';
import { token } from '../../../domain/token.ts';
import type { Actor } from '../../../domain/values.ts';
import { type TokenRow, unrevokedOf } from '../../../projections/tokens.ts';
import type { Principal } from '../../authority.ts';
import type { Cause } from '../../commands/handle.ts';
import { type RecordingOptions, record } from '../../commands/record.ts';
import { Refused } from '../../commands/refused.ts';
import type { Tokens } from '../../credentials/tokens.ts';
import { liveTokensPerUserMax, tokensPerUserPerMinute } from '../../limits/credentials.ts';
import { retryAfterSeconds } from '../../limits/http.ts';
import { addMs } from '../../platform/instant.ts';
import { createThrottle } from '../../platform/throttle.ts';
import type { Rows } from '../../read-models/row-table.ts';

export interface TokenIssueOptions extends RecordingOptions {
  readonly tokens: Tokens;
  readonly now: () => string;
}

export const loginHours = 12;
const hourMs = 60 * 60 * 1_000;

interface WantedToken {
  readonly kind: 'login' | 'named';
  readonly label: string | null;
  readonly hours: number;
  /** It ends then, if that is sooner; null: after its hours. */
  readonly endsAt: string | null;
  readonly by: Actor;
}

/**
 * @param limitNow the HTTP permissions that it never goes beyond, as it is recorded; throws where nobody may issue it then
 * @param made the id that it gets; `issued`: the same command issued it before a crash, and it is told again
 */
export async function issue(
  options: TokenIssueOptions,
  principal: Principal,
  { kind, label, hours, endsAt, by }: WantedToken,
  cause: Cause,
  limitNow: () => readonly Permission[] | null,
  made: { readonly tokenId: string; readonly issued?: TokenRow | undefined } = {
    tokenId: randomUUID(),
  },
) {
  const { tokenId, issued } = made;
  const { username, generation, loginGeneration } = principal.row;
  const at = issued?.issuedAt ?? options.now();
  const afterHours = addMs(at, hours * hourMs);
  const expiresAt =
    issued?.expiresAt ?? (endsAt !== null && endsAt < afterHours ? endsAt : afterHours);
  const text = await options.tokens.sign({
    subject: username,
    id: tokenId,
    audience: 'gatebook',
    issuedAt: new Date(at),
    expiresAt: new Date(expiresAt),
  });
  const issueIt = () => ({
    ...{ type: 'IssueToken' as const, httpLimit: limitNow() },
    ...{ tokenId, username, label, kind, expiresAt, generation, loginGeneration, at, by },
  });
  const done = await record(options, token, tokenId, issueIt, cause, () =>
    options.atHand.token(tokenId),
  );
  return { tokenId, token: text, ...done };
}

export interface TokenLimits {
  /**
   * Makes room for one more token of a name. @throws Refused `login-throttled` where it makes them too
   * fast, or holds as many named ones as it may.
   */
  makeRoom(wanted: Pick<TokenRow, 'kind' | 'username'>, by: Actor): Promise<void>;
}

export function createTokenLimits(options: {
  readonly tokens: Rows<TokenRow>;
  readonly revoke: (tokenId: string, by: Actor) => Promise<unknown>;
  readonly now: () => string;
}): TokenLimits {
  const { tokens, revoke, now } = options;
  const made = createThrottle(tokensPerUserPerMinute);

  function requireFewerNamed(unrevoked: string): void {
    const live = tokens.count([
      { column: 'unrevoked', is: unrevoked },
      { column: 'expiresAt', atLeast: now() },
    ]);
    if (live < liveTokensPerUserMax) return;
    throw new Refused('login-throttled', {
      detail: `${live} named tokens of this name are good, which is all there may be: end one first.`,
      retryAfterSeconds,
    });
  }

  /** Each new login that finds all places taken ends the oldest, so there are never more. */
  async function endOldestLogin(unrevoked: string, by: Actor): Promise<void> {
    const where = [{ column: 'unrevoked', is: unrevoked }];
    const oldest = tokens.find({ where, limit: liveTokensPerUserMax }).items[
      liveTokensPerUserMax - 1
    ];
    if (oldest !== undefined && oldest.expiresAt > now()) await revoke(oldest.tokenId, by);
  }

  return {
    async makeRoom({ kind, username }, by) {
      const seconds = made.waitSeconds(username);
      if (seconds > 0)
        throw new Refused('login-throttled', {
          detail: `This name signed in, or made tokens, more than ${tokensPerUserPerMinute} times in a minute: keep a token, and use it again.`,
          retryAfterSeconds: seconds,
        });
      const unrevoked = unrevokedOf({ kind, username });
      if (kind === 'named') requireFewerNamed(unrevoked);
      made.count(username);
      if (kind === 'login') await endOldestLogin(unrevoked, by);
    },
  };
}
