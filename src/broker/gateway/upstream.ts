/** Connects to the broker behind the gateway: by TCP, by TLS, or by a Unix socket. */
import { connect as connectTcp, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { connect as connectTls } from 'node:tls';
import { gatewayQueueFullMs } from '../../limits/brokers.ts';

export type Upstream =
  | { readonly host: string; readonly port: number; readonly tls?: boolean }
  | { readonly path: string };

/**
 * A connection to the broker; null when there is none within `timeoutMs`, or when the client closes first.
 * `opened` is given each socket before it is connected, so that it can be closed meanwhile.
 */
export async function connectUpstream(
  upstream: Upstream,
  client: Duplex,
  timeoutMs: number,
  opened: (socket: Socket) => void,
): Promise<Socket | null> {
  const until = performance.now() + timeoutMs;
  for (;;) {
    const socket = openSocket(upstream);
    opened(socket);
    const result = await connected(socket, upstream, client, until - performance.now());
    // A Unix socket refuses at once when its queue is full, where TCP would wait: so the wait is here.
    if (result !== 'queue-full') return result;
    await delay(gatewayQueueFullMs);
    if (client.destroyed || performance.now() >= until) return null;
  }
}

function openSocket(upstream: Upstream): Socket {
  const socket =
    'path' in upstream
      ? connectTcp({ path: upstream.path })
      : upstream.tls
        ? connectTls({ host: upstream.host, port: upstream.port, servername: upstream.host })
        : connectTcp({ host: upstream.host, port: upstream.port });
  return socket.setNoDelay(true).setKeepAlive(true, 60_000);
}

function connected(
  socket: Socket,
  upstream: Upstream,
  client: Duplex,
  timeoutMs: number,
): Promise<Socket | null | 'queue-full'> {
  const ready = 'path' in upstream || !upstream.tls ? 'connect' : 'secureConnect';
  return new Promise((resolve) => {
    const settle = (result: Socket | null | 'queue-full') => {
      clearTimeout(timer);
      socket.off(ready, succeeded).off('close', failed);
      client.off('close', failed);
      if (result !== socket) socket.destroy();
      resolve(result);
    };
    const succeeded = () => settle(socket);
    const failed = () => settle(null);
    const timer = setTimeout(failed, timeoutMs);
    socket.on('error', ({ code }: NodeJS.ErrnoException) => {
      if (code === 'EAGAIN') settle('queue-full');
    });
    socket.once(ready, succeeded).once('close', failed);
    client.once('close', failed);
  });
}

/** The next bytes; null when the stream is at its end, or broken. */
export async function nextChunk(stream: Duplex): Promise<Buffer | null> {
  for (;;) {
    const chunk: Buffer | null = stream.read();
    if (chunk !== null) return chunk;
    if (stream.readableEnded || stream.destroyed) return null;
    await new Promise<void>((resolve) => {
      const settle = () => {
        stream.off('readable', settle).off('end', settle).off('close', settle);
        resolve();
      };
      stream.on('readable', settle).on('end', settle).on('close', settle);
    });
  }
}
