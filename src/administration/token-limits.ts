/** How many tokens one name makes and holds: each is an event, and the log is for ever (docs/decisions/0013). */
import type { Actor } from '../../domain/values.ts';
import { type TokenRow, unrevokedOf } from '../../projections/tokens.ts';
import { Refused } from '../commands/refused.ts';
import { liveTokensPerUserMax, retryAfterSeconds, tokensPerUserPerMinute } from '../limits.ts';
import { createThrottle } from '../platform/throttle.ts';
import type { Rows } from '../read-models/row-table.ts';

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
