/** What files from elsewhere say, in words of this registry: roles, clients, and what could not be said. */
import type { Permission } from '../../../domain/permission.ts';

/** Something of a file that does not come along, or not as it was; `place`: `FILE:LINE`, or where no line tells more. */
export interface Remark {
  readonly place: string;
  readonly text: string;
}

/** How the password of a client comes along. */
export type MovingPassword =
  /** What it was checked with there, as a PHC string. */
  | { readonly kind: 'verifier'; readonly verifier: string }
  | { readonly kind: 'plain'; readonly password: string }
  | { readonly kind: 'none'; readonly because: string };

export interface MovingRole {
  readonly name: string;
  readonly permissions: readonly Permission[];
  /** Where it stands. */
  readonly place: string;
}

export interface MovingClient {
  readonly username: string;
  readonly roles: readonly string[];
  readonly permissions: readonly Permission[];
  readonly mqttClientId: string | null;
  readonly mqttPublishPrefix: string | null;
  /** Null: this file has none, another may. */
  readonly password: MovingPassword | null;
  readonly place: string;
}

/** What all files say. */
export interface MovingIn {
  readonly roles: readonly MovingRole[];
  readonly clients: readonly MovingClient[];
  readonly remarks: readonly Remark[];
}

/** What one file says. */
export interface SaidByFile extends MovingIn {
  /** What the file gives to every client of the import. */
  readonly forAll: readonly Permission[];
}

/** What every client of the import has, by the `pattern` lines of an acl file. */
const roleForAll = 'acl-patterns';

/** A client with nothing but its name. */
export const named = (username: string, place: string): MovingClient => ({
  ...{ username, place, roles: [], permissions: [], password: null },
  ...{ mqttClientId: null, mqttPublishPrefix: null },
});

const keyOf = ({ context, operation, resource }: Permission) =>
  `${context}:${operation}:${resource}`;

/** Each once. */
export const distinct = (permissions: readonly Permission[]): Permission[] => [
  ...new Map(permissions.map((one) => [keyOf(one), one])).values(),
];

function merged(one: MovingClient, other: MovingClient, remarks: Remark[]): MovingClient {
  const pins = [one.mqttClientId, other.mqttClientId].filter((pin) => pin !== null);
  if (one.password !== null && other.password !== null)
    remarks.push({
      place: other.place,
      text: `${other.username} has a password in ${one.place} already, which counts`,
    });
  return {
    ...one,
    roles: [...new Set([...one.roles, ...other.roles])],
    permissions: distinct([...one.permissions, ...other.permissions]),
    mqttClientId: pins[0] ?? null,
    mqttPublishPrefix: one.mqttPublishPrefix ?? other.mqttPublishPrefix,
    password: one.password ?? other.password,
  };
}

/** What all files say together: a client may have its password in one and its rights in another. */
export function together(files: readonly SaidByFile[]): MovingIn {
  const remarks = files.flatMap((file) => file.remarks);
  const roles = new Map<string, MovingRole>();
  const clients = new Map<string, MovingClient>();
  for (const role of files.flatMap((file) => file.roles)) {
    const known = roles.get(role.name);
    if (known !== undefined)
      remarks.push({
        place: role.place,
        text: `role ${role.name} stands twice: ${known.place} counts`,
      });
    else roles.set(role.name, role);
  }
  for (const client of files.flatMap((file) => file.clients)) {
    const known = clients.get(client.username);
    clients.set(client.username, known === undefined ? client : merged(known, client, remarks));
  }
  const forAll = distinct(files.flatMap((file) => file.forAll));
  const [first] = files.filter((file) => file.forAll.length > 0);
  if (first !== undefined && !roles.has(roleForAll))
    roles.set(roleForAll, { name: roleForAll, permissions: forAll, place: 'pattern lines' });
  const all = [...clients.values()].map((client) =>
    first === undefined ? client : { ...client, roles: [...client.roles, roleForAll] },
  );
  return { roles: [...roles.values()], clients: all, remarks };
}
