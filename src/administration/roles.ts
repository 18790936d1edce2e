/** Roles defined and removed, and what follows for those who hold them. */
import { holdsHttpRights, type Permission } from '../../domain/permission.ts';
import { role } from '../../domain/role.ts';
import type { ClientRow } from '../../projections/clients.ts';
import type { RequestRow } from '../../projections/requests.ts';
import type { Authority } from '../authority.ts';
import { type Done, type RecordingOptions, record } from '../commands/record.ts';
import { inTurn } from '../platform/serial.ts';
import { everyRow } from '../read-models/every-row.ts';
import type { Rows } from '../read-models/row-table.ts';
import type { ClientChanges } from './client-changes.ts';
import { actorOf, type By, withinOwn } from './context.ts';

export interface RoleAdministrationOptions extends RecordingOptions {
  readonly authority: Authority;
  readonly rows: { readonly clients: Rows<ClientRow>; readonly requests: Rows<RequestRow> };
  readonly now: () => string;
}

export function createRoleAdministration(
  options: RoleAdministrationOptions,
  { change, newestWindow }: ClientChanges,
) {
  const { authority, rows, now } = options;
  const roleChanges = inTurn();

  /** Ends the waiting of challengers whose names have come to hold HTTP rights by a role. */
  async function endChallenges(by: By): Promise<void> {
    const waiting = { where: [{ column: 'status', is: 'pending' }] };
    for (const { username, kind } of everyRow(rows.requests, waiting))
      if (kind === 'replacement' && authority.standing(username)?.holdsHttpRights)
        await change(by, username, {
          type: 'EndChallenge',
          username,
          windowId: newestWindow(),
          at: now(),
          by: actorOf(by),
        });
  }

  return {
    putRole: (
      by: By,
      name: string,
      wanted: { permissions: Permission[]; description?: string | undefined },
    ): Promise<Done & { created: boolean }> =>
      roleChanges(async () => {
        withinOwn(by, wanted.permissions);
        const created = !authority.roleExists(name);
        const done = await record(
          options,
          role,
          name,
          {
            type: 'DefineRole',
            name,
            permissions: wanted.permissions,
            description: wanted.description ?? null,
            at: now(),
            by: actorOf(by),
          },
          by.cause,
        );
        if (holdsHttpRights(wanted.permissions)) await endChallenges(by);
        return { ...done, created };
      }),

    removeRole: (by: By, name: string): Promise<Done> =>
      roleChanges(async () => {
        const holders = rows.clients.count([{ column: 'roles', includes: ` ${name} ` }]);
        return await record(
          options,
          role,
          name,
          { type: 'RemoveRole', name, holders, at: now(), by: actorOf(by) },
          by.cause,
        );
      }),
  };
}
