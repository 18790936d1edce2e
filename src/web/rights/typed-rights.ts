/** Rights as somebody types them, and as they are sent. */
import type { Permission } from '../../../domain/permission.ts';
import type { User } from '../../api/output.ts';

export interface TypedRights {
  readonly roles: readonly string[];
  readonly permissions: readonly Permission[];
  readonly mqttPublishPrefix: string;
  readonly mqttClientId: string;
  /** `2026-11-30`, or empty. */
  readonly ends: string;
  /** The end as it was, to the second: stays unless another day is chosen. */
  readonly endBefore?: string | null;
}

export const noRights: TypedRights = {
  roles: [],
  permissions: [],
  mqttPublishPrefix: '',
  mqttClientId: '',
  ends: '',
};

/** The end of the day that was chosen, where the person is. */
const endOf = (ends: string): string | null =>
  ends === '' ? null : new Date(`${ends}T23:59:59.000`).toISOString();

export const sentRights = (typed: TypedRights) => ({
  roles: typed.roles,
  permissions: typed.permissions.filter(({ resource }) => resource !== ''),
  mqttPublishPrefix: typed.mqttPublishPrefix === '' ? null : typed.mqttPublishPrefix,
  mqttClientId: typed.mqttClientId === '' ? null : typed.mqttClientId,
  expiresAt:
    typed.endBefore != null && typed.endBefore.slice(0, 10) === typed.ends
      ? typed.endBefore
      : endOf(typed.ends),
});

/** What a user holds now, to begin with. */
export const heldRights = (user: User): TypedRights => ({
  roles: user.roles,
  permissions: user.permissions,
  mqttPublishPrefix: user.mqttPublishPrefix ?? '',
  mqttClientId: user.mqttClientId ?? '',
  ends: user.expiresAt?.slice(0, 10) ?? '',
  endBefore: user.expiresAt,
});

/** The same permission, whoever gives it. */
export const samePermission = (a: Permission) => (b: Permission) =>
  a.context === b.context && a.operation === b.operation && a.resource === b.resource;
