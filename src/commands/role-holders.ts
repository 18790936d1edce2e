/** How many clients hold a role, and how many rules would give it. */
import { type ClientRow, roleLabel } from '../../projections/clients.ts';
import type { PreauthorizationRow } from '../../projections/preauthorizations.ts';
import type { Rows } from '../read-models/row-table.ts';

interface RoleHolderRows {
  readonly clients: Pick<Rows<ClientRow>, 'counts'>;
  readonly preauthorizations: Pick<Rows<PreauthorizationRow>, 'counts'>;
}

export const clientsWithRole = ({ clients }: Pick<RoleHolderRows, 'clients'>, role: string) =>
  clients.counts.get(roleLabel(role)) ?? 0;

/** All that keeps a role from being removed. */
export const roleHolders = (rows: RoleHolderRows, role: string): number =>
  clientsWithRole(rows, role) + (rows.preauthorizations.counts.get(roleLabel(role)) ?? 0);
