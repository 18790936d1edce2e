/** What a permission allows: wildcards, templates, and which right contains which. Runs in the page as well. */
import type { Operation, Permission } from './permission.ts';

/** The names that roles are looked up by, and what they contain. */
export type RolePermissions = (role: string) => readonly Permission[];

/** Reads `${username}` and `${clientId}`; a value that would change the resource's meaning fills nothing. */
const fillable = (value: string | null): value is string =>
  value !== null && value !== '' && !/[/+#]/.test(value) && !value.startsWith('$');

const templates = { username: `\${username}`, clientId: `\${clientId}` } as const;

/** As it stands: in a replacement text `$` would have a meaning of its own. */
const filledWith = (text: string, template: string, value: string | null): string | null => {
  if (!text.includes(template)) return text;
  return fillable(value) ? text.replaceAll(template, () => value) : null;
};

function filled(resource: string, { username, mqttClientId }: ClientNames): string | null {
  const named = filledWith(resource, templates.username, username);
  const text = named && filledWith(named, templates.clientId, mqttClientId);
  return text !== null && text.length <= 512 ? text : null;
}

interface ClientNames {
  readonly username: string;
  readonly mqttClientId: string | null;
}

interface RightsAsGiven {
  readonly roles: readonly string[];
  readonly permissions: readonly Permission[];
}

/** What a client may do: own permissions and those of its roles, templates filled in, each once. */
export const effectivePermissions = (
  client: ClientNames & RightsAsGiven,
  permissionsOf: RolePermissions,
): Permission[] => filledPermissions(client, givenPermissions(client, permissionsOf));

/** Own permissions and those of its roles, templates as they stand: many clients have the same. */
export const givenPermissions = (
  { permissions, roles }: RightsAsGiven,
  permissionsOf: RolePermissions,
): Permission[] => [...permissions, ...roles.flatMap(permissionsOf)];

/**
 * Templates filled in for a client, each permission once. `${clientId}` is the client id that the grant pins; without one
 * its permission allows nothing.
 */
export function filledPermissions(names: ClientNames, given: readonly Permission[]): Permission[] {
  const found = new Map<string, Permission>();
  for (const permission of given) {
    const resource = filled(permission.resource, names);
    if (resource === null) continue;
    const one = { ...permission, resource };
    // Of one alone there is no other to be told apart from.
    if (given.length === 1) return [one];
    found.set(`${one.context} ${one.operation} ${resource}`, one);
  }
  return [...found.values()];
}

/**
 * Whether `filter` matches everything that `wanted` can match. `wanted` is a filter or a plain topic.
 * Wildcards at the first level do not match `$` topics [MQTT-4.7.2-1].
 */
export function covers(filter: readonly string[], wanted: readonly string[]): boolean {
  if (wanted[0]?.startsWith('$') && (filter[0] === '#' || filter[0] === '+')) return false;
  for (let at = 0; ; at++) {
    const level = filter[at];
    // `a/#` matches `a` too: the parent level [MQTT-4.7.1-2].
    if (level === '#') return true;
    const next = wanted[at];
    if (next === undefined) return level === undefined;
    if (level === undefined) return false;
    // `#` alone asks for at least one level, which is just what `+/#` matches.
    if (next === '#') return at === 0 && level === '+' && filter[1] === '#';
    if (level !== '+' && level !== next) return false;
  }
}

/** Whether there is a topic that both filters match. */
export function mayMeet(one: readonly string[], other: readonly string[]): boolean {
  for (let at = 0; ; at++) {
    const [a, b] = [one[at], other[at]];
    if (a === '#' || b === '#') return true;
    if (a === undefined || b === undefined) return a === b;
    if (a !== b && a !== '+' && b !== '+') return false;
  }
}

export const levelsOf = (resource: string): string[] => resource.split('/');

/** Permissions made ready to be asked often: per context and operation, split into levels. */
export interface CompiledPermissions {
  readonly mqttRead: readonly (readonly string[])[];
  readonly mqttWrite: readonly (readonly string[])[];
  readonly httpRead: readonly (readonly string[])[];
  readonly httpWrite: readonly (readonly string[])[];
}

export function compiled(permissions: readonly Permission[]): CompiledPermissions {
  const mqttRead: string[][] = [];
  const mqttWrite: string[][] = [];
  const httpRead: string[][] = [];
  const httpWrite: string[][] = [];
  for (const { context, operation, resource } of permissions) {
    const levels = levelsOf(resource);
    if (operation !== 'write') (context === 'mqtt' ? mqttRead : httpRead).push(levels);
    if (operation !== 'read') (context === 'mqtt' ? mqttWrite : httpWrite).push(levels);
  }
  return { mqttRead, mqttWrite, httpRead, httpWrite };
}

/** What the registry publishes is here and below; nobody else publishes there, whatever their permissions are. */
export const registryRoot = 'gatebook/registry';
export const registryTopics = `${registryRoot}/#`;
const registryLevels = levelsOf(registryTopics);

/** Whether nobody but the registry publishes to `topic`. */
export const isRegistryTopic = (topic: string): boolean => covers(registryLevels, levelsOf(topic));

/** Whether a message may be published to `topic`, which stands with its publish prefix. */
export const mayPublish = ({ mqttWrite }: CompiledPermissions, topic: string): boolean => {
  const levels = levelsOf(topic);
  return !covers(registryLevels, levels) && mqttWrite.some((filter) => covers(filter, levels));
};

/**
 * Whether a client may subscribe to `filter`, or be sent a message of that topic: one permission must
 * cover everything that the filter can match.
 */
export const mayRead = ({ mqttRead }: CompiledPermissions, filter: string): boolean => {
  const levels = levelsOf(filter);
  return mqttRead.some((allowed) => covers(allowed, levels));
};

/** Whether an HTTP request may be made; `path` in decoded segments, the first one empty. */
export const mayCall = (
  { httpRead, httpWrite }: CompiledPermissions,
  path: readonly string[],
  operation: Operation,
): boolean => (operation === 'read' ? httpRead : httpWrite).some((filter) => covers(filter, path));

export const holdsHttpRights = (permissions: readonly Permission[]): boolean =>
  permissions.some(({ context }) => context === 'http');

/** The first HTTP permission of `wanted` that goes beyond `own`, so that nobody gives more than they have. */
export function beyondOwn(
  own: CompiledPermissions,
  wanted: readonly Permission[],
): Permission | undefined {
  const within = (operation: Operation, levels: readonly string[]) =>
    (operation === 'read' ? own.httpRead : own.httpWrite).some((filter) => covers(filter, levels));
  return wanted.find(({ context, resource, operation }) => {
    if (context !== 'http') return false;
    const levels = levelsOf(resource);
    return !(
      (operation === 'write' || within('read', levels)) &&
      (operation === 'read' || within('write', levels))
    );
  });
}

/** The HTTP permissions that were made ready, as they are written. */
export function httpPermissionsOf({ httpRead, httpWrite }: CompiledPermissions): Permission[] {
  const written = new Set(httpWrite.map((levels) => levels.join('/')));
  const read = new Set(httpRead.map((levels) => levels.join('/')));
  return [...new Set([...read, ...written])].map((resource) => ({
    context: 'http',
    resource,
    operation: !written.has(resource) ? 'read' : read.has(resource) ? 'readWrite' : 'write',
  }));
}

/**
 * What is left of permissions whose HTTP part may not go beyond a limit: of each permission the operations
 * that the limit covers whole. MQTT permissions stay as they are.
 */
export function withinHttpLimit(
  limit: readonly Permission[],
  permissions: readonly Permission[],
): Permission[] {
  const own = compiled(limit);
  return permissions.flatMap((permission) => {
    if (beyondOwn(own, [permission]) === undefined) return [permission];
    if (permission.operation !== 'readWrite') return [];
    return (['read', 'write'] as const)
      .map((operation) => ({ ...permission, operation }))
      .filter((part) => beyondOwn(own, [part]) === undefined);
  });
}
