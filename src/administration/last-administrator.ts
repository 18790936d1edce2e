/** The last administrator without an end stays, however many are taken away at once. */
import type { ClientCommand } from '../../domain/client/commands.ts';
import { administrator } from '../../domain/role.ts';
import type { ClientRow } from '../../projections/clients.ts';
import type { Done } from '../commands/record.ts';
import { Refused } from '../commands/refused.ts';
import { serial } from '../platform/serial.ts';
import type { Rows } from '../read-models/row-table.ts';
import type { ClientChanges } from './client-changes.ts';
import type { CommandContext } from './context.ts';

class BecameAdministrator extends Error {
  override name = 'BecameAdministrator';
}

/** Whether it is an administrator without an end. */
export const isLasting = ({
  status,
  roles,
  expiresAt,
}: Pick<ClientRow, 'status' | 'roles' | 'expiresAt'>): boolean =>
  status === 'active' && roles.includes(administrator) && expiresAt === null;

/**
 * Makes changes that take an administrator away where it is one. Everybody else is changed at once, and
 * many at a time. They throw Refused `user-not-found` and `last-administrator`.
 */
export function keepingAnAdministrator(
  clients: Rows<ClientRow>,
  { change, requireUser: known }: Pick<ClientChanges, 'change' | 'requireUser'>,
): (context: CommandContext, username: string, command: () => ClientCommand) => Promise<Done> {
  const administrators = serial();

  /** One after the other, so that two cannot both go. */
  const takingOneAway = (context: CommandContext, username: string, command: () => ClientCommand) =>
    administrators(async () => {
      const all = clients.count([{ column: 'lastingAdministrator', is: 1 }]);
      const others = all - (isLasting(known(username)) ? 1 : 0);
      if (others < 1) throw new Refused('last-administrator');
      return await change(context, username, command);
    });

  return async (context, username, command) => {
    if (isLasting(known(username))) return await takingOneAway(context, username, command);
    try {
      return await change(context, username, (state) => {
        // As it is recorded, not as it was read: it may have become one in between.
        if (state.status === 'active' && isLasting({ ...state.rights, status: state.status }))
          throw new BecameAdministrator();
        return command();
      });
    } catch (error) {
      if (error instanceof BecameAdministrator)
        return await takingOneAway(context, username, command);
      throw error;
    }
  };
}
