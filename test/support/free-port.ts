/** A port for a program that takes none by itself. */
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:net';

/** Below those that the system gives away by itself: nobody else's connection or server lands there. */
const [firstPort, endPort] = [15_000, 32_000];
const triesMax = 20;

/** One that was free a moment ago. */
export async function freePort(): Promise<number> {
  for (let tries = 1; ; tries++) {
    const port = randomInt(firstPort, endPort);
    const server = createServer().listen(port, '127.0.0.1');
    try {
      await once(server, 'listening');
    } catch (error) {
      if (tries === triesMax) throw error;
      continue;
    }
    server.close();
    await once(server, 'close');
    return port;
  }
}
