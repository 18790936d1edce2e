/**
 * What letting an account in takes, and no more: a device that connects needs neither its whole row nor that row's JSON.
 * Kept for many, and for as many as there is room worked out after a start, before they come.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { heldRights } from '../../domain/client/client.ts';
import { type CompiledPermissions, compiled } from '../../domain/matching.ts';
import type { AccessRow } from '../../projections/access.ts';
import { clients } from '../../projections/clients.ts';
import type { Authority } from '../authority.ts';
import { knownLoginsMax, knownLoginsPerTurn } from '../limits.ts';
import { lruCache } from '../platform/lru-cache.ts';
import type { Changes } from '../read-models/read-models.ts';
import type { Rows } from '../read-models/row-table.ts';

export interface KnownLogin {
  readonly requestId: string | null;
  readonly credentialId: string;
  /** Whether its password opens alone; beside a key it only asks again (SPEC 4). */
  readonly passwordOpens: boolean;
  readonly permissions: CompiledPermissions;
  readonly publishPrefix: string | null;
  readonly pinnedClientId: string | null;
  /** ISO instant. */
  readonly expiresAt: string | null;
}

export interface KnownLogins {
  /** Of an account that may act now; undefined: it is not active, or its access has run out. */
  active(username: string): KnownLogin | undefined;
  /** Works out those of the newest accounts, few at a time; ends early when the signal aborts. */
  prepare(signal: AbortSignal): Promise<void>;
}

interface KnownLoginsOptions {
  readonly access: Rows<AccessRow>;
  readonly authority: Pick<Authority, 'effective'>;
  /** Reads what its password is checked with, to be there when it comes. */
  readonly openVerifier: (credentialId: string) => Promise<unknown>;
  readonly onApplied: (listener: (events: unknown, changes: Changes) => void) => void;
  readonly now: () => string;
  /** Other than the named limit, so that a test can reach it. */
  readonly max?: number;
}

export function createKnownLogins(options: KnownLoginsOptions): KnownLogins {
  const { access, authority, now, max = knownLoginsMax } = options;
  let logins = lruCache<KnownLogin>(max);
  options.onApplied((_events, changes) => {
    if ((changes.get('roles')?.size ?? 0) > 0) logins = lruCache<KnownLogin>(max);
    for (const username of changes.get(clients.name)?.keys() ?? []) logins.delete(username);
  });

  function keep(row: AccessRow): KnownLogin | undefined {
    if (row.status !== 'active') return undefined;
    const login = loginOf(row, authority.effective);
    logins.set(row.username, login);
    return login;
  }

  function known(username: string): KnownLogin | undefined {
    const login = logins.get(username);
    if (login !== undefined) return login;
    const row = access.get(username);
    return row && keep(row);
  }

  return {
    active(username) {
      const login = known(username);
      if (login === undefined) return undefined;
      return login.expiresAt === null || login.expiresAt > now() ? login : undefined;
    },
    async prepare(signal) {
      let cursor: string | undefined;
      do {
        // Read and kept in one turn: what changes a row comes before it or after it.
        const page = access.find({ order: 'newest', limit: knownLoginsPerTurn, cursor });
        const kept = page.items.slice(0, max - logins.size).map(keep);
        for (const login of kept)
          if (login?.passwordOpens === true) await options.openVerifier(login.credentialId);
        cursor = page.nextCursor ?? undefined;
        await nextTurn();
      } while (cursor !== undefined && logins.size < max && !signal.aborted);
    },
  };
}

function loginOf(
  row: Extract<AccessRow, { status: 'active' }>,
  effectiveOf: Authority['effective'],
): KnownLogin {
  const { requestId, credentialId, passwordOpens, rights } = row;
  return {
    ...{ requestId, credentialId, passwordOpens },
    permissions: compiled(effectiveOf(row.username, heldRights(row))),
    publishPrefix: rights.mqttPublishPrefix,
    pinnedClientId: rights.mqttClientId,
    expiresAt: rights.expiresAt,
  };
}
