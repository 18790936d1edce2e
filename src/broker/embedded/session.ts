/** One MQTT session and its connection, and how they are closed on the wire. */
import type { Duplex } from 'node:stream';
import type { Client } from 'aedes';
import { generate } from 'mqtt-packet';
import { mqttFilterLevelCharacters } from '../../limits/mqtt.ts';
import type { Admission, ShownCertificate } from '../ports/authenticator.ts';
import type { BrokerSession } from '../ports/embedded.ts';
import { Gathered } from './fairness/gathered.ts';

export type SessionRights = Pick<Admission, 'permissions' | 'publishPrefix'>;

/** One socket, from its first byte on. */
export class BrokerConnection {
  readonly stream: Duplex;
  readonly source: string | null;
  readonly certificate: ShownCertificate | null;
  /** aedes' part of it; null: it was not needed yet. */
  client: Client | null = null;
  clientId = '';
  lastPacketMs: number;
  /** From the CONNECT, once it was received. */
  connect: {
    readonly version: 3 | 4 | 5;
    readonly cleanStart: boolean;
    readonly clientId: string;
    readonly keepAliveSeconds: number;
  } | null = null;
  session: HeldSession | null = null;
  /** Whether the session is one that was stored. */
  isResumed = false;
  /** When it was answered with success; null: not yet. */
  sinceMs: number | null = null;
  /** Whether aedes tells when it is over. */
  isRegistered = false;
  #outgoing: Gathered | null = null;
  #closed: PromiseWithResolvers<void> | null = null;
  #isOver = false;

  constructor(
    stream: Duplex,
    { source, certificate }: Pick<BrokerConnection, 'source' | 'certificate'>,
    atMs: number,
  ) {
    this.stream = stream;
    this.source = source;
    this.certificate = certificate;
    this.lastPacketMs = atMs;
  }

  get outgoing(): Gathered {
    this.#outgoing ??= new Gathered(this.stream);
    return this.#outgoing;
  }

  /** Whether nothing more can come from it. */
  get isGone(): boolean {
    return this.stream.destroyed || this.client?.closed === true;
  }

  /** Aborted when its stream is closed. */
  goneSignal(): AbortSignal {
    const gone = new AbortController();
    if (this.stream.closed) gone.abort();
    else this.stream.once('close', () => gone.abort());
    return gone.signal;
  }

  /** Seconds that its session is kept after it. */
  get sessionExpirySeconds(): number {
    return this.client?.sessionExpiryInterval ?? 0;
  }

  get protocol(): BrokerSession['protocol'] {
    const version = this.client?.version ?? this.connect?.version;
    return version === 5 ? 'mqtt-5' : version === 3 ? 'mqtt-3.1' : 'mqtt-3.1.1';
  }

  /** Resolves when nothing of this connection can happen any more, its will included. */
  closed(): Promise<void> {
    this.#closed ??= Promise.withResolvers();
    if (this.#isOver) this.#closed.resolve();
    return this.#closed.promise;
  }

  markClosed(): void {
    this.#isOver = true;
    this.#closed?.resolve();
  }
}

/** One that aedes has a part in. */
export type ServedConnection = BrokerConnection & { readonly client: Client };

export interface ConnectedUser {
  readonly username: string;
  rights: SessionRights;
  readonly sessions: Set<HeldSession>;
  /** Those without a connection, the oldest first. */
  readonly stored: Set<HeldSession>;
}

export interface HeldSession {
  readonly user: ConnectedUser;
  readonly clientId: string;
  /** What it was opened with last. */
  credentialId: string | null;
  tokenId: string | null;
  certificate: ShownCertificate | null;
  /** Granted filters, and the subscription identifiers of those that have one. */
  readonly filters: Set<string>;
  readonly identifiers: Map<string, number>;
  /** Levels of those filters together, which is what they take of memory. */
  filterLevels: number;
  /** Null: stored. */
  connection: BrokerConnection | null;
  /** Set when it is over: nothing is published, delivered or granted any more. */
  ended: boolean;
  expiry: NodeJS.Timeout | null;
  will: { readonly timer: NodeJS.Timeout; publish(): void } | null;
}

/** A level is a node of the broker's tree; a long one takes as much as several. */
export function levelCountOf(filter: string): number {
  let count = 0;
  for (const { length } of filter.split('/'))
    count += Math.max(1, Math.ceil(length / mqttFilterLevelCharacters));
  return count;
}

export function rememberFilter(session: HeldSession, filter: string): void {
  if (!session.filters.has(filter)) session.filterLevels += levelCountOf(filter);
  session.filters.add(filter);
}

export function forgetFilters(session: HeldSession | undefined, filters: Iterable<string>): void {
  if (session === undefined) return;
  for (const filter of filters) {
    if (session.filters.delete(filter)) session.filterLevels -= levelCountOf(filter);
    session.identifiers.delete(filter);
  }
}

const mqtt5 = { protocolVersion: 5 };

/** Sends a DISCONNECT where the socket accepts it, and closes at once where it does not. */
export function closeClient(client: Client, reasonCode: number, reason?: string): void {
  if (client.conn.writableNeedDrain) client.close();
  else
    client.disconnect({
      reasonCode,
      ...(reason === undefined ? {} : { properties: { reasonString: reason } }),
    });
}

/** The same where aedes has no part in it yet, or has not been told all of it. */
export function closeConnection(
  { client, stream, connect, sinceMs }: BrokerConnection,
  reasonCode: number,
  reason?: string,
): void {
  if (stream.destroyed) return;
  if (client?.connected === true) closeClient(client, reasonCode, reason);
  else if (sinceMs !== null && connect?.version === 5 && !stream.writableNeedDrain) {
    const properties = reason === undefined ? {} : { properties: { reasonString: reason } };
    stream.write(generate({ cmd: 'disconnect', reasonCode, ...properties }, mqtt5));
    setImmediate(() => stream.destroy());
  } else stream.destroy();
}

/** aedes takes filters here, though its types speak of subscriptions. */
export const unsubscribe = (client: Client, filters: readonly string[], done: () => void): void =>
  client.unsubscribe(filters as unknown as Parameters<Client['unsubscribe']>[0], done);
