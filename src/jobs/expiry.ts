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
import { dueAtOnceMax } from '../limits.ts';
import type { Logger } from '../logger.ts';
import { pause } from '../platform/pause.ts';
import type { Rows } from '../read-models/row-table.ts';
import type { EventStore } from '../store/event-store.ts';

/** How late an expiry may be recorded; registration and brokers observe the time itself. */
const tickMs = 100;
const retryMs = 1_000;

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

/** Does everything that is due now. */
export async function expireDue(options: ExpiryOptions): Promise<void> {
  const { store, clients, rows, now } = options;
  const row = rows.window.get(registryId);
  if (row?.status === 'unlocked' && row.until <= now())
    await handle(
      store,
      window,
      registryId,
      { type: 'EndWindow', at: now(), by: system, turnedAway: options.turnedAway() },
      newCause(),
      options.atHand.window,
    );

  const due = { column: 'dueAt', below: now(), limit: dueAtOnceMax };
  for (const { proposalId } of rows.proposals.between(due).items)
    await handle(
      store,
      proposals,
      proposalId,
      { type: 'Expire', proposalId, at: now(), by: system },
      newCause(),
    );
  const windowId = row?.windowId ?? null;
  for (const { username, requestId } of rows.requests.between(due).items)
    await clients.change(
      username,
      { type: 'ExpireRegistration', username, requestId, at: now(), by: system },
      newCause(),
    );
  for (const { username } of rows.access.between(due).items)
    await clients.change(
      username,
      { type: 'ExpireAccess', username, windowId, at: now(), by: system },
      newCause(),
    );
}

/** Runs until the signal aborts; resolves then. */
export async function startExpiry(
  options: ExpiryOptions & { readonly signal: AbortSignal },
): Promise<void> {
  const { signal, logger, rows, now } = options;
  while (!signal.aborted) {
    let failed = false;
    try {
      await expireDue(options);
    } catch (error) {
      failed = true;
      if (!signal.aborted) logger.warn('Expiry failed; trying again', { error });
    }
    const row = rows.window.get(registryId);
    const left = row?.status === 'unlocked' ? Date.parse(row.until) - Date.parse(now()) : tickMs;
    // What failed is still due: the retry waits, so that it is not logged ten times a second.
    await pause(failed ? retryMs : Math.min(Math.max(left, 20), tickMs), signal);
  }
}
