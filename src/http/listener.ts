/** One listening HTTP or HTTPS socket: its limits, and how it ends. */
import { createServer } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import {
  connectionsMax,
  headerBytesMax,
  headersTimeoutMs,
  keepAliveTimeoutMs,
  lingerMs,
  requestTimeoutMs,
  stopGraceMs,
  tlsHandshakeTimeoutMs,
} from '../limits/http.ts';
import {
  certificatesAsked,
  followIdentity,
  type ServerIdentity,
} from '../platform/server-identity.ts';
import type { HttpApplication } from './application.ts';
import { answerOnce, type Serve } from './one-answer.ts';

export interface Listener {
  /** `http://127.0.0.1:8080` or `https://…`, with the port that was really taken. */
  readonly url: string;
  readonly port: number;
  /**
   * Takes no more connections, lets what runs finish for at most `graceMs`, then closes all. The
   * application must know already that the service stops.
   */
  stop(graceMs?: number): Promise<void>;
}

interface Listening {
  readonly host: string;
  readonly port: number;
  /** With it TLS is spoken. */
  readonly identity?: ServerIdentity;
  readonly lingerMs?: number;
  readonly handshakeTimeoutMs?: number;
  /** What every request goes through on its way to the application. */
  readonly through?: (serve: Serve) => Serve;
}

/**
 * Listens. Rejects when the address cannot be had.
 * @param options `port` 0 takes a free one
 */
export async function listen(application: HttpApplication, options: Listening): Promise<Listener> {
  const { through = (serve: Serve) => serve } = options;
  const server = serverFor(options);
  answerOnce(server, through(application.callback()), options.lingerMs ?? lingerMs);
  server.maxConnections = connectionsMax;

  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port, options.host, () => {
      server.off('error', reject);
      resolve();
    });
  });
  const { address, port, family } = server.address() as AddressInfo;

  return {
    url: `${options.identity === undefined ? 'http' : 'https'}://${family === 'IPv6' ? `[${address}]` : address}:${port}`,
    port,
    stop: (graceMs = stopGraceMs) =>
      new Promise<void>((resolve) => {
        const timer = setTimeout(() => server.closeAllConnections(), graceMs);
        server.close(() => {
          clearTimeout(timer);
          resolve();
        });
      }),
  };
}

function serverFor({ identity, handshakeTimeoutMs = tlsHandshakeTimeoutMs }: Listening) {
  const limits = {
    maxHeaderSize: headerBytesMax,
    headersTimeout: headersTimeoutMs,
    requestTimeout: requestTimeoutMs,
    keepAliveTimeout: keepAliveTimeoutMs,
    connectionsCheckingInterval: 5_000,
  };
  if (identity === undefined) return createServer(limits);
  const server = createTlsServer({
    ...limits,
    ...identity.current(),
    ...certificatesAsked,
    handshakeTimeout: handshakeTimeoutMs,
  });
  followIdentity(server, identity);
  server.on('tlsClientError', (_error, socket) => socket.destroy());
  return server;
}
