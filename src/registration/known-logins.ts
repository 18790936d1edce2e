/**
 * What letting an account in takes, and no more: a device that connects needs neither its whole row nor that row's JSON.
 * Kept for many, and for as many as there is room read after a start, before they come.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { heldRights } from '../../domain/client/client.ts';
import { type CompiledPermissions, compiled, filledPermissions } from '../../domain/matching.ts';
import type { Permission } from '../../domain/permission.ts';
import { Username } from '../../domain/values.ts';
import type { AccessRow } from '../../projections/access.ts';
import { clients } from '../../projections/clients.ts';
import type { Authority } from '../authority.ts';
import {
  knownLoginsMax,
  knownLoginsPerTurn,
  nameGapsMax,
  sharedRightsMax,
} from '../limits/doors.ts';
import type { Logger } from '../logger.ts';
import { BoundedMap } from '../platform/bounded-map.ts';
import { lruCache } from '../platform/lru-cache.ts';
import type { Changes } from '../read-models/read-models.ts';
import type { Rows } from '../read-models/row-table.ts';

export interface KnownLogin {
  readonly username: string;
  readonly requestId: string | null;
  readonly credentialId: string;
  /** Whether its password opens alone; beside a key it only asks again (SPEC 4). */
  readonly passwordOpens: boolean;
  /** Worked out at each look: kept they would take more than all else. */
  readonly permissions: CompiledPermissions;
  readonly publishPrefix: string | null;
  readonly pinnedClientId: string | null;
  /** ISO instant. */
  readonly expiresAt: string | null;
}

export interface KnownLogins {
  /** Of an account that may act now; undefined: it is not active, or its access has run out. */
  active(username: string): KnownLogin | undefined;
  /**
   * Whether somebody holds this name, active or suspended: nobody else connects with it as a client id. Who waits for a
   * first decision holds none yet, or anybody could keep a client from its own id.
   */
  isHeld(name: string): boolean;
  /**
   * Reads those of the newest accounts, few at a time; ends early when the signal aborts. What cannot be read is told
   * once, and again to whoever comes with it.
   */
  prepare(signal: AbortSignal): Promise<void>;
}

interface KnownLoginsOptions {
  readonly access: Rows<AccessRow>;
  readonly authority: Pick<Authority, 'given'>;
  /** Reads what its password is checked with, to be there when it comes. */
  readonly openVerifier: (credentialId: string) => Promise<unknown>;
  readonly onApplied: (listener: (events: unknown, changes: Changes) => void) => void;
  readonly now: () => string;
  readonly logger: Pick<Logger, 'warn'>;
  /** Other than the named limit, so that a test can reach it. */
  readonly max?: number;
}

export function createKnownLogins(options: KnownLoginsOptions): KnownLogins {
  const { access, authority, now, logger, max = knownLoginsMax } = options;
  let logins = lruCache<KnownLogin>(max);
  const gaps = new NameGaps();
  const shared = new SharedRights();
  options.onApplied((_events, changes) => {
    if ((changes.get('roles')?.size ?? 0) > 0) logins = lruCache<KnownLogin>(max);
    for (const username of changes.get(clients.name)?.keys() ?? []) {
      logins.delete(username);
      gaps.taken(username);
    }
  });

  function keep(row: AccessRow): KnownLogin | undefined {
    if (row.status !== 'active') return undefined;
    const login = new HeldLogin(row, shared.one(authority.given(heldRights(row))));
    logins.set(row.username, login);
    return login;
  }

  function known(username: string): KnownLogin | undefined {
    const login = logins.get(username);
    if (login !== undefined) return login;
    const row = access.get(username);
    return row && keep(row);
  }

  function statusOf(name: string): AccessRow['status'] | undefined {
    if (!Username.safeParse(name).success || gaps.has(name)) return undefined;
    const { items, places } = access.between({ column: 'key', atLeast: name, limit: 1 });
    const next = places[0]?.value;
    if (next === name) return items[0]?.status;
    gaps.add(name, next === undefined ? afterEveryName : String(next));
    return undefined;
  }

  async function prepare(signal: AbortSignal): Promise<void> {
    const open = openingAhead(options);
    let cursor: string | undefined;
    do {
      // Read and kept in one turn: what changes a row comes before it or after it.
      const page = access.find({ order: 'newest', limit: knownLoginsPerTurn, cursor });
      for (const login of page.items.slice(0, max - logins.size).map(keep)) {
        if (signal.aborted) return;
        if (login?.passwordOpens === true) await open(login.credentialId);
      }
      cursor = page.nextCursor ?? undefined;
      await nextTurn();
    } while (cursor !== undefined && logins.size < max && !signal.aborted);
  }

  return {
    isHeld(name) {
      if (logins.get(name) !== undefined) return true;
      const status = statusOf(name);
      return status === 'active' || status === 'suspended';
    },
    active(username) {
      const login = known(username);
      if (login === undefined) return undefined;
      return login.expiresAt === null || login.expiresAt > now() ? login : undefined;
    },
    prepare: (signal) =>
      prepare(signal).catch((error: unknown) =>
        logger.warn('Accounts could not be read before they come', { error }),
      ),
  };
}

/** Opens verifiers before they are needed; of those that cannot be opened, the first is told. */
function openingAhead({ openVerifier, logger }: KnownLoginsOptions) {
  let isTold = false;
  return (credentialId: string) =>
    openVerifier(credentialId).catch((error: unknown) => {
      if (!isTold) logger.warn('A verifier could not be read before it is needed', { error });
      isTold = true;
    });
}

/** Names are printable ASCII, which SQLite and this language order the same. */
const afterEveryName = '\x7f';

/**
 * Names that nobody has, by the gaps between those that there are: the client ids of a plant begin alike, and lie in few
 * gaps.
 */
class NameGaps {
  /** By the name that ends a gap, where it begins: there nobody is, that name is somebody's. */
  readonly #beginnings = new BoundedMap<string, string>(nameGapsMax);

  has(name: string): boolean {
    for (const [end, beginning] of this.#beginnings)
      if (beginning <= name && name < end) return true;
    return false;
  }

  /** Nobody is at `name`, nor between it and `end`. */
  add(name: string, end: string): void {
    this.#beginnings.set(end, name);
  }

  taken(name: string): void {
    for (const [end, beginning] of this.#beginnings)
      if (beginning <= name && name < end) this.#beginnings.delete(end);
  }
}

/** Permissions before they are for a name: most devices of a plant were given the same, which is kept once. */
class SharedRights {
  readonly #lists = new BoundedMap<string, readonly Permission[]>(sharedRightsMax);

  /** The list that is equal to this one. */
  one(given: readonly Permission[]): readonly Permission[] {
    const text = JSON.stringify(given);
    const known = this.#lists.get(text);
    if (known === undefined) this.#lists.set(text, given);
    return known ?? given;
  }
}

class HeldLogin implements KnownLogin {
  readonly username: string;
  readonly requestId: string | null;
  readonly credentialId: string;
  readonly passwordOpens: boolean;
  readonly publishPrefix: string | null;
  readonly pinnedClientId: string | null;
  readonly expiresAt: string | null;
  readonly #given: readonly Permission[];

  constructor(row: Extract<AccessRow, { status: 'active' }>, given: readonly Permission[]) {
    this.username = row.username;
    this.requestId = row.requestId;
    this.credentialId = row.credentialId;
    this.passwordOpens = row.passwordOpens;
    this.publishPrefix = row.rights.mqttPublishPrefix;
    this.pinnedClientId = row.rights.mqttClientId;
    this.expiresAt = row.rights.expiresAt;
    this.#given = given;
  }

  get permissions(): CompiledPermissions {
    const named = { username: this.username, mqttClientId: this.pinnedClientId };
    return compiled(filledPermissions(named, this.#given));
  }
}
