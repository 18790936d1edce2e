/** What an import makes, against what is there: a pure comparison. */
import type { Permission } from '../../../domain/permission.ts';
import {
  distinct,
  type MovingClient,
  type MovingIn,
  type MovingRole,
  type Remark,
} from './found.ts';

const rolesPerClientMax = 32;
const permissionsMax = 256;

/** What the registry has. */
export interface PresentThere {
  readonly roles: ReadonlyMap<string, readonly Permission[]>;
  /** By name, the state. */
  readonly clients: ReadonlyMap<string, string>;
  /** Roles and clients that wait for several people, as an import before proposed them. */
  readonly waiting: { readonly roles: ReadonlySet<string>; readonly clients: ReadonlySet<string> };
}

interface LeftAlone {
  readonly kind: 'role' | 'client';
  readonly name: string;
  readonly because: string;
}

export interface MovePlan {
  readonly roles: readonly MovingRole[];
  readonly clients: readonly MovingClient[];
  readonly leftAlone: readonly LeftAlone[];
  readonly remarks: readonly Remark[];
  readonly unchangedRoleCount: number;
}

const textOf = (permissions: readonly Permission[]): string =>
  permissions
    .map(({ context, operation, resource }) => `${context}:${operation}:${resource}`)
    .sort()
    .join('\n');

/** Roles that come as what they give, since another role has the name here or there would be too many. */
function dissolving(roles: readonly MovingRole[], present: PresentThere, remarks: Remark[]) {
  const dissolved = new Map<string, readonly Permission[]>();
  const kept: MovingRole[] = [];
  let unchangedRoleCount = 0;
  for (const role of roles) {
    const there = present.roles.get(role.name);
    if (role.permissions.length > permissionsMax) {
      remarks.push({
        place: role.place,
        text: `role ${role.name}: left out, it has more than ${permissionsMax} permissions`,
      });
      dissolved.set(role.name, []);
    } else if (there === undefined) kept.push(role);
    else if (textOf(there) === textOf(distinct(role.permissions))) unchangedRoleCount += 1;
    else {
      remarks.push({
        place: role.place,
        text: `role ${role.name}: there is another of that name here; its clients get its permissions as their own`,
      });
      dissolved.set(role.name, role.permissions);
    }
  }
  return { dissolved, kept, unchangedRoleCount };
}

function withoutDissolved(
  client: MovingClient,
  dissolved: ReadonlyMap<string, readonly Permission[]>,
): MovingClient {
  const own = client.roles.flatMap((role) => dissolved.get(role) ?? []);
  return {
    ...client,
    roles: client.roles.filter((role) => !dissolved.has(role)),
    permissions: distinct([...client.permissions, ...own]),
  };
}

export function movePlan(found: MovingIn, present: PresentThere): MovePlan {
  const remarks = [...found.remarks];
  const { dissolved, kept, unchangedRoleCount } = dissolving(found.roles, present, remarks);
  const leftAlone: LeftAlone[] = [];
  const { waiting } = present;
  const roles = kept.filter(({ name }) => {
    if (waiting.roles.has(name))
      leftAlone.push({ kind: 'role', name, because: 'it waits for approval' });
    return !waiting.roles.has(name);
  });
  const clients = found.clients.flatMap((one): MovingClient[] => {
    const client = withoutDissolved(one, dissolved);
    const { username } = client;
    const state = present.clients.get(username);
    const awaited = client.roles.find((role) => waiting.roles.has(role));
    const because =
      state !== undefined
        ? `it is here already (${state})`
        : waiting.clients.has(username)
          ? 'it waits for approval'
          : awaited !== undefined
            ? `its role ${awaited} waits for approval: import again then`
            : client.roles.length > rolesPerClientMax
              ? `it has more than ${rolesPerClientMax} roles`
              : client.permissions.length > permissionsMax
                ? `it has more than ${permissionsMax} permissions of its own`
                : null;
    if (because === null) return [client];
    leftAlone.push({ kind: 'client', name: username, because });
    return [];
  });
  return { roles, clients, leftAlone, remarks, unchangedRoleCount };
}
