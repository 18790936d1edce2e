/**
 * A connection that asks for nothing special (a clean session, no will, no properties of MQTT 5) and has sent nothing yet but its CONNECT and
 * PINGREQs. aedes makes a parser, two dozen listeners and a kilobyte of state for each connection; here it is given one with the
 * first packet that takes more than an answer of a few bytes. All others are given to it with their first byte.
 */
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { IConnectPacket } from 'mqtt-packet';
import type { Logger } from '../../logger.ts';
import type { TellOf } from './aedes.ts';
import type { ConnackVerdict, JudgeConnect } from './connect.ts';
import { plainConnect } from './fairness/plain-packets.ts';
import type { BrokerConnection } from './session.ts';
import type { Sessions } from './sessions.ts';

/** `connect`: a CONNECT that was answered already; null: it is still to come. */
export type GiveToAedes = (
  connection: BrokerConnection,
  request: IncomingMessage | undefined,
  connect: Partial<IConnectPacket> | null,
) => void;

interface QuietOptions {
  readonly sessions: Pick<Sessions, 'registered' | 'closed'>;
  readonly judge: JudgeConnect;
  /** By protocol version, the CONNACK of who is admitted. */
  readonly accepted: Readonly<Record<3 | 4 | 5, Buffer>>;
  readonly giveToAedes: GiveToAedes;
  readonly tellOf: TellOf;
  readonly sizes: { readonly connectTimeoutMs: number; readonly connectBytes: number };
  readonly now: () => Date;
  readonly logger: Logger | undefined;
}

const pingresp = Buffer.from([0xd0, 0]);
const isBare = (chunk: Buffer, head: number): boolean =>
  chunk.length === 2 && chunk[0] === head && chunk[1] === 0;
const isPingreq = (chunk: Buffer): boolean => isBare(chunk, 0xc0);
const isDisconnect = (chunk: Buffer): boolean => isBare(chunk, 0xe0);

function end(this: Duplex): void {
  this.destroy();
}
export class QuietConnection {
  readonly #connection: BrokerConnection;
  readonly #request: IncomingMessage | undefined;
  readonly #its: QuietOptions;
  /** Until its CONNECT is there; then for its keep alive. */
  #timer: NodeJS.Timeout | null = null;

  constructor(
    connection: BrokerConnection,
    request: IncomingMessage | undefined,
    options: QuietOptions,
  ) {
    this.#connection = connection;
    this.#request = request;
    this.#its = options;
  }

  begin(): void {
    const { stream } = this.#connection;
    // Also where aedes reads it, which counts from its first byte.
    this.#endIn(this.#its.sizes.connectTimeoutMs, () => this.#connection.connect === null);
    // Not every error of a TLS socket destroys it.
    stream.on('error', end);
    stream.on('end', end);
    stream.on('close', this.#closed);
    stream.on('data', this.#received);
  }

  #endIn(milliseconds: number, isOver = () => true): void {
    const end = () => {
      if (isOver()) this.#connection.stream.destroy();
    };
    this.#timer = setTimeout(end, milliseconds);
  }

  #stopTimer(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }

  readonly #received = (chunk: Buffer): void => {
    const { stream, connect, sinceMs } = this.#connection;
    this.#connection.lastPacketMs = this.#its.now().getTime();
    if (connect === null) this.#first(chunk);
    else if (sinceMs === null) {
      // What comes before the CONNACK is handled after it.
      stream.pause();
      stream.unshift(chunk);
    } else if (isPingreq(chunk) && !stream.writableNeedDrain) {
      this.#timer?.refresh();
      stream.write(pingresp);
    } else if (isDisconnect(chunk)) stream.destroy();
    else this.#give(chunk, connectAgain(this.#connection));
  };

  #first(chunk: Buffer): void {
    const packet = chunk.length > this.#its.sizes.connectBytes ? null : plainConnect(chunk);
    if (packet === null) {
      this.#give(chunk, null);
      return;
    }
    this.#stopTimer();
    const { version, keepAliveSeconds, clientId, username, password } = packet;
    const connection = this.#connection;
    connection.clientId = clientId;
    connection.connect = { version, cleanStart: true, clientId, keepAliveSeconds };
    this.#its.judge(connection, { username, password }, this.#answer);
  }

  readonly #answer = (verdict: ConnackVerdict): void => {
    const { stream, clientId, connect } = this.#connection;
    const version = connect?.version ?? 4;
    if (stream.destroyed) return;
    if (!verdict.isAdmitted) {
      stream.write(refused(verdict, version));
      this.#its.logger?.debug('An MQTT client failed', { reason: 'not authorized' });
      setImmediate(() => stream.destroy());
      return;
    }
    // [MQTT-3.1.2-24]
    const seconds = connect?.keepAliveSeconds ?? 0;
    if (seconds > 0) this.#endIn(seconds * 1_500 + 1);
    this.#its.sessions.registered(this.#connection);
    this.#its.tellOf('new', clientId);
    stream.write(this.#its.accepted[version]);
    if (stream.isPaused()) stream.resume();
  };

  #give(chunk: Buffer, connect: Partial<IConnectPacket> | null): void {
    const { stream } = this.#connection;
    if (connect !== null) this.#stopTimer();
    stream.pause();
    stream.off('data', this.#received);
    stream.off('end', end);
    stream.unshift(chunk);
    this.#its.giveToAedes(this.#connection, this.#request, connect);
  }

  readonly #closed = (): void => {
    this.#stopTimer();
    const { isRegistered, sinceMs, clientId } = this.#connection;
    // Of those that aedes registered it reports the end, after their will.
    if (isRegistered) return;
    if (sinceMs !== null) this.#its.tellOf('disconnect', clientId);
    this.#its.sessions.closed(this.#connection);
  };
}

const refused = ({ code, reasonCode }: ConnackVerdict, version: 3 | 4 | 5): Buffer =>
  Buffer.from(version === 5 ? [0x20, 3, 0, reasonCode, 0] : [0x20, 2, 0, code]);

/** As it was, but without what was shown: that was judged already. */
function connectAgain({ connect, clientId }: BrokerConnection): Partial<IConnectPacket> {
  const { version = 4, keepAliveSeconds: keepalive = 0 } = connect ?? {};
  const protocolId = version === 3 ? 'MQIsdp' : 'MQTT';
  return { cmd: 'connect', protocolId, protocolVersion: version, clean: true, clientId, keepalive };
}
