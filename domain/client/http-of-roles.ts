/**
 * What roles give of HTTP rights, whatever they come to give later: by a rule, or where several people decide, somebody
 * gets what was known when it was given (docs/decisions/0055). The built-in roles never change, so they count as they are.
 */
import { type RolePermissions, withinHttpLimit } from '../matching.ts';
import type { Permission } from '../permission.ts';
import { builtInRoles } from '../role.ts';

/** The HTTP permissions that roles give now, as they stand there. */
export const httpOfRolesNow = (
  roles: readonly string[],
  permissionsOf: RolePermissions,
): Permission[] =>
  roles
    .filter((role) => !builtInRoles.has(role))
    .flatMap(permissionsOf)
    .filter(({ context }) => context === 'http');

/** What roles give to a client: of HTTP no more than a limit; undefined: as much as they come to have. */
export const rolesGiving = (
  permissionsOf: RolePermissions,
  httpOfRoles: readonly Permission[] | undefined,
): RolePermissions =>
  httpOfRoles === undefined
    ? permissionsOf
    : (role) =>
        builtInRoles.has(role)
          ? permissionsOf(role)
          : withinHttpLimit(httpOfRoles, permissionsOf(role));
