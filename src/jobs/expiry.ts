/** Expires windows, requests and grants. */
import { proposals } from '../../domain/approvals/proposal.ts';
import { system } from '../../domain/values.ts';
import { registryId, type TurnedAway, window } from '../../domain/window.ts';
import type { AccessRow } from '../../projections/access.ts';
import type { ProposalRow } from '../../projections/proposals.ts';
import type { RequestRow } from '../../projections/requests.ts';
import type { WindowRow } from '../../projections/window.ts';
import type { Clients } from '../commands/client-commands.ts';
import { handle, newCause } from '../commands/handle.ts';
import type { RowsAtHand } from '../commands/rows-at-hand.ts';
import { bulkAtOnceMax } from '../limits/administration.ts';
import { dueAtOnceMax } from '../limits/jobs.ts';
import type { Logger } from '../logger.ts';
import { pause } from '../platform/pause.ts';
import { pagesBetween } from '../read-models/every-row.ts';
import type { Rows } from '../read-models/row-table.ts';
import { type EventStore, StoreUnavailable } from '../store/event-store.ts';

/** How late an expiry may be recorded; registration and brokers observe the time itself. */
const tickMs = 100;
const retryMs = 1_000;
/** Where a page of those that are due was ended, more may be: they wait for others' turns, and no longer. */
const moreMs = 10;

interface ExpiryOptions {
  readonly store: EventStore;
  readonly clients: Clients;
  readonly rows: {
    readonly window: Rows<WindowRow>;
    readonly requests: Rows<RequestRow>;
    readonly access: Rows<AccessRow>;
    readonly proposals: Rows<ProposalRow>;
  };
  readonly turnedAway: () => TurnedAway | null;
  readonly atHand: Pick<RowsAtHand, 'window'>;
  readonly now: () => string;
  readonly logger: Logger;
}

/**
 * Does what is due now, and says whether more may be. What cannot be ended holds up nothing else.
 * @throws what the first of those said, once the others are ended; StoreUnavailable at once
 */
export async function expireDue(options: ExpiryOptions): Promise<boolean> {
  const { store, clients, rows, now } = options;
  const faults: unknown[] = [];
  await unlessFaulty(lockWhenOver(options), faults);
  const proposalsAreLeft = await endEach(rows.proposals, now(), faults, ({ proposalId }) =>
    handle(
      store,
      proposals,
      proposalId,
      { type: 'Expire', proposalId, at: now(), by: system },
      newCause(),
    ),
  );
  const requestsAreLeft = await endEach(rows.requests, now(), faults, ({ username, requestId }) =>
    clients.change(
      username,
      { type: 'ExpireRegistration', username, requestId, at: now(), by: system },
      newCause(),
    ),
  );
  const windowId = rows.window.get(registryId)?.windowId ?? null;
  const grantsAreLeft = await endEach(rows.access, now(), faults, ({ username }) =>
    clients.change(
      username,
      { type: 'ExpireAccess', username, windowId, at: now(), by: system },
      newCause(),
    ),
  );
  if (faults.length > 0) throw faults[0];
  return proposalsAreLeft || requestsAreLeft || grantsAreLeft;
}

async function lockWhenOver({ store, rows, now, turnedAway, atHand }: ExpiryOptions) {
  const row = rows.window.get(registryId);
  if (row?.status !== 'unlocked' || row.until > now()) return;
  await handle(
    store,
    window,
    registryId,
    { type: 'EndWindow', at: now(), by: system, turnedAway: turnedAway() },
    newCause(),
    atHand.window,
  );
}

/** Whether it was done; else its fault is kept. @throws StoreUnavailable */
async function unlessFaulty(doing: Promise<unknown>, faults: unknown[]): Promise<boolean> {
  try {
    await doing;
    return true;
  } catch (error) {
    if (error instanceof StoreUnavailable) throw error;
    if (faults.length === 0) faults.push(error);
    return false;
  }
}

/** Ends the first to be due, and leaves the rest for the next round: whether there may be any. @throws StoreUnavailable */
async function endEach<Row>(
  rows: Rows<Row>,
  at: string,
  faults: unknown[],
  end: (row: Row) => Promise<unknown>,
): Promise<boolean> {
  for (const page of pagesBetween(rows, { column: 'dueAt', below: at, limit: dueAtOnceMax })) {
    let areAnyEnded = false;
    for (let from = 0; from < page.length; from += bulkAtOnceMax) {
      const portion = page.slice(from, from + bulkAtOnceMax);
      const ended = await Promise.all(portion.map((row) => unlessFaulty(end(row), faults)));
      areAnyEnded ||= ended.includes(true);
    }
    if (areAnyEnded) return page.length === dueAtOnceMax;
  }
  return false;
}

/** Until the window ends, if that is before the next look; milliseconds. */
function untilDueMs({ rows, now }: ExpiryOptions): number {
  const row = rows.window.get(registryId);
  const left = row?.status === 'unlocked' ? Date.parse(row.until) - Date.parse(now()) : tickMs;
  return Math.min(Math.max(left, 20), tickMs);
}

/** Runs until the signal aborts; resolves then. */
export async function startExpiry(
  options: ExpiryOptions & { readonly signal: AbortSignal },
): Promise<void> {
  const { signal, logger } = options;
  while (!signal.aborted) {
    // What failed is still due: the retry waits, so that it is not logged ten times a second.
    let nextMs = retryMs;
    try {
      nextMs = (await expireDue(options)) ? moreMs : untilDueMs(options);
    } catch (error) {
      if (!signal.aborted) logger.warn('Expiry failed; trying again', { error });
    }
    await pause(nextMs, signal);
  }
}
