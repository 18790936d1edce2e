/** A PUBLISH of MQTT 3 with QoS 0 as bytes: made once for all of its readers. */
import type { AedesPublishPacket } from 'aedes';

let last: {
  readonly broker: string;
  readonly message: number;
  readonly retain: boolean;
  readonly bytes: Buffer;
} | null = null;

/** [MQTT-3.3]; the remaining length has one to four bytes [MQTT-2.2.3]. */
export function publishBytes(packet: AedesPublishPacket): Buffer {
  const { brokerCounter, retain, topic, payload, brokerId } = packet;
  if (
    last !== null &&
    last.message === brokerCounter &&
    last.retain === retain &&
    last.broker === brokerId
  )
    return last.bytes;
  const topicBytes = Buffer.byteLength(topic);
  const body = typeof payload === 'string' ? Buffer.from(payload) : payload;
  const length = 2 + topicBytes + body.length;
  const at = length < 128 ? 2 : length < 16_384 ? 3 : length < 2_097_152 ? 4 : 5;
  const bytes = Buffer.allocUnsafe(at + length);
  bytes[0] = retain ? 0x31 : 0x30;
  let rest = length;
  for (let place = 1; place < at; place++) {
    bytes[place] = (rest & 0x7f) | (place < at - 1 ? 0x80 : 0);
    rest >>>= 7;
  }
  bytes.writeUInt16BE(topicBytes, at);
  bytes.write(topic, at + 2, 'utf8');
  body.copy(bytes, at + 2 + topicBytes);
  if (brokerId) last = { broker: brokerId, message: brokerCounter, retain, bytes };
  return bytes;
}
