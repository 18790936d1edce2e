/** Roles, built in and defined, with how many hold each. */
import { builtInRoles } from '../../domain/role.ts';
import type { ClientRow } from '../../projections/clients.ts';
import type { RoleRow } from '../../projections/roles.ts';
import { clientsWithRole } from '../commands/role-holders.ts';
import { everyRow } from '../read-models/every-row.ts';
import type { Rows } from '../read-models/row-table.ts';
import { type Paging, paged } from './paging.ts';

export interface RoleViewOptions {
  readonly rows: { readonly roles: Rows<RoleRow>; readonly clients: Rows<ClientRow> };
}

export function createRoleViews({ rows }: RoleViewOptions) {
  const definedRole = (row: RoleRow) => ({
    name: row.name,
    description: row.description,
    permissions: [...row.permissions],
    builtIn: false,
    userCount: clientsWithRole(rows, row.name),
    changedAt: row.changedAt,
  });

  const builtInRole = (name: string) => {
    const found = builtInRoles.get(name);
    return (
      found && {
        name,
        description: found.description,
        permissions: [...found.permissions],
        builtIn: true,
        userCount: clientsWithRole(rows, name),
        changedAt: null,
      }
    );
  };

  function role(name: string) {
    const row = rows.roles.get(name);
    return row ? definedRole(row) : builtInRole(name);
  }

  return {
    role,

    /** The newest first; the built-in ones, which are older than everything, last. */
    roles(query: Paging) {
      const defined = [...everyRow(rows.roles)].map(({ name }) => name);
      const page = paged('roles', [...defined, ...builtInRoles.keys()], (name) => name, query);
      return {
        items: page.items.flatMap((name) => role(name) ?? []),
        nextCursor: page.nextCursor,
      };
    },
  };
}
