/** What a permission is, and its parts; what it allows is `matching.ts`. */
import { z } from 'zod';
import { RoleName, Text } from './values.ts';

export type Operation = 'read' | 'write';

const wildcardsStandAlone = (resource: string) =>
  resource
    .split('/')
    .every(
      (level, at, levels) =>
        level === '+' ||
        (level === '#' && at === levels.length - 1) ||
        !(level.includes('+') || level.includes('#')),
    );

/** The `+` and `#` of [MQTT-4.7.1-2] and [MQTT-4.7.1-3], in topics and in HTTP paths alike. */
const Resource = Text(1, 512).refine(wildcardsStandAlone, {
  message: 'has a wildcard that is not a whole level (+), or not the last one (#)',
});

export const Permission = z
  .strictObject({
    context: z.enum(['mqtt', 'http']),
    resource: Resource,
    operation: z.enum(['read', 'write', 'readWrite']),
  })
  .refine(({ context, resource }) => context !== 'http' || resource.startsWith('/'), {
    path: ['resource'],
    message: 'must start with / where the context is http',
  });
export type Permission = z.infer<typeof Permission>;

/** Reads `mqtt:readWrite:plant/#`, as people write it; its parts are not looked at. Undefined: it is none. */
export function permissionFromText(text: string): z.input<typeof Permission> | undefined {
  const [, context, operation, resource] =
    /^(mqtt|http):(read|write|readWrite):(.+)$/su.exec(text) ?? [];
  if (resource === undefined) return undefined;
  return { context, operation, resource } as z.input<typeof Permission>;
}

/** Put in front of every topic its owner publishes, as it stands. */
export const MqttPublishPrefix = Text(1, 512)
  .refine((prefix) => !/[+#]/.test(prefix), { message: 'must not contain + or #' })
  .refine((prefix) => !prefix.startsWith('$'), { message: 'must not start with $' });

const MqttClientId = Text(1, 128);

/** The own roles and permissions of a client; what they come to is `effectivePermissions`. */
export const rightsShape = {
  roles: z.array(RoleName).max(32),
  permissions: z.array(Permission).max(256),
  mqttPublishPrefix: MqttPublishPrefix.nullable(),
  mqttClientId: MqttClientId.nullable(),
};
