/** Suspends clients that were not seen for too long, where the configuration says so: never people, and nobody who is there. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { client, heldRights } from '../../domain/client/client.ts';
import type { Client } from '../../domain/client/state.ts';
import { accept } from '../../domain/decider.ts';
import { holdsHttpRights } from '../../domain/matching.ts';
import { system } from '../../domain/values.ts';
import { registryId } from '../../domain/window.ts';
import type { WindowRow } from '../../projections/window.ts';
import type { Authority } from '../authority.ts';
import type { Clients } from '../commands/client-commands.ts';
import { newCause } from '../commands/handle.ts';
import { bulkAtOnceMax } from '../limits/administration.ts';
import { dueAtOnceMax, staleLookMs } from '../limits/jobs.ts';
import type { Logger } from '../logger.ts';
import { pause } from '../platform/pause.ts';
import type { Rows } from '../read-models/row-table.ts';
import type { Sightings, Unseen } from '../sightings/sightings.ts';
import { StoreUnavailable } from '../store/event-store.ts';

interface StaleOptions {
  readonly sightings: Pick<Sightings, 'unseen' | 'of' | 'seen' | 'graceMs'>;
  readonly clients: Clients;
  readonly rows: { readonly window: Rows<WindowRow> };
  readonly authority: Pick<Authority, 'active' | 'effective'>;
  readonly staleAfterMs: number;
  /** Whether a client has a session at any broker now. @throws BrokerDown */
  readonly isConnected: (username: string) => Promise<boolean>;
  readonly now: () => string;
}

/**
 * Suspends who is stale now, the longest unseen first, and leaves the rest for the next look. Nobody while it is not known
 * who would have come: after a time in which nobody watched. @throws StoreUnavailable, BrokerDown
 */
export async function suspendStale(options: StaleOptions): Promise<void> {
  const { sightings, staleAfterMs, now } = options;
  if (sightings.graceMs() > 0) return;
  const belowMs = Date.parse(now()) - staleAfterMs;
  let after: Unseen | null = null;
  for (let suspended = 0; suspended < dueAtOnceMax; ) {
    const page: readonly Unseen[] = sightings.unseen(belowMs, after, bulkAtOnceMax);
    after = page.at(-1) ?? null;
    if (after === null) return;
    for (const done of await Promise.all(page.map((one) => suspend(options, one, belowMs))))
      if (done) suspended += 1;
    await nextTurn();
  }
}

/** Whether it was suspended. */
async function suspend(options: StaleOptions, one: Unseen, belowMs: number): Promise<boolean> {
  const { sightings, clients, authority, rows, now } = options;
  const { username, sinceMs } = one;
  const found = authority.active(username);
  // People are suspended by people; among them is the last administrator.
  if (found === undefined || found.holdsHttpRights) return false;
  if (await options.isConnected(username)) {
    sightings.seen(username, Date.parse(now()));
    return false;
  }
  const isStill = (state: Client): boolean =>
    state.status === 'active' &&
    !holdsHttpRights(authority.effective(username, heldRights(state))) &&
    (sightings.of(username).seenMs ?? 0) < belowMs;
  const wasSeen = sightings.of(username).seenMs !== null;
  const reason = `${wasSeen ? 'Not seen since' : 'Never seen since it was given access,'} ${new Date(sinceMs).toISOString()}: longer than GATEBOOK_STALE_AFTER.`;
  const windowId = rows.window.get(registryId)?.windowId ?? null;
  const { position } = await clients.decide(
    username,
    // It may have come, or been given other rights, this instant.
    async (state) => ({
      decision: isStill(state)
        ? client.decide(
            { type: 'SuspendAccess', username, reason, windowId, at: now(), by: system },
            state,
          )
        : accept(),
    }),
    newCause(),
  );
  return position !== null;
}

/** Runs until the signal aborts; resolves then. */
export async function startSuspendingStale(
  options: StaleOptions & { readonly logger: Logger; readonly signal: AbortSignal },
): Promise<void> {
  const { logger, signal } = options;
  while (!signal.aborted) {
    await pause(staleLookMs, signal);
    if (signal.aborted) return;
    try {
      await suspendStale(options);
    } catch (error) {
      if (signal.aborted) return;
      const message = 'Clients that were not seen could not be suspended; trying again';
      if (error instanceof StoreUnavailable) logger.debug(message, { error });
      else logger.warn(message, { error });
    }
  }
}
