/** Warns of grants that end by themselves, so long before as the configuration says: once for each end and lead. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { system } from '../../domain/values.ts';
import type { AccessRow } from '../../projections/access.ts';
import type { Clients } from '../commands/client-commands.ts';
import { newCause } from '../commands/handle.ts';
import { bulkAtOnceMax } from '../limits/administration.ts';
import { endWarningsAgainMs, endWarningsLookMs } from '../limits/jobs.ts';
import type { Logger } from '../logger.ts';
import { addMs } from '../platform/instant.ts';
import { pause } from '../platform/pause.ts';
import { pagesBetween } from '../read-models/every-row.ts';
import type { Rows } from '../read-models/row-table.ts';
import { StoreUnavailable } from '../store/event-store.ts';

interface EndWarningOptions {
  readonly clients: Clients;
  readonly rows: { readonly access: Rows<AccessRow> };
  /** Milliseconds before the end; none: nobody is warned. */
  readonly leadsMs: readonly number[];
  readonly now: () => string;
}

interface Due {
  readonly username: string;
  readonly endsAt: string;
  readonly leadMs: number;
}

/**
 * The warning that is due of a client; undefined: none is. Of several leads the shortest counts: it is the most urgent. Who
 * set an end that was nearer than a lead knows of it.
 */
function dueOf(row: AccessRow, at: string, leadsMs: readonly number[]): Due | undefined {
  if (row.status !== 'active' && row.status !== 'suspended') return undefined;
  // Whoever signs in at the identity provider does so again: nobody renews that end.
  if (row.personId !== null) return undefined;
  const { username, rights, endSetAt, warned } = row;
  const endsAt = rights.expiresAt;
  if (endsAt === null || endsAt <= at) return undefined;
  const reached = leadsMs.filter((leadMs) => addMs(endsAt, -leadMs) <= at);
  if (reached.length === 0) return undefined;
  const leadMs = Math.min(...reached);
  if (addMs(endsAt, -leadMs) <= endSetAt) return undefined;
  const isWarned = warned?.endsAt === endsAt && warned.leadMs <= leadMs;
  return isWarned ? undefined : { username, endsAt, leadMs };
}

export interface EndWarnings {
  /** Warns of what is due now. @throws StoreUnavailable, and what the first one said that could not be recorded */
  look(): Promise<void>;
}

/**
 * Each look goes through the ends that a lead came to since the last one, by the index of ends; the first one through all
 * that are near enough, since nobody knows what was missed. What was warned of says so itself.
 */
export function createEndWarnings({ clients, rows, leadsMs, now }: EndWarningOptions): EndWarnings {
  /** Up to which end each lead was looked at. */
  const lookedAt = new Map<number, string>();

  async function warn({ username, endsAt, leadMs }: Due): Promise<void> {
    const command = { type: 'WarnOfEnd', username, endsAt, leadMs, by: system } as const;
    await clients.change(username, { ...command, at: now() }, newCause());
  }

  async function lookAt(leadMs: number): Promise<void> {
    const at = now();
    const below = addMs(at, leadMs + 1);
    const before = lookedAt.get(leadMs) ?? '';
    // What another node recorded, or this one's rows got late, is looked at once more; all of it where the clock went back.
    const since = before === '' || before > below ? at : addMs(before, -endWarningsAgainMs);
    const atLeast = since < at ? at : since;
    let fault: unknown;
    const range = { column: 'dueAt', atLeast, below, limit: bulkAtOnceMax };
    for (const page of pagesBetween(rows.access, range)) {
      const due = page.flatMap((row) => dueOf(row, now(), leadsMs) ?? []);
      for (const result of await Promise.allSettled(due.map(warn))) {
        if (result.status === 'fulfilled') continue;
        if (result.reason instanceof StoreUnavailable) throw result.reason;
        fault ??= result.reason;
      }
      await nextTurn();
    }
    // One that could not be recorded is looked at again, with all that are near enough.
    if (fault !== undefined) throw fault;
    lookedAt.set(leadMs, below);
  }

  return {
    async look() {
      for (const leadMs of leadsMs) await lookAt(leadMs);
    },
  };
}

/** Runs until the signal aborts; resolves then. */
export async function startWarningOfEnds(
  options: EndWarningOptions & { readonly logger: Logger; readonly signal: AbortSignal },
): Promise<void> {
  const { logger, signal } = options;
  if (options.leadsMs.length === 0) return;
  const warnings = createEndWarnings(options);
  while (!signal.aborted) {
    try {
      await warnings.look();
    } catch (error) {
      if (!signal.aborted) logger.warn('Ends could not be warned of; trying again', { error });
    }
    await pause(endWarningsLookMs, signal);
  }
}
