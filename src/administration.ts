/** What administrators do to the window, requests and users: with the checks that reach beyond one aggregate. */
import { randomUUID } from 'node:crypto';
import { type Client, type GivenRights, noRights, type Rights } from '../domain/client.ts';
import type { ClientCommand } from '../domain/client-commands.ts';
import { beyondOwn, holdsHttpRights, type Permission } from '../domain/permission.ts';
import { administrator } from '../domain/role.ts';
import type { Actor } from '../domain/values.ts';
import { registryId, type WindowCommand, window } from '../domain/window.ts';
import type { ClientRow } from '../projections/clients.ts';
import type { RequestRow } from '../projections/requests.ts';
import type { WindowRow } from '../projections/window.ts';
import type { Authority, Caller } from './authority.ts';
import type { Clients } from './clients.ts';
import { generateSecret, type Passwords } from './credentials/passwords.ts';
import type { Vault } from './credentials/vault.ts';
import { type Cause, handle } from './handle.ts';
import { inTurn } from './in-turn.ts';
import { sourceKey } from './networks.ts';
import type { Rows } from './read-models/row-table.ts';
import { Refused } from './refused.ts';
import type { EventStore } from './store/event-store.ts';

/** Who asks, from where, and what it all belongs to. */
export interface By {
  readonly caller: Caller;
  readonly source: string | null;
  readonly cause: Cause;
}

/** Where the log stands with the effect; a read that waits for it sees it. */
export interface Done {
  readonly position: string;
}

export interface Unlock {
  readonly durationMs?: number | undefined;
  readonly maxRequests?: number | undefined;
  readonly usernamePattern?: string | undefined;
  readonly sources?: string[] | undefined;
  readonly note?: string | undefined;
}

export type Grant = GivenRights & {
  readonly reason?: string | undefined;
  readonly confirmContested?: boolean | undefined;
};

export interface Deny {
  readonly reason?: string | undefined;
  readonly blockedUntil?: string | undefined;
}

export interface Results {
  readonly position: string;
  readonly results: readonly (
    | { readonly requestId: string }
    | { readonly requestId: string; readonly error: unknown }
  )[];
}

export interface AdministrationOptions {
  readonly store: EventStore;
  readonly clients: Clients;
  readonly authority: Authority;
  readonly passwords: Passwords;
  readonly vault: Vault;
  readonly rows: {
    readonly window: Rows<WindowRow>;
    readonly requests: Rows<RequestRow>;
    readonly clients: Rows<ClientRow>;
  };
  readonly settled: (position: string) => Promise<void>;
  readonly position: () => string;
  readonly now: () => string;
  readonly onDecision?: (decision: 'granted' | 'denied') => void;
  /** Told of a password while it is in memory, before the event that names its credential. */
  readonly onCredential?: (made: {
    username: string;
    credentialId: string;
    password: string;
  }) => void;
}

const defaultDurationMs = 300_000;
const defaultRequestsMax = 100;
/** Decisions of one bulk that run at once: they share a commit. */
const bulkAtOnceMax = 64;

export const actorOf = ({ caller }: By): Actor => ({ kind: 'user', name: caller.username });

/** @throws Refused `rights-exceed-own` when HTTP rights go beyond those of the caller. */
export function withinOwn({ caller }: By, wanted: readonly Permission[]): void {
  const beyond = beyondOwn(caller.permissions, wanted);
  if (beyond === undefined) return;
  throw new Refused('rights-exceed-own', {
    detail: `You cannot give rights that you do not have: ${beyond.operation} on ${beyond.resource}.`,
  });
}

/** @throws Refused `role-not-found`, which names the field */
export function existing(authority: Authority, roles: readonly string[]): void {
  const errors = roles.flatMap((role, at) =>
    authority.roleExists(role)
      ? []
      : [{ pointer: `#/roles/${at}`, detail: `There is no role ${role}.` }],
  );
  if (errors.length > 0)
    throw new Refused('role-not-found', { detail: errors.map((e) => e.detail).join(' '), errors });
}

export type Administration = ReturnType<typeof createAdministration>;

export function createAdministration(options: AdministrationOptions) {
  const { store, clients, authority, rows, vault, passwords, now } = options;
  const administrators = inTurn();

  const newestWindow = () => rows.window.get(registryId)?.windowId ?? null;

  async function change(
    by: By,
    username: string,
    command: ClientCommand | ((state: Client) => ClientCommand),
  ): Promise<Done> {
    const { decision, position } = await clients.change(username, command, by.cause);
    if (!decision.accepted) throw new Refused(decision.refusal);
    return { position: position ?? options.position() };
  }

  async function turn(by: By, command: WindowCommand): Promise<Done> {
    const { position } = await handle(store, window, registryId, command, by.cause);
    if (position !== null) await options.settled(position);
    return { position: position ?? options.position() };
  }

  const requestOf = (requestId: string): RequestRow => {
    const request = rows.requests.get(requestId);
    if (!request) throw new Refused('request-not-found');
    return request;
  };

  const knownUser = (username: string): ClientRow => {
    const row = rows.clients.get(username);
    if (!row) throw new Refused('user-not-found');
    return row;
  };

  /** What a client holds as it is recorded, not as it was read: rights may change in between. */
  const heldBy = (username: string, state: Client): readonly Permission[] =>
    state.status === 'active' || state.status === 'suspended'
      ? authority.effective(username, state.rights)
      : [];

  async function grantOne(by: By, requestId: string, grant: Grant, inBulk: boolean): Promise<Done> {
    const { username, kind } = requestOf(requestId);
    const { reason, confirmContested, ...rights } = grant;
    existing(authority, rights.roles ?? []);
    const done = await change(by, username, (state) => {
      const replaces = kind === 'replacement' && state.status === 'active';
      withinOwn(
        by,
        authority.effective(username, over(replaces ? state.rights : noRights, rights)),
      );
      return {
        type: 'GrantRegistration',
        username,
        requestId,
        rights,
        reason: reason ?? null,
        confirmContested: confirmContested ?? false,
        inBulk,
        holdsHttpRights: holdsHttpRights(heldBy(username, state)),
        at: now(),
        by: actorOf(by),
      };
    });
    options.onDecision?.('granted');
    return done;
  }

  async function denyOne(by: By, requestId: string, deny: Deny): Promise<Done> {
    const { username } = requestOf(requestId);
    const done = await change(by, username, {
      type: 'DenyRegistration',
      username,
      requestId,
      windowId: newestWindow(),
      reason: deny.reason ?? null,
      blockedUntil: deny.blockedUntil ?? null,
      at: now(),
      by: actorOf(by),
    });
    options.onDecision?.('denied');
    return done;
  }

  async function each(
    ids: readonly string[],
    decide: (requestId: string) => Promise<Done>,
  ): Promise<Results> {
    const results: Results['results'][number][] = [];
    let position = options.position();
    for (let at = 0; at < ids.length; at += bulkAtOnceMax)
      results.push(
        ...(await Promise.all(
          ids.slice(at, at + bulkAtOnceMax).map(async (requestId) => {
            try {
              const done = await decide(requestId);
              if (done.position > position) position = done.position;
              return { requestId };
            } catch (error) {
              return { requestId, error };
            }
          }),
        )),
      );
    return { position, results };
  }

  /** Keeps a verifier, and does away with it when what should name it was refused. */
  async function withCredential<T>(
    by: By,
    username: string,
    password: string,
    use: (credentialId: string) => Promise<T>,
  ): Promise<T> {
    const verifier = await passwords.verifierOf(username, password, sourceKey(by.source));
    const credentialId = await vault.keep({ kind: 'verifier', username, verifier });
    options.onCredential?.({ username, credentialId, password });
    try {
      const used = await use(credentialId);
      passwords.remember(username, credentialId, password);
      return used;
    } catch (error) {
      // Refused: nothing names it. Any other failure may have been recorded: the sweep decides later.
      if (error instanceof Refused && error.code !== 'position-not-reached')
        await vault.destroy(credentialId).catch(() => undefined);
      throw error;
    }
  }

  /** The last administrator without an end stays: checked one after the other, so that two cannot both go. */
  const keepingAnAdministrator = (username: string, staysSo: boolean, act: () => Promise<Done>) =>
    administrators(async () => {
      const lasting = [{ column: 'lastingAdministrator', is: 1 }];
      const row = knownUser(username);
      const isOne =
        row.status === 'active' && row.roles.includes(administrator) && row.expiresAt === null;
      if (isOne && !staysSo && rows.clients.count(lasting) <= 1)
        throw new Refused('last-administrator');
      return await act();
    });

  const at = (by: By, username: string, reason: string | null) => ({
    username,
    reason,
    at: now(),
    by: actorOf(by),
  });

  return {
    unlock: (by: By, unlock: Unlock): Promise<Done> => {
      const from = now();
      return turn(by, {
        type: 'UnlockRegistry',
        windowId: randomUUID(),
        until: new Date(Date.parse(from) + (unlock.durationMs ?? defaultDurationMs)).toISOString(),
        limits: {
          maxRequests: unlock.maxRequests ?? defaultRequestsMax,
          usernamePattern: unlock.usernamePattern ?? null,
          sources: unlock.sources ?? [],
          note: unlock.note ?? null,
        },
        at: from,
        by: actorOf(by),
      });
    },

    lock: (by: By): Promise<Done> => turn(by, { type: 'LockRegistry', at: now(), by: actorOf(by) }),

    grant: (by: By, requestId: string, grant: Grant) => grantOne(by, requestId, grant, false),
    deny: denyOne,
    grantAll: (by: By, ids: readonly string[], grant: Grant) =>
      each(ids, (requestId) => grantOne(by, requestId, grant, true)),
    denyAll: (by: By, ids: readonly string[], deny: Deny) =>
      each(ids, (requestId) => denyOne(by, requestId, deny)),

    async createUser(
      by: By,
      user: {
        username: string;
        password?: string | undefined;
        reason?: string | undefined;
      } & GivenRights,
    ): Promise<Done & { password: string | null }> {
      const { username, password, reason, ...given } = user;
      const rights = completed(given);
      existing(authority, rights.roles);
      withinOwn(by, authority.effective(username, rights));
      const secret = password ?? generateSecret();
      const done = await withCredential(by, username, secret, (credentialId) =>
        change(by, username, {
          type: 'CreateClient',
          credentialId,
          rights,
          ...at(by, username, reason ?? null),
        }),
      );
      return { ...done, password: password === undefined ? secret : null };
    },

    async setAuthorization(
      by: By,
      username: string,
      given: GivenRights,
      reason: string | null,
    ): Promise<Done> {
      knownUser(username);
      const rights = completed(given);
      existing(authority, rights.roles);
      const effective = authority.effective(username, rights);
      withinOwn(by, effective);
      const staysSo = rights.roles.includes(administrator) && rights.expiresAt === null;
      return await keepingAnAdministrator(username, staysSo, () =>
        change(by, username, {
          type: 'ChangeAuthorization',
          rights,
          windowId: newestWindow(),
          holdsHttpRights: holdsHttpRights(effective),
          ...at(by, username, reason),
        }),
      );
    },

    suspend: (by: By, username: string, reason: string | null): Promise<Done> =>
      keepingAnAdministrator(username, false, () =>
        change(by, username, {
          type: 'SuspendAccess',
          windowId: newestWindow(),
          ...at(by, username, reason),
        }),
      ),

    revoke: (by: By, username: string, reason: string | null): Promise<Done> =>
      keepingAnAdministrator(username, false, () =>
        change(by, username, {
          type: 'RevokeAccess',
          windowId: newestWindow(),
          ...at(by, username, reason),
        }),
      ),

    async resume(by: By, username: string, reason: string | null): Promise<Done> {
      knownUser(username);
      return await change(by, username, (state) => {
        // Access that was taken away is given anew: nobody gives more than they have.
        withinOwn(by, heldBy(username, state));
        return { type: 'ResumeAccess', ...at(by, username, reason) };
      });
    },

    async reinstate(by: By, username: string, reason: string | null): Promise<Done> {
      knownUser(username);
      return await change(by, username, { type: 'ReinstateAccess', ...at(by, username, reason) });
    },

    /** Forgets who a client was: its keys and verifiers are destroyed, and its history stays whole. */
    async erase(by: By, username: string, reason: string | null): Promise<Done> {
      const done = await keepingAnAdministrator(username, false, () =>
        change(by, username, {
          type: 'EraseClient',
          windowId: newestWindow(),
          ...at(by, username, reason),
        }),
      );
      for (const keyId of await erasedKeysOf(store, username)) await vault.destroy(keyId);
      return done;
    },

    async rotate(
      by: By,
      username: string,
      { password, reason }: { password?: string | undefined; reason?: string | undefined },
    ): Promise<Done & { password: string | null }> {
      const { status } = knownUser(username);
      if (status !== 'active') throw new Refused('user-not-active');
      const secret = password ?? generateSecret();
      const done = await withCredential(by, username, secret, (credentialId) =>
        change(by, username, (state) => {
          // Whoever sets a password can use it: that must not give rights that they lack.
          if (username !== by.caller.username) withinOwn(by, heldBy(username, state));
          return {
            type: 'RotateCredential',
            credentialId,
            windowId: newestWindow(),
            ...at(by, username, reason ?? null),
          };
        }),
      );
      return { ...done, password: password === undefined ? secret : null };
    },

    /** Ends the waiting of challengers whose names have come to hold HTTP rights by a role. */
    async endChallenges(by: By): Promise<void> {
      const waiting = { where: [{ column: 'status', is: 'pending' }], limit: 1_000 } as const;
      let cursor: string | undefined;
      do {
        const page = rows.requests.find({ ...waiting, cursor });
        for (const { username, kind } of page.items)
          if (kind === 'replacement' && authority.standing(username)?.holdsHttpRights)
            await change(by, username, {
              type: 'EndChallenge',
              username,
              windowId: newestWindow(),
              at: now(),
              by: actorOf(by),
            });
        cursor = page.nextCursor ?? undefined;
      } while (cursor !== undefined);
    },
  };
}

/**
 * The personal keys of everything up to the last erasure, also where that was cut off in the middle;
 * those of whoever asked under the name since then stay.
 */
async function erasedKeysOf(store: EventStore, username: string): Promise<ReadonlySet<string>> {
  const events = await store.read(`client-${username}`);
  const end = events.findLastIndex(({ type }) => type === 'ClientErased');
  return new Set(
    events
      .slice(0, end + 1)
      .flatMap(({ data }) => (typeof data.personalKeyId === 'string' ? [data.personalKeyId] : [])),
  );
}

/** As the decision has it: what is not said stays. */
const over = (held: Rights, given: GivenRights): Rights => ({
  ...held,
  ...Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)),
});

const completed = (given: GivenRights): Rights => ({
  roles: given.roles ?? [],
  permissions: given.permissions ?? [],
  mqttPublishPrefix: given.mqttPublishPrefix ?? null,
  mqttClientId: given.mqttClientId ?? null,
  expiresAt: given.expiresAt ?? null,
});
