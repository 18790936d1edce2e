/** What known users hold: changed, suspended, given back, taken away, forgotten. */
import type { GivenRights } from '../../domain/client.ts';
import { holdsHttpRights } from '../../domain/permission.ts';
import { noRights, over } from '../../domain/rights.ts';
import { administrator } from '../../domain/role.ts';
import type { ClientRow } from '../../projections/clients.ts';
import type { Authority } from '../authority.ts';
import type { Vault } from '../credentials/vault.ts';
import { inTurn } from '../in-turn.ts';
import type { Rows } from '../read-models/row-table.ts';
import { Refused } from '../refused.ts';
import type { EventStore } from '../store/event-store.ts';
import { type By, type Done, existing, withinOwn } from './by.ts';
import type { ClientChanges } from './client-changes.ts';

export interface UserAdministrationOptions {
  readonly store: EventStore;
  readonly authority: Authority;
  readonly vault: Vault;
  readonly rows: { readonly clients: Rows<ClientRow> };
}

export function createUserAdministration(
  { store, authority, vault, rows }: UserAdministrationOptions,
  { change, heldBy, known, newestWindow, said }: ClientChanges,
) {
  const administrators = inTurn();

  /** The last administrator without an end stays: checked one after the other, so that two cannot both go. */
  const keepingAnAdministrator = (username: string, staysSo: boolean, act: () => Promise<Done>) =>
    administrators(async () => {
      const lasting = [{ column: 'lastingAdministrator', is: 1 }];
      const row = known(username);
      const isOne =
        row.status === 'active' && row.roles.includes(administrator) && row.expiresAt === null;
      if (isOne && !staysSo && rows.clients.count(lasting) <= 1)
        throw new Refused('last-administrator');
      return await act();
    });

  const taking =
    (type: 'SuspendAccess' | 'RevokeAccess' | 'EraseClient') =>
    (by: By, username: string, reason: string | null): Promise<Done> =>
      keepingAnAdministrator(username, false, () =>
        change(by, username, { type, windowId: newestWindow(), ...said(by, username, reason) }),
      );
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
      const staysSo = rights.roles.includes(administrator) && rights.expiresAt === null;
      return await keepingAnAdministrator(username, staysSo, () =>
        change(by, username, {
          type: 'ChangeAuthorization',
          rights,
          windowId: newestWindow(),
          holdsHttpRights: holdsHttpRights(effective),
          ...said(by, username, reason),
        }),
      );
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
