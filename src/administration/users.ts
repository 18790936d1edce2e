/** What known users hold: changed, suspended, given back, taken away, forgotten. */
import type { GivenRights, Rights } from '../../domain/client/client.ts';
import type { Client } from '../../domain/client/state.ts';
import { holdsHttpRights } from '../../domain/matching.ts';
import { mergeRights, noRights } from '../../domain/rights.ts';
import type { Authority } from '../authority.ts';
import type { Done } from '../commands/record.ts';
import type { Vault } from '../credentials/vault.ts';
import { addMs } from '../platform/instant.ts';
import type { EventStore } from '../store/event-store.ts';
import type { ClientChanges } from './client-changes.ts';
import { type CommandContext, requireOwnRights, requireRoles } from './context.ts';

export interface UserAdministrationOptions {
  readonly store: EventStore;
  readonly authority: Authority;
  readonly vault: Vault;
}

export function createUserAdministration(
  { store, authority, vault }: UserAdministrationOptions,
  changes: ClientChanges,
) {
  const { change, httpOfRoles, requireUser, newestWindow, stamp } = changes;

  const taking =
    (type: 'SuspendAccess' | 'RevokeAccess' | 'EraseClient') =>
    async (context: CommandContext, username: string, reason: string | null): Promise<Done> => {
      requireUser(username);
      const windowId = newestWindow();
      return await change(context, username, () => ({
        ...{ type, windowId, ...stamp(context, username, reason) },
      }));
    };
  const eraseClient = taking('EraseClient');

  return {
    async setAuthorization(
      context: CommandContext,
      username: string,
      given: GivenRights,
      reason: string | null,
    ): Promise<Done> {
      requireUser(username);
      const rights = mergeRights(noRights, given);
      requireRoles(authority, rights.roles);
      requireOwnRights(context, authority.effective(username, rights));
      return await change(context, username, () => {
        // Again: a role may have been widened since, or the caller's own rights narrowed.
        const effective = authority.effective(username, rights);
        requireOwnRights(context, effective);
        return {
          type: 'ChangeAuthorization',
          rights,
          httpOfRoles: httpOfRoles(rights.roles),
          windowId: newestWindow(),
          holdsHttpRights: holdsHttpRights(effective),
          ...stamp(context, username, reason),
        };
      });
    },

    suspend: taking('SuspendAccess'),
    revoke: taking('RevokeAccess'),

    ...restoring(changes),
    ...renewing(changes),

    /** Forgets who a client was: its keys and verifiers are destroyed, and its history stays whole. */
    async erase(context: CommandContext, username: string, reason: string | null): Promise<Done> {
      const done = await eraseClient(context, username, reason);
      for (const keyId of await erasedKeysOf(store, username)) await vault.destroy(keyId);
      return done;
    },
  };
}

/**
 * What a client holds with another end: a renewal changes nothing else.
 * @param expiresAt null: without an end; undefined: as long again as it was given for, where it has an end
 */
export function renewedRights(state: Client, expiresAt: string | null | undefined): Rights {
  if (state.status !== 'active' && state.status !== 'suspended') return noRights;
  const { rights, endSetAt } = state;
  if (expiresAt !== undefined) return { ...rights, expiresAt };
  if (rights.expiresAt === null) return rights;
  const givenForMs = Date.parse(rights.expiresAt) - Date.parse(endSetAt);
  return { ...rights, expiresAt: addMs(rights.expiresAt, Math.max(0, givenForMs)) };
}

/** A renewal gives time, and nothing that its roles came to have since. */
const heldLimit = (state: Client) =>
  state.status === 'active' || state.status === 'suspended' ? (state.httpOfRoles ?? null) : null;

function renewing({ change, heldBy, requireUser, newestWindow, stamp }: ClientChanges) {
  return {
    /** Another end, and all else as it is; undefined: as long again as the one before was given for. */
    async renew(
      context: CommandContext,
      username: string,
      expiresAt: string | null | undefined,
      reason: string | null,
    ): Promise<Done> {
      requireUser(username);
      return await change(context, username, (state) => {
        const effective = heldBy(username, state);
        // Time is given with the rights that it is given for.
        requireOwnRights(context, effective);
        const rights = renewedRights(state, expiresAt);
        return {
          ...{ type: 'ChangeAuthorization', rights, windowId: newestWindow() },
          holdsHttpRights: holdsHttpRights(effective),
          httpOfRoles: heldLimit(state),
          ...stamp(context, username, reason),
        };
      });
    },
  };
}

/** Access that is given back, by itself or by letting the name ask again. */
function restoring({ change, heldBy, requireUser, stamp }: ClientChanges) {
  return {
    async resume(context: CommandContext, username: string, reason: string | null): Promise<Done> {
      requireUser(username);
      return await change(context, username, (state) => {
        // Access that was taken away is given anew: nobody gives more than they have.
        requireOwnRights(context, heldBy(username, state));
        return { type: 'ResumeAccess', ...stamp(context, username, reason) };
      });
    },

    async reinstate(
      context: CommandContext,
      username: string,
      reason: string | null,
    ): Promise<Done> {
      requireUser(username);
      return await change(context, username, {
        type: 'ReinstateAccess',
        ...stamp(context, username, reason),
      });
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
