/** Decides what an MQTT session may publish, subscribe to and be sent, by its user's rights at that moment. */
import type { AedesOptions, AedesPublishPacket, Client, Subscription } from 'aedes';
import {
  type CompiledPermissions,
  covers,
  levelsOf,
  mayPublish,
  mayRead,
} from '../../../domain/matching.ts';
import {
  mqttSubscriptionsMax,
  mqttTopicBytesMax,
  mqttUserPropertiesMax,
} from '../../limits/mqtt.ts';
import type { MqttLimit } from '../ports/embedded.ts';
import { acknowledgeUnpublished, type PublishReceived } from './publishing.ts';
import { bytesSent, userPropertyCount } from './retained.ts';
import {
  type HeldSession,
  levelCountOf,
  rememberFilter,
  type ServedConnection,
} from './session.ts';

export interface SubscriptionLimits {
  readonly subscriptionsPerUser: number;
  readonly filterLevelsPerUser: number;
}

type AuthorizationHooks = Required<
  Pick<AedesOptions, 'authorizePublish' | 'authorizeSubscribe' | 'authorizeForward'>
>;

/** Properties of a PUBLISH that are passed on [MQTT-3.3.2-15 to 20], each with what it must be. */
const forwarded: Readonly<Record<string, (value: unknown) => boolean>> = {
  payloadFormatIndicator: (value) => typeof value === 'boolean',
  messageExpiryInterval: (value) => typeof value === 'number',
  contentType: isShort,
  responseTopic: isShort,
  correlationData: Buffer.isBuffer,
  userProperties: (value) =>
    typeof value === 'object' &&
    value !== null &&
    Object.entries(value).every(([name, texts]) => isShort(name) && [texts].flat().every(isShort)),
};

/** Texts that were not UTF-8 grow when decoded; past 65,535 bytes they could not be sent again. */
function isShort(value: unknown): boolean {
  return typeof value === 'string' && (value.length < 16_384 || Buffer.byteLength(value) <= 65_535);
}

const hasFewUserProperties = ({ properties }: { readonly properties?: object }): boolean =>
  properties === undefined ||
  !('userProperties' in properties) ||
  userPropertyCount(properties.userProperties) <= mqttUserPropertiesMax;

function forwardedProperties(properties: object): object {
  return Object.fromEntries(
    Object.entries(properties).filter(([name, value]) => forwarded[name]?.(value) === true),
  );
}

const fits = (topic: string): boolean =>
  topic.length > 0 &&
  topic.length <= mqttTopicBytesMax &&
  Buffer.byteLength(topic) <= mqttTopicBytesMax &&
  !topic.includes('\0');

/** Clients publish to no `$` topic: those are the broker's. A will's topic was not yet checked for wildcards. */
const publishable = (topic: string): boolean =>
  fits(topic) && !topic.startsWith('$') && !topic.includes('+') && !topic.includes('#');

/** Shared subscriptions are refused, also where MQTT 3 would take `$share` for a name. */
const subscribable = (filter: string): boolean =>
  fits(filter) &&
  !filter.startsWith('$share/') &&
  filter.split('/').every((level) => level.length === 1 || !/[+#]/.test(level));

/** The topics that permissions allowed last: most clients publish to one, and read one, many times. */
interface LastAllowed {
  publish: string | null;
  read: string | null;
}

/** Permissions never change: other rights are other permissions. */
const lastAllowed = new WeakMap<CompiledPermissions, LastAllowed>();

function lastOf(permissions: CompiledPermissions): LastAllowed {
  const known = lastAllowed.get(permissions);
  if (known !== undefined) return known;
  const none = { publish: null, read: null };
  lastAllowed.set(permissions, none);
  return none;
}

function allowsPublish(permissions: CompiledPermissions, topic: string): boolean {
  const last = lastOf(permissions);
  if (last.publish === topic) return true;
  if (!publishable(topic) || !mayPublish(permissions, topic)) return false;
  last.publish = topic;
  return true;
}

function allowsForward(permissions: CompiledPermissions, topic: string): boolean {
  const last = lastOf(permissions);
  if (last.read === topic) return true;
  if (!mayRead(permissions, topic)) return false;
  last.read = topic;
  return true;
}

/** Without a text: 0x87 is enough, and not every client reads a reason string in a PUBACK. */
const denied = (): Error => new Error('');

/**
 * The hooks of aedes. Every one denies where a client has no session, or one that is ended.
 * A publish gets its owner's prefix first and is judged with it; so is a will, when it is sent.
 */
export function authorization(options: {
  readonly connectionOf: (client: Client) => ServedConnection | undefined;
  /** Acknowledges and publishes what may be published. */
  readonly publish: PublishReceived;
  /** Whether a message of QoS 2 came before, and was not released. */
  readonly isRepeated: (clientId: string, messageId: number | undefined) => boolean;
  readonly limits: SubscriptionLimits;
  readonly reached: (limit: MqttLimit) => void;
}): AuthorizationHooks {
  const { connectionOf, publish, isRepeated, limits, reached } = options;
  const sessionOf = (client: Client): HeldSession | null => connectionOf(client)?.session ?? null;
  return {
    authorizePublish(client, packet, done) {
      const connection = client ? connectionOf(client) : undefined;
      const session = connection?.session;
      if (!connection || !session || session.ended) return done(denied());
      const isWill = packet.cmd !== 'publish';
      // Before its rights, which may have changed: its sender waits for this answer.
      if (packet.qos === 2 && !isWill && isRepeated(session.clientId, packet.messageId))
        return acknowledgeUnpublished(connection, packet, done);
      const { permissions, publishPrefix } = session.user.rights;
      const topic = publishPrefix === null ? packet.topic : publishPrefix + packet.topic;
      if (topic.startsWith('$') && !isWill && connection.client.version < 5) {
        acknowledgeUnpublished(connection, packet, done);
        return;
      }
      if (!allowsPublish(permissions, topic) || !hasFewUserProperties(packet)) {
        // [MQTT-4.6.0-2, -3]: acknowledgements come in the order of what they acknowledge.
        connection.outgoing.flush();
        return done(denied());
      }
      packet.topic = topic;
      // [MQTT-3.3.1-3]: a reader's DUP is independent of the publisher's.
      packet.dup = false;
      if (packet.properties !== undefined)
        packet.properties = forwardedProperties(packet.properties);
      // Distinguishes a client's message from the registry's own where it is stored.
      (packet as { clientId?: string }).clientId = session.clientId;
      if (isWill) return done();
      publish(connection, packet, done);
    },

    authorizeSubscribe(client, subscription, done) {
      const session = sessionOf(client);
      const { topic } = subscription;
      const granted =
        session !== null &&
        !session.ended &&
        subscribable(topic) &&
        mayRead(session.user.rights.permissions, topic) &&
        (session.filters.has(topic) || hasRoom(session, topic, limits, reached));
      if (granted) remember(session, subscription);
      done(null, granted ? subscription : null);
    },

    authorizeForward(client, packet) {
      const session = sessionOf(client);
      if (session === null || session.ended) return null;
      if (!allowsForward(session.user.rights.permissions, packet.topic)) return null;
      // [MQTT-3.1.2-24]: what is larger than the client takes is not sent to it.
      if (client.maximumPacketSize !== undefined && bytesSent(packet) > client.maximumPacketSize)
        return null;
      if (session.identifiers.size > 0 && packet.brokerId !== null) addIdentifiers(session, packet);
      return packet;
    },
  };
}

/** Whether a session, and its user in all, may have one more subscription. */
function hasRoom(
  { filters, user }: HeldSession,
  filter: string,
  limits: SubscriptionLimits,
  reached: (limit: MqttLimit) => void,
): boolean {
  if (filters.size >= mqttSubscriptionsMax) return false;
  let count = 0;
  let levels = levelCountOf(filter);
  for (const session of user.sessions) {
    count += session.filters.size;
    levels += session.filterLevels;
  }
  const hasCount = count < limits.subscriptionsPerUser;
  if (hasCount && levels <= limits.filterLevelsPerUser) return true;
  reached(hasCount ? 'filter-levels-per-user' : 'subscriptions-per-user');
  return false;
}

/** aedes puts the SUBSCRIBE's identifier on each of its subscriptions. */
function remember(session: HeldSession, subscription: Subscription): void {
  const { topic, subscriptionIdentifier: identifier } = subscription as Subscription & {
    subscriptionIdentifier?: number;
  };
  rememberFilter(session, topic);
  if (identifier === undefined) session.identifiers.delete(topic);
  else session.identifiers.set(topic, identifier);
}

/** [MQTT-3.3.4-4]: one copy of a message names every subscription that matched it. */
function addIdentifiers(session: HeldSession, packet: AedesPublishPacket): void {
  const levels = levelsOf(packet.topic);
  const identifiers: number[] = [];
  for (const [filter, identifier] of session.identifiers)
    if (covers(levelsOf(filter), levels)) identifiers.push(identifier);
  if (identifiers.length > 0)
    packet.properties = { ...packet.properties, subscriptionIdentifier: identifiers };
}
