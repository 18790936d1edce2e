/** How the command line shows rights, and what brokers have done about them. */
import type { Permission } from '../../../domain/permission.ts';
import type { Activation, User } from '../../api/output.ts';
import { dateTimeText, shortened } from './format.ts';

export type ShownRights = Pick<
  User,
  'roles' | 'permissions' | 'mqttPublishPrefix' | 'mqttClientId' | 'expiresAt'
>;

export const permissionText = ({ context, operation, resource }: Permission): string =>
  `${context}:${operation}:${resource}`;

/** `role press, mqtt:read:plant/#, prefix line4/, until 2026-12-01 12:00:00`; empty when there is nothing. */
export function rightsText(rights: Partial<ShownRights>): string {
  const roles = rights.roles ?? [];
  return [
    ...(roles.length > 0 ? [`${roles.length === 1 ? 'role' : 'roles'} ${roles.join(' ')}`] : []),
    ...shortened((rights.permissions ?? []).map(permissionText), 6),
    ...(rights.mqttPublishPrefix ? [`prefix ${rights.mqttPublishPrefix}`] : []),
    ...(rights.mqttClientId ? [`client id ${rights.mqttClientId}`] : []),
    ...(rights.expiresAt ? [`until ${dateTimeText(rights.expiresAt)}`] : []),
  ].join(', ');
}

/** The topics of MQTT permissions, each once: `plant/press-17/#`. */
export const topicsOf = (permissions: readonly Permission[]): string[] => [
  ...new Set(
    permissions.filter(({ context }) => context === 'mqtt').map(({ resource }) => resource),
  ),
];

/** What brokers have done so far: `Active at embedded.`; empty when there is nothing to say. */
export function activationsText(activations: readonly Activation[]): string {
  const named = (status: Activation['status']) =>
    activations.filter((one) => one.status === status).map(({ broker }) => broker);
  const failed = activations
    .filter(({ status }) => status === 'failed')
    .map(({ broker, detail }) => `Failed at ${broker}${detail === null ? '' : ` (${detail})`}.`);
  const [active, waiting] = [named('active'), named('waiting')];
  return [
    ...(active.length > 0 ? [`Active at ${active.join(' ')}.`] : []),
    ...(waiting.length > 0 ? [`Not active yet at ${waiting.join(' ')}.`] : []),
    ...failed,
  ].join(' ');
}
