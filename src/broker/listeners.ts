/** Accepts MQTT connections by TCP, TLS and WebSocket, with limits over all of them and on each source. */
import { createServer as createHttpServer, type IncomingMessage } from 'node:http';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { createServer as createTlsServer } from 'node:tls';
import { createWebSocketStream, type WebSocket, WebSocketServer } from 'ws';
import { mqttReadAheadBytesMax } from '../limits.ts';
import { matchesNetworks, sourceKey } from '../platform/networks.ts';
import type { MqttLimit } from './ports/embedded.ts';

export interface ListenerOptions {
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
  readonly webSocket?: { readonly host: string; readonly port: number; readonly path: '/mqtt' };
  readonly tls?: {
    readonly host: string;
    readonly port: number;
    readonly key: string | Buffer;
    readonly cert: string | Buffer;
    readonly ca?: string | Buffer;
  };
  /** Networks of proxies: what comes from there is of many sources. */
  readonly trustedProxies?: readonly string[];
  /** Told each time that a connection is refused by a limit. */
  readonly onLimit?: (limit: MqttLimit) => void;
}

export interface Addresses {
  readonly mqtt: string;
  readonly ws?: string;
  readonly mqtts?: string;
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
  async listen(server: Server, host: string, port: number): Promise<string> {
    // Before every other listener for new connections.
    server.prependListener('connection', (socket: Socket) => {
      const limit = this.#admit(socket);
      if (limit === null) return;
      socket.destroy();
      this.#options.onLimit?.(limit);
    });
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(port, host, resolve);
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
    if (this.#sockets.size >= this.#limits.connections) return 'connections';
    const isMany = matchesNetworks(this.#options.trustedProxies ?? nowhere, source);
    if (count >= this.#limits.connectionsPerSource && !isMany) return 'connections-per-source';
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
  const { webSocket, tls } = options;
  const open = new OpenListeners(sizes, options);
  try {
    const tcp = createServer(socketOptions, (socket) => {
      if (!socket.destroyed) accept(socket, undefined, sourceOf(socket));
    });
    const mqtt = `mqtt://${await open.listen(tcp, options.host, options.port)}`;
    const addresses: { mqtt: string; ws?: string; mqtts?: string } = { mqtt };
    if (webSocket !== undefined) {
      const { host, port, path } = webSocket;
      const server = webSocketServer(path, sizes, accept);
      addresses.ws = `ws://${await open.listen(server, host, port)}${path}`;
    }
    if (tls !== undefined) {
      const server = tlsServer(tls, sizes, accept);
      addresses.mqtts = `mqtts://${await open.listen(server, tls.host, tls.port)}`;
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

function tlsServer(
  { key, cert, ca }: NonNullable<ListenerOptions['tls']>,
  sizes: ListenerLimits,
  accept: Accept,
): Server {
  const server = createTlsServer({
    ...socketOptions,
    key,
    cert,
    ...(ca === undefined ? {} : { ca }),
    handshakeTimeout: sizes.connectTimeoutMs,
  });
  server.on('secureConnection', (socket) => accept(socket, undefined, sourceOf(socket)));
  server.on('tlsClientError', (_error, socket) => socket.destroy());
  return server;
}

/** An HTTP server that does nothing but upgrade `path` to MQTT [MQTT-6.0.0-3]. */
function webSocketServer(path: string, sizes: ListenerLimits, accept: Accept): Server {
  // `closeTimeout` is not in its types.
  const settings = {
    noServer: true,
    // A frame may hold several packets, and none has to be whole.
    maxPayload: sizes.packetBytes * 2,
    closeTimeout: sizes.closeTimeoutMs,
    perMessageDeflate: false,
    handleProtocols: (offered: Set<string>) => protocols.find((name) => offered.has(name)) ?? false,
  };
  const upgrades = new WebSocketServer(settings);
  const server = createHttpServer(
    {
      ...socketOptions,
      headersTimeout: sizes.connectTimeoutMs,
      requestTimeout: sizes.connectTimeoutMs,
      connectionsCheckingInterval: Math.min(1_000, sizes.connectTimeoutMs),
      keepAliveTimeout: 1,
    },
    (_request, response) => {
      response.writeHead(426, { upgrade: 'websocket', connection: 'close' }).end();
    },
  );
  // A socket that is upgraded is no business of the HTTP server's timeouts any more.
  const overdue = new WeakMap<Socket, NodeJS.Timeout>();
  server.on('connection', (socket: Socket) => {
    const timer = setTimeout(() => socket.destroy(), sizes.connectTimeoutMs).unref();
    overdue.set(socket, timer);
    socket.once('close', () => clearTimeout(timer));
  });
  server.on('upgrade', (request, socket: Socket, head) => {
    socket.on('error', () => {});
    const offered = request.headers['sec-websocket-protocol']?.split(',') ?? [];
    if (
      request.url?.split('?')[0] !== path ||
      !offered.some((name) => protocols.includes(name.trim()))
    )
      return socket.end('HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n', () =>
        socket.destroy(),
      );
    return upgrades.handleUpgrade(request, socket, head, (webSocket) => {
      clearTimeout(overdue.get(socket));
      const bytesMax = sizes.connectBytes + mqttReadAheadBytesMax;
      accept(streamOf(webSocket, socket, bytesMax), request, sourceOf(socket));
    });
  });
  return server;
}

const protocols = ['mqtt', 'mqttv3.1'];

/** `bytesMax`: what may come before something is written, since a whole frame is held in memory. */
function streamOf(webSocket: WebSocket, socket: Socket, bytesMax: number): Duplex {
  const begun = socket.bytesRead;
  const bound = () => {
    if (socket.bytesRead - begun > bytesMax) webSocket.terminate();
  };
  socket.on('data', bound);
  webSocket.on('message', (_data, isBinary) => {
    // [MQTT-6.0.0-1]
    if (!isBinary) webSocket.terminate();
  });
  return createWebSocketStream(webSocket, {
    // A packet is written in pieces; without this each would be a frame.
    writev(chunks, done) {
      socket.off('data', bound);
      webSocket.send(Buffer.concat(chunks.map(({ chunk }) => chunk)), done);
    },
  });
}
