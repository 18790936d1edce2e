/**
 * Reads what comes most from its bytes: a plain CONNECT, a PUBLISH without properties and a PUBACK, each whole in what was read of the socket.
 * mqtt-packet, which parses everything else, takes four steps, a buffer list and a dozen calls that log nothing for each packet. Knows its insides.
 */
import { isUtf8 } from 'node:buffer';

/** A CONNECT for a clean session without a will or properties, from a client that has an id. */
interface PlainConnect {
  readonly version: 3 | 4 | 5;
  readonly keepAliveSeconds: number;
  readonly clientId: string;
  readonly username: string | undefined;
  readonly password: Buffer | undefined;
}

/** As mqtt-packet makes them. */
interface PlainPacket {
  readonly cmd: 'publish' | 'puback';
  readonly retain: boolean;
  readonly qos: number;
  readonly dup: boolean;
  readonly length: number;
  readonly topic: string | null;
  readonly payload: Buffer | null;
  readonly messageId: number | undefined;
  readonly reasonCode?: number;
}

/** What is looked at of mqtt-packet's parser. */
export interface PacketParser {
  /** The one that begins; its length is -1 until it is known. */
  readonly packet: { readonly length?: number } | null;
  readonly settings: { readonly protocolVersion?: number };
  readonly error: unknown;
  readonly _list: { readonly length: number; slice(from: number, to: number): Buffer };
  readonly _stateCounter: number;
  /** Where it reads in the body of a packet. */
  readonly _pos: number;
  _parseString(): string | null;
  parse(piece: Buffer): number;
  emit(event: 'packet', packet: PlainPacket): unknown;
}

/**
 * What the parser does with a piece that was read, packet by packet: behind one that is too short mqtt-packet would read on. `isPlain`: whether plain
 * packets may come now.
 */
export function parsingPlainly(
  parser: PacketParser,
  isPlain: () => boolean,
): (piece: Buffer) => number {
  const parse = parser.parse;
  return (piece) => {
    let at = 0;
    while (at < piece.length && isPlain() && parser.error === null) {
      const missing = missingBytes(parser);
      const body = missing > 0 ? 0 : bodyAt(piece, at);
      const end = missing > 0 ? at + missing : endAt(piece, at, body);
      const packet =
        body > 0 && end <= piece.length ? plainPacket(parser, piece, at, body, end) : null;
      if (packet === null) parse.call(parser, piece.subarray(at, end));
      else parser.emit('packet', packet);
      at = end;
    }
    if (at >= piece.length || (at > 0 && parser.error !== null)) return parser._list.length;
    return parse.call(parser, at === 0 ? piece : piece.subarray(at));
  };
}

/** Of the packet that has begun: one where its length is not known yet; 0: none has. */
function missingBytes({ _stateCounter, _list, packet }: PacketParser): number {
  if (_stateCounter === 0 && _list.length === 0) return 0;
  const length = packet?.length ?? -1;
  return length < 0 ? 1 : Math.max(1, length - _list.length);
}

/** Where a packet goes on behind its length, which has one to four bytes [MQTT-2.2.3]; 0: there are not as many. */
function bodyAt(piece: Buffer, at: number): number {
  for (let last = at + 1; last <= at + 4; last++) if ((piece[last] ?? 0x80) < 0x80) return last + 1;
  return 0;
}

/** Where a packet ends, which may be behind the piece. */
function endAt(piece: Buffer, at: number, body: number): number {
  let length = 0;
  for (let byte = body - 1; byte > at; byte--) length = length * 128 + ((piece[byte] ?? 0) & 0x7f);
  return body === 0 ? piece.length : body + length;
}

/** [MQTT-3.3], [MQTT-3.4]; null: it is another one, or not as it should be. */
function plainPacket(
  { settings }: PacketParser,
  piece: Buffer,
  at: number,
  body: number,
  end: number,
): PlainPacket | null {
  const header = piece[at] as number;
  const length = end - body;
  const isFive = settings.protocolVersion === 5;
  if (header === 0x40) return length === 2 ? pubackAt(piece, body, isFive) : null;
  const qos = (header >> 1) & 3;
  if (header >> 4 !== 3 || qos === 3 || length < 2) return null;
  const idAt = body + 2 + numberAt(piece, body);
  const propertiesAt = qos > 0 ? idAt + 2 : idAt;
  const payloadAt = isFive ? propertiesAt + 1 : propertiesAt;
  if (payloadAt > end || (isFive && piece[propertiesAt] !== 0)) return null;
  const topic = piece.toString('utf8', body + 2, idAt);
  if (isUnsure(topic)) return null;
  return {
    ...{ cmd: 'publish', retain: (header & 1) !== 0, qos, dup: (header & 8) !== 0, length },
    topic,
    payload: piece.subarray(payloadAt, end),
    messageId: qos > 0 ? numberAt(piece, idAt) : undefined,
  };
}

/** Whether it holds what stands for bytes that are no UTF-8. */
const isUnsure = (text: string): boolean => text.includes('\ufffd');

/**
 * In the place of mqtt-packet's own, which takes texts that are no UTF-8. The connection is closed [MQTT-1.5.3-1] [MQTT 5, MQTT-1.5.4-1].
 * @throws Error
 */
export function parseText(this: PacketParser): string | null {
  const from = this._pos + 2;
  const text = Object.getPrototypeOf(this)._parseString.call(this) as string | null;
  if (text !== null && isUnsure(text) && !isUtf8(this._list.slice(from, this._pos)))
    throw new Error('a text is not UTF-8');
  return text;
}

const numberAt = (piece: Buffer, at: number): number =>
  ((piece[at] as number) << 8) + (piece[at + 1] as number);

function pubackAt(piece: Buffer, body: number, isFive: boolean): PlainPacket {
  return {
    ...{ cmd: 'puback', retain: false, qos: 0, dup: false, length: 2 },
    ...{ topic: null, payload: null, messageId: numberAt(piece, body) },
    ...(isFive ? { reasonCode: 0 } : {}),
  };
}

/** Name and version of the protocol, which a CONNECT begins with. */
const protocols = { 3: '\0\x06MQIsdp\x03', 4: '\0\x04MQTT\x04', 5: '\0\x04MQTT\x05' };

/** A whole CONNECT and nothing behind it [MQTT-3.1]; null: another packet, another CONNECT, or one that is not as it should be. */
export function plainConnect(bytes: Buffer): PlainConnect | null {
  const body = bytes[0] === 0x10 ? bodyAt(bytes, 0) : 0;
  if (body === 0 || endAt(bytes, 0, body) !== bytes.length) return null;
  const version = versionAt(bytes, body);
  if (version === null) return null;
  const at = body + protocols[version].length;
  const idAt = version === 5 ? at + 4 : at + 3;
  const flags = bytes[at] ?? 0;
  if ((flags & 0x3f) !== 0x02 || (version === 5 && bytes[at + 3] !== 0)) return null;
  const nameAt = fieldEnd(bytes, idAt, true);
  const passwordAt = fieldEnd(bytes, nameAt, (flags & 0x80) !== 0);
  const end = fieldEnd(bytes, passwordAt, (flags & 0x40) !== 0);
  if (end !== bytes.length || nameAt === idAt + 2) return null;
  const clientId = bytes.toString('utf8', idAt + 2, nameAt);
  const username = passwordAt > nameAt ? bytes.toString('utf8', nameAt + 2, passwordAt) : undefined;
  if (isUnsure(clientId) || isUnsure(username ?? '')) return null;
  return {
    ...{ version, keepAliveSeconds: numberAt(bytes, at + 1) },
    ...{ clientId, username },
    password: end > passwordAt ? bytes.subarray(passwordAt + 2, end) : undefined,
  };
}

function versionAt(bytes: Buffer, at: number): 3 | 4 | 5 | null {
  const protocol = bytes.toString('latin1', at, at + protocols[4].length);
  if (protocol === protocols[4]) return 4;
  if (protocol === protocols[5]) return 5;
  return bytes.toString('latin1', at, at + protocols[3].length) === protocols[3] ? 3 : null;
}

/** Where a field ends that begins with its length; where it begins, if there is none; behind all bytes where they are not as many. */
function fieldEnd(bytes: Buffer, at: number, isThere: boolean): number {
  if (!isThere) return at;
  return at + 2 > bytes.length ? Infinity : at + 2 + numberAt(bytes, at);
}
