/** What known users hold: changed, suspended, given back, taken away, forgotten. */
import type { GivenRights } from '../../domain/client/client.ts';
import { holdsHttpRights } from '../../domain/permission.ts';
import { noRights, over } from '../../domain/rights.ts';
import type { ClientRow } from '../../projections/clients.ts';
import type { Authority } from '../authority.ts';
import type { Done } from '../commands/record.ts';
import type { Vault } from '../credentials/vault.ts';
import type { Rows } from '../read-models/row-table.ts';
import type { EventStore } from '../store/event-store.ts';
import type { ClientChanges } from './client-changes.ts';
import { type By, existing, withinOwn } from './context.ts';
import { isLasting, keepingAnAdministrator } from './last-administrator.ts';

export interface UserAdministrationOptions {
  readonly store: EventStore;
  readonly authority: Authority;
  readonly vault: Vault;
  readonly rows: { readonly clients: Rows<ClientRow> };
}

export function createUserAdministration(
  { store, authority, vault, rows }: UserAdministrationOptions,
  changes: ClientChanges,
) {
  const { change, heldBy, known, newestWindow, said } = changes;
  const changeKeepingOne = keepingAnAdministrator(rows.clients, changes);

  const taking =
    (type: 'SuspendAccess' | 'RevokeAccess' | 'EraseClient') =>
    async (by: By, username: string, reason: string | null): Promise<Done> => {
      known(username);
      const windowId = newestWindow();
      return await changeKeepingOne(by, username, {
        ...{ type, windowId, ...said(by, username, reason) },
      });
    };
  const eraseClient = taking('EraseClient');

  return {
    async setAuthorization(
      by: By,
      username: string,
      given: GivenRights,
      reason: string | null,
    ): Promise<Done> {
      known(username);
      const rights = over(noRights, given);
      existing(authority, rights.roles);
      const effective = authority.effective(username, rights);
      withinOwn(by, effective);
      const command = {
        type: 'ChangeAuthorization' as const,
        rights,
        windowId: newestWindow(),
        holdsHttpRights: holdsHttpRights(effective),
        ...said(by, username, reason),
      };
      return isLasting({ ...rights, status: 'active' })
        ? await change(by, username, command)
        : await changeKeepingOne(by, username, command);
    },

    suspend: taking('SuspendAccess'),
    revoke: taking('RevokeAccess'),

    async resume(by: By, username: string, reason: string | null): Promise<Done> {
      known(username);
      return await change(by, username, (state) => {
        // Access that was taken away is given anew: nobody gives more than they have.
        withinOwn(by, heldBy(username, state));
        return { type: 'ResumeAccess', ...said(by, username, reason) };
      });
    },

    async reinstate(by: By, username: string, reason: string | null): Promise<Done> {
      known(username);
      return await change(by, username, { type: 'ReinstateAccess', ...said(by, username, reason) });
    },

    /** Forgets who a client was: its keys and verifiers are destroyed, and its history stays whole. */
    async erase(by: By, username: string, reason: string | null): Promise<Done> {
      const done = await eraseClient(by, username, reason);
      for (const keyId of await erasedKeysOf(store, username)) await vault.destroy(keyId);
      return done;
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
