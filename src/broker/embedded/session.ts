/** One MQTT session and its connection, and how they are closed on the wire. */
import type { Client } from 'aedes';
import { mqttFilterLevelCharacters } from '../../limits/mqtt.ts';
import type { Admission, ShownCertificate } from '../ports/authenticator.ts';
import type { BrokerSession } from '../ports/embedded.ts';
import { Gathered } from './fairness/gathered.ts';

export type SessionRights = Pick<Admission, 'permissions' | 'publishPrefix'>;

/** One socket, from its first byte on. */
export interface BrokerConnection {
  readonly client: Client;
  readonly source: string | null;
  readonly certificate: ShownCertificate | null;
  readonly outgoing: Gathered;
  lastPacketMs: number;
  /** From the CONNECT, once it was received. */
  connect: {
    readonly cleanStart: boolean;
    readonly clientId: string;
    readonly keepAliveSeconds: number;
  } | null;
  session: HeldSession | null;
  /** Whether the session is one that was stored. */
  isResumed: boolean;
  /** When it was answered with success; null: not yet. */
  sinceMs: number | null;
  /** Resolves when nothing of this connection can happen any more, its will included. */
  readonly closed: Promise<void>;
  markClosed(): void;
}

export function newConnection(
  client: Client,
  { source, certificate }: Pick<BrokerConnection, 'source' | 'certificate'>,
  atMs: number,
): BrokerConnection {
  const { promise, resolve } = Promise.withResolvers<void>();
  return {
    client,
    source,
    certificate,
    outgoing: new Gathered(client.conn),
    lastPacketMs: atMs,
    connect: null,
    session: null,
    isResumed: false,
    sinceMs: null,
    closed: promise,
    markClosed: resolve,
  };
}

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

export function forgetFilters(session: HeldSession, filters: Iterable<string>): void {
  for (const filter of filters) {
    if (session.filters.delete(filter)) session.filterLevels -= levelCountOf(filter);
    session.identifiers.delete(filter);
  }
}

/** Sends a DISCONNECT where the socket accepts it, and closes at once where it does not. */
export function closeClient(client: Client, reasonCode: number, reason?: string): void {
  if (client.conn.writableNeedDrain) client.close();
  else
    client.disconnect({
      reasonCode,
      ...(reason === undefined ? {} : { properties: { reasonString: reason } }),
    });
}

/** aedes takes filters here, though its types speak of subscriptions. */
export const unsubscribe = (client: Client, filters: readonly string[], done: () => void): void =>
  client.unsubscribe(filters as unknown as Parameters<Client['unsubscribe']>[0], done);

export const protocolOf = ({ version }: Client): BrokerSession['protocol'] =>
  version === 5 ? 'mqtt-5' : version === 3 ? 'mqtt-3.1' : 'mqtt-3.1.1';
