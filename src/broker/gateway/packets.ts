/** The MQTT that the gateway reads: the CONNECT of a client, and the broker's answer to it. */
import { type IConnectPacket, parser } from 'mqtt-packet';

/** The fields of a CONNECT that the registry needs. */
export interface ConnectSeen {
  readonly version: 3 | 4 | 5;
  readonly username: string | undefined;
  readonly password: Buffer | undefined;
  readonly clientId: string;
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
  };
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

/** A CONNACK that says: the server is not available [3.1.1, table 3.1] [5, 3.2.2.2]. */
export const unavailableAnswer = (version: ConnectSeen['version']): Buffer =>
  Buffer.from(version === 5 ? [0x20, 3, 0, 0x88, 0] : [0x20, 2, 0, 3]);
