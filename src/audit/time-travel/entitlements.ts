/** By which of their permissions somebody may publish or subscribe: their own, or those of a role. */
import type { Rights } from '../../../domain/client/events.ts';
import {
  covers,
  effectivePermissions,
  levelsOf,
  type RolePermissions,
} from '../../../domain/matching.ts';
import type { Permission } from '../../../domain/permission.ts';

export interface Entitlement {
  readonly operation: Permission['operation'];
  /** The topic filter, its templates filled in. */
  readonly resource: string;
  /** `own`, or the name of the role that holds it. */
  readonly via: string;
}

const own = 'own';

interface Held {
  readonly via: string;
  readonly permission: Permission;
}

const heldBy = (rights: Rights, permissionsOf: RolePermissions): Held[] =>
  [
    ...rights.permissions.map((permission) => ({ via: own, permission })),
    ...rights.roles.flatMap((role) =>
      permissionsOf(role).map((permission) => ({ via: role, permission })),
    ),
  ].filter(({ permission }) => permission.context === 'mqtt');

function filled(
  { via, permission }: Held,
  username: string,
  rights: Rights,
): Entitlement | undefined {
  const [found] = effectivePermissions(
    { username, roles: [], permissions: [permission], mqttClientId: rights.mqttClientId },
    () => [],
  );
  return found && { operation: found.operation, resource: found.resource, via };
}

/** All that somebody may do by MQTT. */
export const entitlementsOf = (
  username: string,
  rights: Rights,
  permissionsOf: RolePermissions,
): Entitlement[] =>
  heldBy(rights, permissionsOf).flatMap((held) => filled(held, username, rights) ?? []);

const allows = (operation: Permission['operation'], wanted: 'read' | 'write') =>
  operation === wanted || operation === 'readWrite';

/** What of it reaches a topic: at most one entitlement to read and one to write. No client writes to `$` topics. */
function reaching(entitlements: readonly Entitlement[], topic: readonly string[]): Entitlement[] {
  const covering = entitlements.filter(({ resource }) => covers(levelsOf(resource), topic));
  const operations = topic[0]?.startsWith('$') ? (['read'] as const) : (['read', 'write'] as const);
  return operations.flatMap((operation) => {
    const found = covering.find((one) => allows(one.operation, operation));
    return found ? [{ ...found, operation }] : [];
  });
}

/** What somebody may do with one topic. `topic` stands with its publish prefix. */
export const entitlementsFor = (
  username: string,
  rights: Rights,
  permissionsOf: RolePermissions,
  topic: string,
): Entitlement[] => reaching(entitlementsOf(username, rights, permissionsOf), levelsOf(topic));

const usernameTemplate = `\${username}`;

/** Values that a name must have for a template to reach the topic; null: it cannot be told beforehand. */
function namesReaching(resource: string, topic: readonly string[]): string | null | undefined {
  const levels = levelsOf(resource);
  const loose = levels.map((level) => (level.includes('${') ? '+' : level));
  if (!covers(loose, topic)) return undefined;
  const at = levels.indexOf(usernameTemplate);
  return at < 0 ? null : (topic[at] ?? null);
}

/**
 * The same question asked of many: rights that many share, as one object, are worked out once. `${username}` is
 * compared before it is filled in, because most names are not the one that a topic names.
 */
export function entitlementsForMany(permissionsOf: RolePermissions, topic: string) {
  const levels = levelsOf(topic);
  const known = new Map<
    Rights,
    { plain: readonly Entitlement[]; names: Set<string> | 'all' | 'none' }
  >();

  function workedOut(rights: Rights) {
    const held = heldBy(rights, permissionsOf);
    const templated = held.filter(({ permission }) => permission.resource.includes('${'));
    const names = templated.map(({ permission }) => namesReaching(permission.resource, levels));
    const possible = names.filter((name) => name !== undefined);
    return {
      plain: reaching(
        held
          .filter((one) => !templated.includes(one))
          .map(({ via, permission: { operation, resource } }) => ({ operation, resource, via })),
        levels,
      ),
      names:
        possible.length === 0
          ? ('none' as const)
          : possible.includes(null)
            ? ('all' as const)
            : new Set(possible as string[]),
    };
  }

  return (username: string, rights: Rights): readonly Entitlement[] => {
    let found = known.get(rights);
    if (found === undefined) {
      found = workedOut(rights);
      known.set(rights, found);
    }
    const { plain, names } = found;
    if (names === 'none' || (names !== 'all' && !names.has(username))) return plain;
    return entitlementsFor(username, rights, permissionsOf, topic);
  };
}
