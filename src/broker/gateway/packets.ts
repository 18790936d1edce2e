/** The MQTT that the gateway reads: the CONNECT of a client, and the broker's answer to it. */
import { type IConnectPacket, parser } from 'mqtt-packet';

/** The fields of a CONNECT that the registry needs. */
export interface ConnectSeen {
  readonly version: 3 | 4 | 5;
  readonly username: string | undefined;
  readonly password: Buffer | undefined;
  readonly clientId: string;
  /** Whether it asks for a session that outlives its connection. */
  readonly keepsSession: boolean;
}

const packetType = { connect: 1, connack: 2, auth: 15 };

/**
 * Where the first packet of some bytes begins and ends after its fixed header [MQTT-2.2.3]; undefined
 * when more bytes are needed, null when no packet begins like this.
 */
export function packetBounds(bytes: Buffer): { body: number; end: number } | undefined | null {
  let length = 0;
  for (let at = 1; at <= 4; at++) {
    const digit = bytes[at];
    if (digit === undefined) return undefined;
    length += (digit & 0x7f) * 128 ** (at - 1);
    if ((digit & 0x80) === 0) return { body: at + 1, end: at + 1 + length };
  }
  return null;
}

/**
 * The CONNECT that some bytes begin with; undefined when it is not all there yet, null when they begin
 * with none, or with one that is malformed or larger than `bytesMax`.
 */
export function connectIn(bytes: Buffer, bytesMax: number): ConnectSeen | undefined | null {
  if (bytes.length === 0) return undefined;
  if (bytes[0] !== packetType.connect << 4) return null;
  const bounds = packetBounds(bytes);
  if (!bounds) return bounds;
  if (bounds.end > bytesMax) return null;
  if (bytes.length < bounds.end) return undefined;
  const packet = parsedConnect(bytes.subarray(0, bounds.end));
  if (packet === null) return null;
  return {
    version: packet.protocolVersion ?? 4,
    username: packet.username,
    password: packet.password,
    clientId: packet.clientId,
    keepsSession:
      packet.protocolVersion === 5
        ? (packet.properties?.sessionExpiryInterval ?? 0) > 0
        : packet.clean === false,
  };
}

/** A length of two bytes, and what it says [MQTT-1.5.4]. */
const skipped = (bytes: Buffer, at: number): number => at + 2 + bytes.readUInt16BE(at);

/** What stands before a length of one to four bytes, and that many bytes [MQTT-1.5.5]. */
function skippedProperties(bytes: Buffer, at: number): number {
  // As in a fixed header, where a first byte says the type.
  const bounds = packetBounds(bytes.subarray(at - 1));
  return bounds ? at - 1 + bounds.end : at;
}

const flag = { will: 0x04, password: 0x40, username: 0x80 };

function withLength(type: number, body: Buffer): Buffer {
  const header = [type];
  for (let rest = body.length; ; rest >>= 7) {
    header.push(rest > 0x7f ? (rest & 0x7f) | 0x80 : rest);
    if (rest <= 0x7f) return Buffer.concat([Buffer.from(header), body]);
  }
}

const textField = (text: string): Buffer => {
  const bytes = Buffer.from(text);
  const length = Buffer.alloc(2);
  length.writeUInt16BE(bytes.length);
  return Buffer.concat([length, bytes]);
};

/**
 * The same bytes, their first packet with another username and password: a CONNECT that `connectIn` has read. All else
 * stays to the byte [MQTT-3.1.3-1].
 */
export function withCredentials(bytes: Buffer, username: string, password: string): Buffer {
  const bounds = packetBounds(bytes);
  if (!bounds) throw new Error('not a whole CONNECT');
  const packet = Buffer.from(bytes.subarray(bounds.body, bounds.end));
  const level = skipped(packet, 0);
  const isVersion5 = ((packet[level] ?? 0) & 0x7f) === 5;
  const flags = packet[level + 1] ?? 0;
  // Level, flags and keep alive.
  let end = level + 4;
  if (isVersion5) end = skippedProperties(packet, end);
  end = skipped(packet, end);
  if ((flags & flag.will) !== 0) {
    if (isVersion5) end = skippedProperties(packet, end);
    end = skipped(packet, skipped(packet, end));
  }
  packet[level + 1] = flags | flag.username | flag.password;
  const body = [packet.subarray(0, end), textField(username), textField(password)];
  return Buffer.concat([
    withLength(packetType.connect << 4, Buffer.concat(body)),
    bytes.subarray(bounds.end),
  ]);
}

function parsedConnect(bytes: Buffer): IConnectPacket | null {
  let found: IConnectPacket | null = null;
  const parsing = parser();
  parsing.on('packet', (packet) => {
    if (packet.cmd === 'connect') found = packet;
  });
  parsing.on('error', () => {
    found = null;
  });
  try {
    parsing.parse(bytes);
  } catch {
    // Lengths that lead out of the packet make the parser throw.
    return null;
  }
  return found;
}

/** What a broker has answered so far. `code` undefined: not yet; null: something else than an answer. */
interface AnswerSeen {
  /** Bytes that may be passed on at once. */
  readonly passed: Buffer;
  /** Bytes of a packet that is not complete yet. */
  readonly held: Buffer;
  readonly code: number | undefined | null;
}

/**
 * Looks for the CONNACK; AUTH packets may come before it [MQTT-4.12.0-2].
 * @param held what the last call held back, and what was received since
 */
export function answerIn(held: Buffer, bytesMax: number): AnswerSeen {
  let from = 0;
  for (;;) {
    const rest = held.subarray(from);
    const type = (rest[0] ?? 0) >> 4;
    const bounds = rest.length === 0 ? undefined : packetBounds(rest);
    const waits = bounds === undefined || (bounds !== null && rest.length < bounds.end);
    const foreign = rest.length > 0 && type !== packetType.connack && type !== packetType.auth;
    if (foreign || bounds === null || (bounds && bounds.end > bytesMax))
      return { passed: held, held: held.subarray(held.length), code: null };
    if (waits) return { passed: held.subarray(0, from), held: rest, code: undefined };
    if (type === packetType.connack)
      return {
        passed: held,
        held: held.subarray(held.length),
        code: rest[bounds.body + 1] ?? null,
      };
    from += bounds.end;
  }
}

/** Bad user name or password, or not authorized [3.1.1, table 3.1] [5, 3.2.2.2]. */
export const isRefusal = (version: ConnectSeen['version'], code: number): boolean =>
  version === 5 ? code === 0x86 || code === 0x87 : code === 4 || code === 5;

/** A CONNACK that says: not authorized [3.1.1, table 3.1] [5, 3.2.2.2]. */
export const refusedAnswer = (version: ConnectSeen['version']): Buffer =>
  Buffer.from(version === 5 ? [0x20, 3, 0, 0x87, 0] : [0x20, 2, 0, 5]);

/** A CONNACK that says: this client id is not for you [3.1.1, table 3.1] [5, 3.2.2.2]. */
export const takenAnswer = (version: ConnectSeen['version']): Buffer =>
  Buffer.from(version === 5 ? [0x20, 3, 0, 0x85, 0] : [0x20, 2, 0, 2]);

/** A CONNACK that says: the server is not available [3.1.1, table 3.1] [5, 3.2.2.2]. */
export const unavailableAnswer = (version: ConnectSeen['version']): Buffer =>
  Buffer.from(version === 5 ? [0x20, 3, 0, 0x88, 0] : [0x20, 2, 0, 3]);
