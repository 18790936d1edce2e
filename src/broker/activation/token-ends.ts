/** Closes at one broker the sessions of tokens whose time is over: by the clock, and what ended while nobody looked. */
import type { TokenRow } from '../../../projections/tokens.ts';
import { tokenEndsAtOnceMax, tokenEndsLookMs } from '../../limits/brokers.ts';
import type { Logger } from '../../logger.ts';
import { pause } from '../../platform/pause.ts';
import { pagesBetween } from '../../read-models/every-row.ts';
import type { ReadModels } from '../../read-models/read-models.ts';
import type { Rows } from '../../read-models/row-table.ts';

export interface TokenEndsOptions {
  readonly rows: { readonly tokens: Pick<Rows<TokenRow>, 'between'> };
  readonly readModels: Pick<ReadModels, 'getBookmark' | 'setBookmark'>;
  readonly now: () => string;
  readonly logger: Logger;
  readonly signal: AbortSignal;
}

/** Resolves when the broker has closed them, or refused to; rejects only when the signal is aborted. */
type CloseSessions = (username: string, tokenIds: ReadonlySet<string>) => Promise<void>;

/**
 * Runs until the signal aborts; resolves then. `bookmark` names the instant up to which the tokens that ended
 * were looked at, which outlives the process.
 */
export async function closeAtTokenEnds(
  options: TokenEndsOptions,
  bookmark: string,
  close: CloseSessions,
): Promise<void> {
  const { readModels, now, logger, signal } = options;
  let since = readModels.getBookmark(bookmark) ?? '';
  while (!signal.aborted) {
    try {
      // A clock that was put back lets those tokens act again: they end anew.
      const until = now();
      if (until < since) since = until;
      const some = await closeBetween(options, since, until, close);
      if (signal.aborted) return;
      since = until;
      if (some) readModels.setBookmark(bookmark, until);
    } catch (error) {
      if (!signal.aborted) logger.error('Sessions of ended tokens stay open', { error });
    }
    await pause(tokenEndsLookMs, signal);
  }
}

/** Resolves with whether a token ended in between; its end is the first instant at which it no longer acts. */
async function closeBetween(
  { rows, signal }: TokenEndsOptions,
  since: string,
  until: string,
  close: CloseSessions,
): Promise<boolean> {
  const range = { column: 'expiresAt', atLeast: since, below: until, limit: tokenEndsAtOnceMax };
  let some = false;
  for (const page of pagesBetween(rows.tokens, range)) {
    const ended = new Map<string, Set<string>>();
    for (const { username, tokenId } of page)
      ended.set(username, (ended.get(username) ?? new Set()).add(tokenId));
    for (const [username, tokenIds] of ended) {
      if (signal.aborted) return some;
      await close(username, tokenIds);
      some = true;
    }
  }
  return some;
}
