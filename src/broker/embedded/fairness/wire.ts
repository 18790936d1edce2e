/** What is sent most, as bytes: a PUBLISH, encoded once for all of its readers, and the answers to one. */
import type { AedesPublishPacket } from 'aedes';
import { generate } from 'mqtt-packet';
import { mqttGatheredBytes } from '../../../limits/mqtt.ts';

/** A packet but for its id. */
export interface WirePacket {
  readonly head: Buffer;
  /** Where in the head the id belongs, which has zeros there; 0: it has none. */
  readonly idAt: number;
  /** A payload that is too large to be copied for each reader; else it is in the head. */
  readonly body: Buffer | null;
}

/** [MQTT-3.4]; in MQTT 5 this form says success [MQTT 5, 3.4.2.1]. */
export const puback: WirePacket = { head: Buffer.from([0x40, 2, 0, 0]), idAt: 2, body: null };
export const pubrec: WirePacket = { head: Buffer.from([0x50, 2, 0, 0]), idAt: 2, body: null };

let last: {
  readonly broker: string;
  readonly message: number;
  readonly flags: number;
  readonly version: number;
  readonly wire: WirePacket;
} | null = null;

/** A PUBLISH to a reader of this protocol version; its id is that of the packet where it has properties. */
export function publishOnWire(packet: AedesPublishPacket, version: 3 | 4 | 5): WirePacket {
  const { brokerId, brokerCounter: message, qos, retain, properties } = packet;
  if (version === 5 && properties !== undefined)
    return { head: generate(packet, { protocolVersion: 5 }), idAt: 0, body: null };
  const flags = 0x30 | (qos << 1) | (retain ? 1 : 0);
  if (
    last !== null &&
    last.message === message &&
    last.flags === flags &&
    last.version === version &&
    last.broker === brokerId
  )
    return last.wire;
  const wire = encoded(packet, flags, version);
  if (brokerId) last = { broker: brokerId, message, flags, version, wire };
  return wire;
}

/** [MQTT-3.3]; the remaining length has one to four bytes [MQTT-2.2.3]. In MQTT 5 no properties are a byte. */
function encoded(
  { topic, payload, qos }: AedesPublishPacket,
  flags: number,
  version: number,
): WirePacket {
  const topicBytes = Buffer.byteLength(topic);
  const body = typeof payload === 'string' ? Buffer.from(payload) : payload;
  const length = 2 + topicBytes + (qos > 0 ? 2 : 0) + (version === 5 ? 1 : 0) + body.length;
  const topicAt = length < 128 ? 2 : length < 16_384 ? 3 : length < 2_097_152 ? 4 : 5;
  const idAt = topicAt + 2 + topicBytes;
  const isApart = body.length > mqttGatheredBytes;
  const head = Buffer.allocUnsafe(topicAt + length - (isApart ? body.length : 0));
  head[0] = flags;
  let rest = length;
  for (let place = 1; place < topicAt; place++) {
    head[place] = (rest & 0x7f) | (place < topicAt - 1 ? 0x80 : 0);
    rest >>>= 7;
  }
  head.writeUInt16BE(topicBytes, topicAt);
  head.write(topic, topicAt + 2, 'utf8');
  if (qos > 0) head.writeUInt16BE(0, idAt);
  const propertiesAt = idAt + (qos > 0 ? 2 : 0);
  if (version === 5) head[propertiesAt] = 0;
  if (!isApart) body.copy(head, propertiesAt + (version === 5 ? 1 : 0));
  return { head, idAt: qos > 0 ? idAt : 0, body: isApart ? body : null };
}
