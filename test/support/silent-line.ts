/** A line between a client and a server that can fall silent: nothing comes through, and nobody is told. */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

export interface SilentLine {
  readonly port: number;
  /** From now on the connections that there are swallow everything; new ones work. */
  fallSilent(): void;
  close(): Promise<void>;
}

export async function lineTo(port: number): Promise<SilentLine> {
  const open = new Set<Socket>();
  const silent = new Set<Socket>();
  const server = createServer((near) => {
    const far = connect(port, '127.0.0.1');
    const pass = (from: Socket, to: Socket) => {
      open.add(from);
      from.on('data', (bytes) => {
        if (!silent.has(from)) to.write(bytes);
      });
      // The other end of a silent line hears of no end either.
      from.on('error', () => undefined);
      from.on('close', () => {
        open.delete(from);
        if (!silent.has(from)) to.destroy();
      });
    };
    pass(near, far);
    pass(far, near);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    fallSilent() {
      for (const socket of open) silent.add(socket);
    },
    async close() {
      for (const socket of open) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
