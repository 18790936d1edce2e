/** The last administrator without an end stays, however many are taken away at once. */
import type { ClientCommand } from '../../domain/client/commands.ts';
import { administrator } from '../../domain/role.ts';
import type { ClientRow } from '../../projections/clients.ts';
import type { Done } from '../commands/record.ts';
import { Refused } from '../commands/refused.ts';
import { inTurn } from '../platform/serial.ts';
import type { Rows } from '../read-models/row-table.ts';
import type { ClientChanges } from './client-changes.ts';
import type { By } from './context.ts';

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
  { change, known }: Pick<ClientChanges, 'change' | 'known'>,
): (by: By, username: string, command: ClientCommand) => Promise<Done> {
  const administrators = inTurn();

  /** One after the other, so that two cannot both go. */
  const takingOneAway = (by: By, username: string, command: ClientCommand) =>
    administrators(async () => {
      const all = clients.count([{ column: 'lastingAdministrator', is: 1 }]);
      const others = all - (isLasting(known(username)) ? 1 : 0);
      if (others < 1) throw new Refused('last-administrator');
      return await change(by, username, command);
    });

  return async (by, username, command) => {
    if (isLasting(known(username))) return await takingOneAway(by, username, command);
    try {
      return await change(by, username, (state) => {
        // As it is recorded, not as it was read: it may have become one in between.
        if (state.status === 'active' && isLasting({ ...state.rights, status: state.status }))
          throw new BecameAdministrator();
        return command;
      });
    } catch (error) {
      if (error instanceof BecameAdministrator) return await takingOneAway(by, username, command);
      throw error;
    }
  };
}
