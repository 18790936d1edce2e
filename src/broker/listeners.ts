/** Accepts MQTT connections by TCP, TLS and WebSocket, with one limit over all of them. */
import { createServer as createHttpServer, type IncomingMessage } from 'node:http';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { createServer as createTlsServer } from 'node:tls';
import { createWebSocketStream, type WebSocket, WebSocketServer } from 'ws';

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
}

export interface Addresses {
  readonly mqtt: string;
  readonly ws?: string;
  readonly mqtts?: string;
}

export interface Listeners {
  readonly addresses: Addresses;
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

interface Sizes {
  readonly connections: number;
  readonly connectTimeoutMs: number;
  readonly packetBytes: number;
}

/** Servers and all their connections, whose number is limited. */
class OpenListeners {
  readonly #connectionsMax: number;
  readonly #sockets = new Set<Socket>();
  readonly #servers: Server[] = [];

  constructor(connectionsMax: number) {
    this.#connectionsMax = connectionsMax;
  }

  /** Resolves with the address that it listens on. */
  async listen(server: Server, host: string, port: number): Promise<string> {
    // Before every other listener for new connections.
    server.prependListener('connection', (socket: Socket) => {
      if (this.#sockets.size >= this.#connectionsMax) return socket.destroy();
      this.#sockets.add(socket);
      return socket.once('close', () => this.#sockets.delete(socket));
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
  sizes: Sizes,
  accept: Accept,
): Promise<Listeners> {
  const { webSocket, tls } = options;
  const open = new OpenListeners(sizes.connections);
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
  sizes: Sizes,
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
function webSocketServer(path: string, sizes: Sizes, accept: Accept): Server {
  const upgrades = new WebSocketServer({
    noServer: true,
    // A frame may hold several packets, and none has to be whole.
    maxPayload: sizes.packetBytes * 2,
    perMessageDeflate: false,
    handleProtocols: (offered) => protocols.find((name) => offered.has(name)) ?? false,
  });
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
  server.on('upgrade', (request, socket: Socket, head) => {
    socket.on('error', () => {});
    const offered = request.headers['sec-websocket-protocol']?.split(',') ?? [];
    if (
      request.url?.split('?')[0] !== path ||
      !offered.some((name) => protocols.includes(name.trim()))
    )
      return socket.end('HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n');
    return upgrades.handleUpgrade(request, socket, head, (webSocket) => {
      accept(streamOf(webSocket), request, sourceOf(socket));
    });
  });
  return server;
}

const protocols = ['mqtt', 'mqttv3.1'];

function streamOf(webSocket: WebSocket): Duplex {
  webSocket.on('message', (_data, isBinary) => {
    // [MQTT-6.0.0-1]
    if (!isBinary) webSocket.terminate();
  });
  return createWebSocketStream(webSocket, {
    // A packet is written in pieces; without this each would be a frame.
    writev(chunks, done) {
      webSocket.send(Buffer.concat(chunks.map(({ chunk }) => chunk)), done);
    },
  });
}
