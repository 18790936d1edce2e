/** MQTT over WebSocket: an HTTP or HTTPS server that does nothing but upgrade its path [MQTT-6.0.0-3]. */
import { createServer as createHttpServer, type IncomingMessage } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import type { Server, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { createWebSocketStream, type WebSocket, WebSocketServer } from 'ws';
import { mqttReadAheadBytesMax } from '../limits/mqtt.ts';
import {
  certificatesAsked,
  followIdentity,
  type ServerIdentity,
} from '../platform/server-identity.ts';

interface WebSocketLimits {
  readonly connectTimeoutMs: number;
  /** From a Close frame to its end. */
  readonly closeTimeoutMs: number;
  readonly connectBytes: number;
  readonly packetBytes: number;
}

interface WebSocketPlace {
  readonly path: string;
  readonly identity?: ServerIdentity;
  readonly isForeign?: (request: IncomingMessage) => boolean;
}

const protocols = ['mqtt', 'mqttv3.1'];

const refuse = (socket: Socket, status: '400 Bad Request' | '403 Forbidden') =>
  socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\n\r\n`, () => socket.destroy());

/**
 * `identity`: of a server that speaks TLS. `isForeign`: who is refused, since a page of another site asks. `accept` is given
 * each connection that was upgraded.
 */
export function webSocketServer(
  { path, identity, isForeign }: WebSocketPlace,
  sizes: WebSocketLimits,
  accept: (stream: Duplex, request: IncomingMessage) => void,
): Server {
  const server = upgradingServer(identity, sizes);
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
  // A socket that is upgraded is no business of the HTTP server's timeouts any more.
  const overdue = new WeakMap<Socket, NodeJS.Timeout>();
  server.on(identity === undefined ? 'connection' : 'secureConnection', (socket: Socket) => {
    const timer = setTimeout(() => socket.destroy(), sizes.connectTimeoutMs).unref();
    overdue.set(socket, timer);
    socket.once('close', () => clearTimeout(timer));
  });
  server.on('upgrade', (request: IncomingMessage, socket: Socket, head: Buffer) => {
    socket.on('error', () => {});
    const offered = request.headers['sec-websocket-protocol']?.split(',') ?? [];
    if (
      request.url?.split('?')[0] !== path ||
      !offered.some((name) => protocols.includes(name.trim()))
    )
      return refuse(socket, '400 Bad Request');
    // RFC 6455, section 10.2: a browser lets every page open a WebSocket, and says whose page it is.
    if (isForeign?.(request) === true) return refuse(socket, '403 Forbidden');
    return upgrades.handleUpgrade(request, socket, head, (webSocket) => {
      clearTimeout(overdue.get(socket));
      const bytesMax = sizes.connectBytes + mqttReadAheadBytesMax;
      accept(streamOf(webSocket, socket, bytesMax), request);
    });
  });
  return server;
}

function upgradingServer(identity: ServerIdentity | undefined, sizes: WebSocketLimits): Server {
  const options = {
    ...{ noDelay: true, keepAlive: true, keepAliveInitialDelay: 60_000 },
    headersTimeout: sizes.connectTimeoutMs,
    requestTimeout: sizes.connectTimeoutMs,
    connectionsCheckingInterval: Math.min(1_000, sizes.connectTimeoutMs),
    keepAliveTimeout: 1,
  };
  const upgradeOnly: Parameters<typeof createHttpServer>[1] = (_request, response) => {
    response.writeHead(426, { upgrade: 'websocket', connection: 'close' }).end();
  };
  if (identity === undefined) return createHttpServer(options, upgradeOnly);
  const server = createHttpsServer(
    {
      ...{ ...options, ...identity.current(), ...certificatesAsked },
      handshakeTimeout: sizes.connectTimeoutMs,
    },
    upgradeOnly,
  );
  followIdentity(server, identity);
  server.on('tlsClientError', (_error, socket) => socket.destroy());
  return server;
}

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
  const stream = createWebSocketStream(webSocket, {
    // A packet is written in pieces; without this each would be a frame.
    writev(chunks, done) {
      socket.off('data', bound);
      webSocket.send(Buffer.concat(chunks.map(({ chunk }) => chunk)), done);
    },
  });
  // What is written in one piece answers the CONNECT as well.
  const write = stream._write.bind(stream);
  stream._write = (chunk, encoding, done) => {
    socket.off('data', bound);
    write(chunk, encoding, done);
  };
  return stream;
}
