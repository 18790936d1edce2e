/** Where MQTT clients arrive: TCP, TLS and WebSocket, with one limit over all of them. */
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
  /** Takes nobody new; resolves when every socket is closed. */
  close(): Promise<void>;
  /** Closes what is still open, at once. */
  destroySockets(): void;
}

/** `source`: the address of the other side, IPv4 without the IPv6 in front. */
export type Accept = (
  stream: Duplex,
  request: IncomingMessage | undefined,
  source: string | null,
) => void;

/** Keep-alive probes find peers that went away without a word, where MQTT's own keep alive is off. */
const socketOptions = { noDelay: true, keepAlive: true, keepAliveInitialDelay: 60_000 };

const sourceOf = ({ remoteAddress }: Socket): string | null =>
  remoteAddress?.replace(/^::ffff:/, '') ?? null;

/** Rejects when an address cannot be listened on; then nothing listens. */
export async function openListeners(
  options: ListenerOptions,
  sizes: {
    readonly connections: number;
    readonly connectTimeoutMs: number;
    readonly packetBytes: number;
  },
  accept: Accept,
): Promise<Listeners> {
  const sockets = new Set<Socket>();
  const servers: Server[] = [];

  const listening = async (server: Server, host: string, port: number): Promise<string> => {
    // Before whatever else looks at new connections.
    server.prependListener('connection', (socket: Socket) => {
      if (sockets.size >= sizes.connections) return socket.destroy();
      sockets.add(socket);
      return socket.once('close', () => sockets.delete(socket));
    });
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(port, host, resolve);
    });
    server.removeAllListeners('error').on('error', () => {});
    servers.push(server);
    const { address, family, port: taken } = server.address() as AddressInfo;
    return `${family === 'IPv6' ? `[${address}]` : address}:${taken}`;
  };
  const close = async (): Promise<void> => {
    await Promise.all(
      servers.map((server) => new Promise<void>((resolve) => server.close(() => resolve()))),
    );
  };

  const destroySockets = (): void => {
    for (const socket of sockets) socket.destroy();
  };

  try {
    const tcp = createServer(socketOptions, (socket) => {
      if (!socket.destroyed) accept(socket, undefined, sourceOf(socket));
    });
    const mqtt = `mqtt://${await listening(tcp, options.host, options.port)}`;
    let ws: string | undefined;
    let mqtts: string | undefined;
    if (options.webSocket !== undefined) {
      const { host, port, path } = options.webSocket;
      const server = webSocketServer(path, sizes, accept);
      ws = `ws://${await listening(server, host, port)}${path}`;
    }
    if (options.tls !== undefined) {
      const { host, port, key, cert, ca } = options.tls;
      const server = createTlsServer({
        ...socketOptions,
        key,
        cert,
        ...(ca === undefined ? {} : { ca }),
        handshakeTimeout: sizes.connectTimeoutMs,
      });
      server.on('secureConnection', (socket) => accept(socket, undefined, sourceOf(socket)));
      server.on('tlsClientError', (_error, socket) => socket.destroy());
      mqtts = `mqtts://${await listening(server, host, port)}`;
    }
    return {
      addresses: {
        mqtt,
        ...(ws === undefined ? {} : { ws }),
        ...(mqtts === undefined ? {} : { mqtts }),
      },
      close,
      destroySockets,
    };
  } catch (error) {
    const closing = close();
    destroySockets();
    await closing;
    throw error;
  }
}

/** An HTTP server that does nothing but upgrade `path` to MQTT [MQTT-6.0.0-3]. */
function webSocketServer(
  path: string,
  sizes: { readonly connectTimeoutMs: number; readonly packetBytes: number },
  accept: Accept,
): Server {
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
