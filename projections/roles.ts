/** The roles that people defined. The built-in ones stand in the domain. */

import type { Permission } from '../domain/permission.ts';
import { RoleEvent } from '../domain/role.ts';
import type { Projection } from './projection.ts';

export interface RoleRow {
  readonly name: string;
  readonly description: string | null;
  readonly permissions: readonly Permission[];
  readonly changedAt: string;
  /** Of its newest event. */
  readonly revision: number;
}

/** What of a role is looked back on. */
export type PastRole = Omit<RoleRow, 'revision'>;

export const roles: Projection<RoleRow, RoleEvent, PastRole> = {
  name: 'roles',
  version: 4,
  reads: ['role'],
  Event: RoleEvent,
  key: ({ data }) => data.name,
  evolve: (_row, { type, data }, { revision }) => {
    switch (type) {
      case 'RoleDefined':
        return {
          name: data.name,
          description: data.description,
          permissions: data.permissions,
          changedAt: data.at,
          revision,
        };
      case 'RoleRemoved':
        return undefined;
    }
  },
  columns: {},
  past: ({ revision: _, ...row }) => row,
};
