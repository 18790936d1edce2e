/** How many clients hold a role. */
import { type ClientRow, roleLabel } from '../../projections/clients.ts';
import type { Rows } from '../read-models/row-table.ts';

export const roleHolders = (clients: Pick<Rows<ClientRow>, 'counts'>, role: string): number =>
  clients.counts.get(roleLabel(role)) ?? 0;
