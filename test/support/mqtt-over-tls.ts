/** MQTT over TLS and secure WebSocket as a client with a certificate speaks it. */
import { once } from 'node:events';
import type { Duplex } from 'node:stream';
import { connect as connectTls } from 'node:tls';
import { createWebSocketStream, WebSocket } from 'ws';
import { type Connect, connectPacket, type RawMqtt, rawMqttOver } from './mqtt-peers.ts';

/** PEM; the chain may hold more than the client's own. */
export interface ClientIdentity {
  readonly key: string;
  readonly cert: string;
}

async function opened(
  url: string,
  how: { readonly ca: string } & Partial<ClientIdentity>,
): Promise<Duplex> {
  const { protocol, hostname: host, port } = new URL(url);
  if (protocol === 'wss:') {
    const webSocket = new WebSocket(url, 'mqtt', how);
    await once(webSocket, 'open');
    const stream = createWebSocketStream(webSocket);
    // It ends with its socket, but does not close.
    webSocket.once('close', () => stream.destroy());
    return stream;
  }
  const socket = connectTls({ ...how, host, port: Number(port) });
  await once(socket, 'secureConnect');
  return socket;
}

/** Connects and waits for the answer, whatever it is. */
export async function connectedOverTls(
  url: string,
  how: { readonly ca: string } & Partial<ClientIdentity>,
  options: Connect,
): Promise<Omit<RawMqtt, 'socket'> & { readonly code: number }> {
  const raw = rawMqttOver(await opened(url, how), options.version);
  raw.send(connectPacket(options));
  const connack = await raw.take('connack');
  return { ...raw, code: connack.returnCode ?? connack.reasonCode ?? -1 };
}
