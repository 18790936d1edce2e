/**
 * A syslog receiver as a process of its own, to be killed: takes messages behind their length by TCP or TLS and prints
 * each as one line of JSON when it has it. `DIES_AFTER` messages it kills itself, with the rest of what it read in hand.
 */
import { readFileSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';

const { PORT = '0', TLS_KEY, TLS_CERT, DIES_AFTER = '0' } = process.env;
let count = 0;

function take(message: string): void {
  process.stdout.write(`${JSON.stringify({ message })}\n`);
  count += 1;
  if (count === Number(DIES_AFTER)) process.kill(process.pid, 'SIGKILL');
}

function receive(socket: Socket): void {
  let rest = Buffer.alloc(0);
  socket.on('error', () => undefined);
  socket.on('data', (chunk) => {
    rest = Buffer.concat([rest, chunk]);
    for (;;) {
      const space = rest.indexOf(0x20);
      if (space < 0) return;
      const length = /^[1-9]\d{0,8}$/.exec(rest.toString('latin1', 0, space))?.[0];
      if (length === undefined) throw new Error(`no length: ${rest.toString('latin1', 0, 40)}`);
      const end = space + 1 + Number(length);
      if (rest.length < end) return;
      take(rest.toString('utf8', space + 1, end));
      rest = rest.subarray(end);
    }
  });
}

const server =
  TLS_KEY === undefined || TLS_CERT === undefined
    ? createServer(receive)
    : createTlsServer({ key: readFileSync(TLS_KEY), cert: readFileSync(TLS_CERT) }, receive);
server.listen(Number(PORT), '127.0.0.1', () => {
  const { port } = server.address() as { port: number };
  process.stdout.write(`${JSON.stringify({ port })}\n`);
});
