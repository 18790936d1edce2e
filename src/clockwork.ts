/** What time brings about: windows, requests and grants that end, and secrets that are kept no longer. */
import { client } from '../domain/client.ts';
import { credentialIdsOf } from '../domain/client-state.ts';
import { system } from '../domain/values.ts';
import { registryId, type TurnedAway, window } from '../domain/window.ts';
import type { AccessRow } from '../projections/access.ts';
import type { ClientRow } from '../projections/clients.ts';
import type { RequestRow } from '../projections/requests.ts';
import type { WindowRow } from '../projections/window.ts';
import type { Clients } from './clients.ts';
import type { Passwords } from './credentials/passwords.ts';
import type { Vault } from './credentials/vault.ts';
import { handle, newCause } from './handle.ts';
import type { Log } from './log.ts';
import type { Rows } from './read-models/row-table.ts';
import type { EventStore } from './store/event-store.ts';

const tickMs = 1_000;
const sweepEveryMs = 60 * 60 * 1_000;
/** What is due at once is done in portions, so that nothing else waits long. */
const dueAtOnceMax = 200;
/** A secret may stand this long before the event that names it is read. */
const orphanAgeMs = 15 * 60 * 1_000;

export interface ClockworkOptions {
  readonly store: EventStore;
  readonly clients: Clients;
  readonly vault: Vault;
  readonly passwords: Pick<Passwords, 'forget'>;
  readonly rows: {
    readonly window: Rows<WindowRow>;
    readonly requests: Rows<RequestRow>;
    readonly access: Rows<AccessRow>;
    readonly clients: Rows<ClientRow>;
  };
  readonly turnedAway: () => TurnedAway | null;
  readonly refusedTtlMs: number;
  readonly now: () => string;
  readonly log: Log;
}

const before = (at: string, ms: number) => new Date(Date.parse(at) - ms).toISOString();

/** Does everything that is due now. */
export async function ring(options: ClockworkOptions): Promise<void> {
  const { store, clients, rows, now } = options;
  const row = rows.window.get(registryId);
  if (row?.status === 'unlocked' && row.until <= now())
    await handle(
      store,
      window,
      registryId,
      { type: 'EndWindow', at: now(), by: system, turnedAway: options.turnedAway() },
      newCause(),
    );

  const due = [{ column: 'dueAt', below: now() }];
  const windowId = row?.windowId ?? null;
  for (const { username, requestId } of rows.requests.find({ where: due, limit: dueAtOnceMax })
    .items)
    await clients.change(
      username,
      { type: 'ExpireRegistration', username, requestId, at: now(), by: system },
      newCause(),
    );
  for (const { username } of rows.access.find({ where: due, limit: dueAtOnceMax }).items)
    await clients.change(
      username,
      { type: 'ExpireAccess', username, windowId, at: now(), by: system },
      newCause(),
    );
}

/** Destroys the secrets that no client needs any more: orphans, and verifiers of what was refused long ago. */
export async function sweep(options: ClockworkOptions): Promise<number> {
  const { vault, passwords, rows, refusedTtlMs, now } = options;
  const longAgo = before(now(), refusedTtlMs);
  return await vault.sweep(
    (id, { kind, username }) => {
      const state = rows.access.get(username) ?? client.initial;
      if (kind === 'personal-key') return state.personalKeyId === id;
      const row = rows.clients.get(username);
      const refused =
        state.status === 'denied' || state.status === 'revoked' || state.status === 'expired';
      if (refused && row !== undefined && row.changedAt < longAgo) {
        // What is not kept any more is not remembered either.
        passwords.forget(username);
        return false;
      }
      return credentialIdsOf(state).includes(id);
    },
    before(now(), orphanAgeMs),
  );
}

/** Runs until the signal aborts; resolves then. */
export async function startClockwork(
  options: ClockworkOptions & { readonly signal: AbortSignal },
): Promise<void> {
  const { signal, log, rows, now } = options;
  let swept = 0;
  while (!signal.aborted) {
    let failed = false;
    try {
      await ring(options);
      if (performance.now() - swept > sweepEveryMs || swept === 0) {
        swept = performance.now();
        const count = await sweep(options);
        if (count > 0) log.info('Secrets that nobody needs are destroyed', { count });
      }
    } catch (error) {
      failed = true;
      if (!signal.aborted) log.warn('What was due could not be done; trying again', { error });
    }
    const row = rows.window.get(registryId);
    // What could not be done is still due: it waits a tick like everything else.
    const left =
      row?.status === 'unlocked' && !failed ? Date.parse(row.until) - Date.parse(now()) : tickMs;
    await pause(Math.min(Math.max(left, 20), tickMs), signal);
  }
}

const pause = (ms: number, signal: AbortSignal) =>
  new Promise<void>((resolve) => {
    const end = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    signal.addEventListener('abort', end);
  });
