/** Roles defined and removed, and what follows for those who hold them. */
import { holdsHttpRights } from '../../domain/matching.ts';
import type { Permission } from '../../domain/permission.ts';
import { role } from '../../domain/role.ts';
import type { ClientRow } from '../../projections/clients.ts';
import type { PreauthorizationRow } from '../../projections/preauthorizations.ts';
import type { RequestRow } from '../../projections/requests.ts';
import type { Authority } from '../authority.ts';
import { type Done, type RecordingOptions, record } from '../commands/record.ts';
import { roleHolders } from '../commands/role-holders.ts';
import { serial } from '../platform/serial.ts';
import { everyRow } from '../read-models/every-row.ts';
import type { Rows } from '../read-models/row-table.ts';
import type { ClientChanges } from './client-changes.ts';
import { actorOf, type CommandContext, decidedAlready, requireOwnRights } from './context.ts';

export interface RoleAdministrationOptions extends RecordingOptions {
  readonly authority: Authority;
  readonly rows: {
    readonly clients: Rows<ClientRow>;
    readonly requests: Rows<RequestRow>;
    readonly preauthorizations: Rows<PreauthorizationRow>;
  };
  readonly now: () => string;
}

export function createRoleAdministration(
  options: RoleAdministrationOptions,
  { change, newestWindow }: ClientChanges,
) {
  const { authority, rows, now } = options;
  const roleChanges = serial();

  /** Ends the waiting of challengers whose names have come to hold HTTP rights by a role. */
  async function endChallenges(context: CommandContext): Promise<void> {
    const waiting = { where: [{ column: 'status', is: 'pending' }] };
    for (const { username, kind } of everyRow(rows.requests, waiting))
      if (kind === 'replacement' && authority.principal(username)?.holdsHttpRights)
        await change(context, username, {
          type: 'EndChallenge',
          username,
          windowId: newestWindow(),
          at: now(),
          by: actorOf(context),
        });
  }

  return {
    putRole: (
      context: CommandContext,
      name: string,
      wanted: { permissions: Permission[]; description?: string | undefined },
    ): Promise<Done & { created: boolean }> =>
      roleChanges(async () => {
        const caller = context.authorize();
        const atHand = () => options.atHand.role(name);
        const created = !authority.roleExists(name);
        const define = () => {
          requireOwnRights(context, wanted.permissions);
          return {
            type: 'DefineRole' as const,
            name,
            permissions: wanted.permissions,
            description: wanted.description ?? null,
            at: now(),
            by: actorOf(context),
          };
        };
        const done = await record(options, role, name, define, context.cause, atHand);
        if (holdsHttpRights(wanted.permissions))
          await endChallenges(decidedAlready(context, caller));
        return { ...done, created };
      }),

    removeRole: (context: CommandContext, name: string): Promise<Done> =>
      roleChanges(async () => {
        const remove = () => {
          context.authorize();
          const holders = roleHolders(rows, name);
          return { type: 'RemoveRole' as const, name, holders, at: now(), by: actorOf(context) };
        };
        const atHand = () => options.atHand.role(name);
        return await record(options, role, name, remove, context.cause, atHand);
      }),
  };
}
