/**
 * Brings messages to their readers: each message once to each connection, in the turn of the reader's user. What becomes of it there: `reading.ts`.
 * Knows aedes' insides, as `aedes.ts` does.
 */
import type { Aedes, AedesPublishPacket, Client } from 'aedes';
import { mqttMatchedTopics, mqttMatchesKept } from '../../../limits/mqtt.ts';
import type { MqttLimit } from '../../ports/embedded.ts';
import { closeClient } from '../session.ts';
import type { FairTurns, Share } from './fair-turns.ts';

type Delivered = () => void;
export type DeliveredPacket = AedesPublishPacket & {
  readonly clientId?: string;
  readonly nl?: boolean;
};
export type Deliver = (packet: DeliveredPacket, done: Delivered) => void;

/** What aedes calls for a message that matches a subscription; its own listeners have no subscription. */
export type Handler = ((message: AedesPublishPacket, done: Delivered) => void) & {
  subscription?: { readonly reader: ReadingConnection; readonly qos: number; readonly nl: boolean };
};

/** Of subscriptions. */
interface Matcher {
  match(topic: string): readonly Handler[];
  add(...given: unknown[]): unknown;
  remove(...given: unknown[]): unknown;
}

/** One connection as it is delivered to. */
export interface ReadingConnection {
  readonly client: Client;
  readonly shareOf: () => Share | null;
  /** The message that is under way, and what it comes by. */
  messageAt: number;
  by: Handler | null;
  /** Of the subscription by which a message is delivered now. */
  qos: number;
}

/** MQTT 5, 2.4: quota exceeded. */
export const quotaExceeded = 0x97;
const nothing: Delivered = () => undefined;

/**
 * Delivers a message to all who subscribed to its topic; of several subscriptions of one connection by that with most QoS [MQTT-3.3.5-1].
 * Where a reader's user has had its time a message waits for it; its publisher waits with it only where both are one user's.
 */
export function deliverFairly(
  broker: Aedes,
  options: {
    readonly turns: FairTurns;
    readonly usernameOf: (clientId: string) => string | undefined;
    readonly waitingMax: number;
    readonly reached: (limit: MqttLimit) => void;
  },
): void {
  const { turns, usernameOf, waitingMax, reached } = options;
  const { mq } = broker as unknown as {
    readonly mq: {
      readonly closed: boolean;
      readonly _matcher: Matcher;
      emit(message: DeliveredPacket, done: (error?: Error) => void): unknown;
    };
  };
  function later(
    share: Share,
    { subscription }: Handler,
    message: DeliveredPacket,
    send: Delivered,
  ) {
    if (share.deliveries.size < waitingMax) return turns.deliverLater(share, send);
    reached('unread-per-user');
    if (subscription && subscription.qos > 0 && message.qos > 0)
      closeClient(subscription.reader.client, quotaExceeded);
  }
  function bring(handler: Handler, message: DeliveredPacket, done: Delivered): void {
    const { subscription } = handler;
    if (subscription !== undefined) subscription.reader.qos = subscription.qos;
    handler(message, done);
  }
  function deliver(handler: Handler, message: DeliveredPacket, done: Delivered): void {
    const share = handler.subscription?.reader.shareOf() ?? null;
    const { clientId } = message;
    if (share === null) bring(handler, message, done);
    else if (turns.delivers(share, () => bring(handler, message, done))) return;
    else if (clientId !== undefined && usernameOf(clientId) === share.username)
      turns.deliverLater(share, () => bring(handler, message, done));
    else {
      later(share, handler, message, () => bring(handler, message, nothing));
      done();
    }
  }
  let count = 0;
  const handlersOf = remembered(mq._matcher);
  mq.emit = (message, done) => {
    if (mq.closed) return done(new Error('the broker is closed'));
    const matches = handlersOf(message.topic);
    const [only] = matches;
    if (only === undefined) return done();
    if (matches.length === 1) return deliver(only, message, done);
    count += 1;
    const handlers = message.topic.startsWith('$')
      ? matches
      : oncePerReader(matches, message, count);
    let left = handlers.length;
    if (left === 0) return done();
    const released = () => {
      left -= 1;
      if (left === 0) done();
    };
    for (const handler of handlers) deliver(handler, message, released);
  };
}

/** Finds the handlers of a topic; those of most topics are looked for once until a subscription changes. */
function remembered(matcher: Matcher): Matcher['match'] {
  const known = new Map<string, readonly Handler[]>();
  for (const change of ['add', 'remove'] as const) {
    const changed = matcher[change];
    matcher[change] = (...given) => {
      known.clear();
      return changed.apply(matcher, given);
    };
  }
  return (topic) => {
    const before = known.get(topic);
    if (before !== undefined) return before;
    const found = matcher.match(topic);
    if (found.length > mqttMatchesKept) return found;
    if (known.size >= mqttMatchedTopics) known.clear();
    known.set(topic, found);
    return found;
  };
}

function oncePerReader(
  matches: readonly Handler[],
  { clientId }: DeliveredPacket,
  messageAt: number,
): Handler[] {
  const readers: ReadingConnection[] = [];
  const others: Handler[] = [];
  for (const handler of matches) {
    const { subscription } = handler;
    if (subscription === undefined) {
      others.push(handler);
      continue;
    }
    const { reader, qos, nl } = subscription;
    if (reader.messageAt !== messageAt) {
      reader.messageAt = messageAt;
      reader.by = null;
      readers.push(reader);
    }
    if (nl && clientId === reader.client.id) continue;
    if (reader.by === null || qos > (reader.by.subscription?.qos ?? 0)) reader.by = handler;
  }
  for (const { by } of readers) if (by !== null) others.push(by);
  return others;
}
