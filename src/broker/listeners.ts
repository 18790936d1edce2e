/** Accepts MQTT connections by TCP, TLS and WebSocket, with limits over all of them and on each source. */
import type { IncomingMessage } from 'node:http';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { createServer as createTlsServer } from 'node:tls';
import { mqttBacklog } from '../limits/mqtt.ts';
import { matchesNetworks, sourceKey } from '../platform/networks.ts';
import {
  certificatesAsked,
  followIdentity,
  type ServerIdentity,
} from '../platform/server-identity.ts';
import type { MqttLimit } from './ports/embedded.ts';
import { webSocketServer } from './web-socket.ts';

/** `port` 0: any free one. */
interface MqttAddress {
  readonly host: string;
  readonly port: number;
}

interface WebSocketAddress extends MqttAddress {
  readonly path: '/mqtt';
  /** Whether a page of another site asks. */
  readonly isForeign?: (request: IncomingMessage) => boolean;
}

interface Secured {
  readonly identity: ServerIdentity;
}

export interface ListenerOptions {
  /** MQTT over plain TCP. */
  readonly tcp?: MqttAddress;
  readonly webSocket?: WebSocketAddress;
  readonly tls?: MqttAddress & Secured;
  readonly secureWebSocket?: WebSocketAddress & Secured;
  /** Connections open at once, over all listeners; absent: the named limit. */
  readonly connectionsMax?: number;
  /** Networks of proxies: what comes from there is of many sources. */
  readonly trustedProxies?: readonly string[];
  /** Told each time that a connection is refused by a limit. */
  readonly onLimit?: (limit: MqttLimit) => void;
  /** Is given each connection before anything is read of it. */
  readonly watch?: (socket: Socket) => void;
}

export interface Addresses {
  readonly mqtt?: string;
  readonly ws?: string;
  readonly mqtts?: string;
  readonly wss?: string;
}

export interface Listeners {
  readonly addresses: Addresses;
  /** Sockets that are open now. */
  connectionCount(): number;
  /** Accepts no more connections; resolves when every socket is closed. */
  close(): Promise<void>;
  /** Closes what is still open, at once. */
  destroySockets(): void;
}

/** `source`: the peer's address, an IPv4 address without the prefix `::ffff:`. */
export type Accept = (
  stream: Duplex,
  request: IncomingMessage | undefined,
  source: string | null,
) => void;

/** Keep-alive probes find peers that disappeared without a close, where MQTT's own keep alive is off. */
const socketOptions = { noDelay: true, keepAlive: true, keepAliveInitialDelay: 60_000 };

const sourceOf = ({ remoteAddress }: Socket): string | null =>
  remoteAddress?.replace(/^::ffff:/, '') ?? null;

export interface ListenerLimits {
  readonly connections: number;
  readonly connectionsPerSource: number;
  readonly connectTimeoutMs: number;
  /** For a WebSocket, from a Close frame to its end. */
  readonly closeTimeoutMs: number;
  readonly connectBytes: number;
  readonly packetBytes: number;
}

const nowhere: readonly string[] = [];

/** Servers and all their connections, whose number is limited. */
class OpenListeners {
  readonly #limits: ListenerLimits;
  readonly #options: ListenerOptions;
  readonly #sockets = new Set<Socket>();
  /** Open connections by source; who has none is not in it. */
  readonly #bySource = new Map<string, number>();
  readonly #servers: Server[] = [];

  constructor(limits: ListenerLimits, options: ListenerOptions) {
    this.#limits = limits;
    this.#options = options;
  }

  /** Resolves with the address that it listens on. */
  async listen(server: Server, { host, port }: MqttAddress): Promise<string> {
    // Before every other listener for new connections.
    server.prependListener('connection', (socket: Socket) => {
      const limit = this.#admit(socket);
      if (limit === null) return void this.#options.watch?.(socket);
      socket.destroy();
      this.#options.onLimit?.(limit);
    });
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen({ port, host, backlog: mqttBacklog }, resolve);
    });
    server.removeAllListeners('error').on('error', () => {});
    this.#servers.push(server);
    const { address, family, port: taken } = server.address() as AddressInfo;
    return `${family === 'IPv6' ? `[${address}]` : address}:${taken}`;
  }

  /** Counts a connection until it is closed; the limit that does not allow it, or null. */
  #admit(socket: Socket): MqttLimit | null {
    const source = sourceOf(socket);
    const key = sourceKey(source);
    const count = this.#bySource.get(key) ?? 0;
    const max = this.#options.connectionsMax ?? this.#limits.connections;
    if (this.#sockets.size >= max) return 'connections';
    const isOfMany = () => matchesNetworks(this.#options.trustedProxies ?? nowhere, source);
    if (count >= this.#limits.connectionsPerSource && !isOfMany()) return 'connections-per-source';
    this.#sockets.add(socket);
    this.#bySource.set(key, count + 1);
    socket.once('close', () => {
      this.#sockets.delete(socket);
      const left = (this.#bySource.get(key) ?? 1) - 1;
      if (left === 0) this.#bySource.delete(key);
      else this.#bySource.set(key, left);
    });
    return null;
  }

  get count(): number {
    return this.#sockets.size;
  }

  async close(): Promise<void> {
    await Promise.all(
      this.#servers.map((server) => new Promise<void>((resolve) => server.close(() => resolve()))),
    );
  }

  destroySockets(): void {
    for (const socket of this.#sockets) socket.destroy();
  }
}

/** Rejects when an address cannot be listened on; then nothing listens. */
export async function openListeners(
  options: ListenerOptions,
  sizes: ListenerLimits,
  accept: Accept,
): Promise<Listeners> {
  const { tcp, webSocket, tls, secureWebSocket } = options;
  const open = new OpenListeners(sizes, options);
  const upgrading = (at: WebSocketAddress & Partial<Secured>) =>
    webSocketServer(at, sizes, (stream, request) =>
      accept(stream, request, sourceOf(request.socket)),
    );
  const addresses: { -readonly [Kind in keyof Addresses]: string } = {};
  try {
    if (tcp !== undefined) addresses.mqtt = `mqtt://${await open.listen(tcpServer(accept), tcp)}`;
    if (webSocket !== undefined)
      addresses.ws = `ws://${await open.listen(upgrading(webSocket), webSocket)}${webSocket.path}`;
    if (tls !== undefined)
      addresses.mqtts = `mqtts://${await open.listen(tlsServer(tls.identity, sizes, accept), tls)}`;
    if (secureWebSocket !== undefined) {
      const at = await open.listen(upgrading(secureWebSocket), secureWebSocket);
      addresses.wss = `wss://${at}${secureWebSocket.path}`;
    }
    return {
      addresses,
      connectionCount: () => open.count,
      close: () => open.close(),
      destroySockets: () => open.destroySockets(),
    };
  } catch (error) {
    const closing = open.close();
    open.destroySockets();
    await closing;
    throw error;
  }
}

const tcpServer = (accept: Accept): Server =>
  createServer(socketOptions, (socket) => {
    if (!socket.destroyed) accept(socket, undefined, sourceOf(socket));
  });

function tlsServer(identity: ServerIdentity, sizes: ListenerLimits, accept: Accept): Server {
  const server = createTlsServer({
    ...socketOptions,
    ...identity.current(),
    ...certificatesAsked,
    handshakeTimeout: sizes.connectTimeoutMs,
  });
  followIdentity(server, identity);
  server.on('secureConnection', (socket) => accept(socket, undefined, sourceOf(socket)));
  server.on('tlsClientError', (_error, socket) => socket.destroy());
  return server;
}
