/** Destroys the secrets that no client needs any more: orphans, and verifiers of what was refused long ago. */
import { client } from '../../domain/client/client.ts';
import { type Client, credentialIdsOf, initial, verifierIdsOf } from '../../domain/client/state.ts';
import type { AccessRow } from '../../projections/access.ts';
import type { ClientRow } from '../../projections/clients.ts';
import { type ProposalRow, toCarryOut } from '../../projections/proposals.ts';
import { load } from '../commands/handle.ts';
import type { Passwords } from '../credentials/passwords/passwords.ts';
import type { SecretOwner, Vault } from '../credentials/vault.ts';
import { answerKeptMs, collectAgainUntilMs } from '../limits/administration.ts';
import {
  firstSweepAfterMs,
  orphanAgeMs,
  sweepEveryMs,
  unreadableNamedMax,
} from '../limits/credentials.ts';
import type { Logger } from '../logger.ts';
import { addMs } from '../platform/instant.ts';
import { pause } from '../platform/pause.ts';
import { everyRow } from '../read-models/every-row.ts';
import type { Rows } from '../read-models/row-table.ts';
import type { Preauthorizations, RuleUse } from '../registration/preauthorizations.ts';
import type { EventStore } from '../store/event-store.ts';

export interface SweepOptions {
  readonly store: EventStore;
  readonly vault: Vault;
  readonly passwords: Pick<Passwords, 'forget'>;
  readonly rows: {
    readonly access: Rows<AccessRow>;
    readonly clients: Rows<ClientRow>;
    readonly proposals: Rows<ProposalRow>;
  };
  readonly rules: Pick<Preauthorizations, 'lastUse'>;
  readonly refusedTtlMs: number;
  readonly now: () => string;
  /** Aborts a sweep between two secrets. */
  readonly signal?: AbortSignal;
  readonly logger: Pick<Logger, 'warn'>;
}

/** A client, and when its newest event was, which is asked of few. */
interface Known {
  readonly state: Client;
  readonly changedAt: () => string | null;
}

/** Resolves with the number of secrets destroyed. @throws StoreUnavailable */
export async function sweep(options: SweepOptions): Promise<number> {
  const { store, vault, passwords, rows, rules, refusedTtlMs, now } = options;
  const longAgo = addMs(now(), -refusedTtlMs);

  const byRows = (username: string): Known => ({
    state: rows.access.get(username) ?? initial,
    changedAt: () => rows.clients.get(username)?.changedAt ?? null,
  });
  const byLog = async (username: string): Promise<Known> => {
    const { state, newest } = await load(store, client, username);
    return { state, changedAt: () => (newest === undefined ? null : String(newest.data.at)) };
  };
  const isNeeded = (id: string, { kind, username }: SecretOwner, known: Known): boolean => {
    const { state, changedAt } = known;
    if (kind === 'personal-key') return state.personalKeyId === id;
    if (kind === 'answer') return isAwaited('answerId', id) || isAwaited('seedId', id);
    const isKnown = verifierIdsOf(state).includes(id);
    // Nearly all are what a client logs in with: for those nothing else is looked up.
    if (isKnown && !(isRefused(state) && (changedAt() ?? '') < longAgo)) return true;
    if (isAwaited('credentialId', id) || isBegunFor(username)) return true;
    return !isKnown && finishes(rules.lastUse(username), id, state);
  };

  /** Whether a proposal needs a secret: it waits, is to be carried out, or its answer may be collected yet. */
  const isAwaited = (column: 'credentialId' | 'answerId' | 'seedId', is: string): boolean => {
    const row = rows.proposals.find({ where: [{ column, is }], limit: 1 }).items[0];
    if (row === undefined) return false;
    const { collected, until } = row;
    if (column === 'answerId')
      return (
        addMs(until, answerKeptMs) > now() &&
        (collected === null || addMs(collected.at, collectAgainUntilMs) > now())
      );
    return row.status === 'waiting' || (row.status === 'approved' && !row.isCarriedOut);
  };

  /** A crash may have come between a verifier that was made and the event that names it: its deed goes on. */
  const isBegunFor = (username: string): boolean => {
    for (const { proposed } of everyRow(rows.proposals, {
      where: [{ column: 'open', is: toCarryOut }],
    }))
      if (proposed.subject === username) return true;
    return false;
  };

  const unreadable = unreadableSecrets();
  const destroyed = await vault.sweep(
    async (id, owner) => {
      const { username } = owner;
      if (isNeeded(id, owner, byRows(username))) return true;
      // Rows may be behind the log, and a projection that stopped stays behind; what is destroyed is lost.
      // So the log decides.
      const known = await byLog(username);
      if (isNeeded(id, owner, known)) return true;
      // The password's cached proofs go with its verifier.
      if (credentialIdsOf(known.state).includes(id)) passwords.forget(username);
      return false;
    },
    addMs(now(), -orphanAgeMs),
    { ...(options.signal && { signal: options.signal }), onUnreadable: unreadable.add },
  );
  unreadable.tell(options.logger);
  return destroyed;
}

/** Counts what a sweep could not open, and says once whose it is. */
function unreadableSecrets() {
  const names = new Set<string>();
  let count = 0;
  return {
    add: ({ username }: { readonly username: string | null }) => {
      count += 1;
      if (username !== null && names.size < unreadableNamedMax) names.add(username);
    },
    tell: (logger: Pick<Logger, 'warn'>) => {
      if (count > 0)
        logger.warn(
          'Secrets of the vault cannot be opened and are left as they are: rotate the credentials of these names',
          { count, usernames: [...names] },
        );
    },
  };
}

/** Whether a credential has a use of a preauthorization that a crash kept from its request: it may finish it yet. */
const finishes = (use: RuleUse | undefined, id: string, state: Client): boolean =>
  use?.credentialId === id &&
  state.status === 'unknown' &&
  state.decided[use.requestId] === undefined;

const isRefused = ({ status }: Client): boolean =>
  status === 'denied' || status === 'revoked' || status === 'expired';

/** Sweeps from time to time until the signal aborts; resolves then. */
export async function startSweeping(
  options: SweepOptions & { readonly signal: AbortSignal; readonly logger: Logger },
): Promise<void> {
  const { logger, signal } = options;
  // Not at once: after a restart all clients reconnect, which has priority.
  for (let waitMs = firstSweepAfterMs; ; waitMs = sweepEveryMs) {
    await pause(waitMs, signal);
    if (signal.aborted) return;
    try {
      const count = await sweep(options);
      if (count > 0) logger.info('Secrets that nobody needs are destroyed', { count });
    } catch (error) {
      if (!signal.aborted)
        logger.warn('The vault could not be swept; trying again later', { error });
    }
  }
}
