/** The roles that people defined. The built-in ones stand in the domain. */

import type { Permission } from '../domain/permission.ts';
import { RoleEvent } from '../domain/role.ts';
import type { Projection } from './projection.ts';

export interface RoleRow {
  readonly name: string;
  readonly description: string | null;
  readonly permissions: readonly Permission[];
  readonly changedAt: string;
}

export const roles: Projection<RoleRow, RoleEvent, RoleRow> = {
  name: 'roles',
  version: 3,
  reads: ['role'],
  Event: RoleEvent,
  key: ({ data }) => data.name,
  evolve: (_row, { type, data }) => {
    switch (type) {
      case 'RoleDefined':
        return {
          name: data.name,
          description: data.description,
          permissions: data.permissions,
          changedAt: data.at,
        };
      case 'RoleRemoved':
        return undefined;
    }
  },
  columns: {},
  past: (row) => row,
};
