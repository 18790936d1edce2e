/** A gateway in a test, before a broker that does what the test says. */
import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import {
  type Gateway,
  type GatewayOptions,
  startGateway,
} from '../../../../src/broker/gateway/gateway.ts';
import type { Authenticator, ConnectAttempt } from '../../../../src/broker/ports/authenticator.ts';
import { createLogger } from '../../../../src/logger.ts';

const logger = createLogger({ level: 'error' });
const portOf = (url: string) => Number(new URL(url).port);

export interface Alone {
  undo: (() => unknown)[];
}

/** A broker that does what a test says. */
export async function brokerThat(
  { undo }: Alone,
  serve: (socket: Socket) => void,
): Promise<number> {
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    serve(socket);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  undo.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return (server.address() as { port: number }).port;
}

export async function gatewayTo(
  { undo }: Alone,
  port: number,
  more: Partial<GatewayOptions> = {},
): Promise<{ gateway: Gateway; port: number; asked: ConnectAttempt[]; outcomes: string[] }> {
  const asked: ConnectAttempt[] = [];
  const outcomes: string[] = [];
  const authenticator: Authenticator = {
    async authenticate(attempt) {
      asked.push(attempt);
      return { admitted: false, reason: 'refused' };
    },
  };
  const gateway = await startGateway({
    upstream: { host: '127.0.0.1', port },
    ...{ tcp: { host: '127.0.0.1', port: 0 }, authenticator, logger },
    onConnect: (outcome) => outcomes.push(outcome),
    ...more,
  });
  undo.push(() => gateway.close());
  return { gateway, port: portOf(gateway.addresses.mqtt as string), asked, outcomes };
}
