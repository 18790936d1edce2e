/** Rights of a client: the empty ones, those that a decision gives, and when two are equal. */
import type { GivenRights } from './client/commands.ts';
import type { Rights } from './client/events.ts';

export const noRights: Rights = {
  roles: [],
  permissions: [],
  mqttPublishPrefix: null,
  mqttClientId: null,
  expiresAt: null,
};

/** What is given, over what was there: what is not said stays. */
export const mergeRights = (base: Rights, given: GivenRights): Rights => ({
  roles: given.roles ?? base.roles,
  permissions: given.permissions ?? base.permissions,
  mqttPublishPrefix:
    given.mqttPublishPrefix === undefined ? base.mqttPublishPrefix : given.mqttPublishPrefix,
  mqttClientId: given.mqttClientId === undefined ? base.mqttClientId : given.mqttClientId,
  expiresAt: given.expiresAt === undefined ? base.expiresAt : given.expiresAt,
});

/** Rights are the same whatever the order of roles and permissions. */
export function sameRights(a: Rights, b: Rights): boolean {
  const written = ({ roles, permissions, ...rest }: Rights) =>
    JSON.stringify([
      [...new Set(roles)].sort(),
      [...new Set(permissions.map((p) => `${p.context} ${p.operation} ${p.resource}`))].sort(),
      rest.mqttPublishPrefix,
      rest.mqttClientId,
      rest.expiresAt,
    ]);
  return written(a) === written(b);
}
