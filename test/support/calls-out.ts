/** Loaded into the service with `--import`: notes in the file `CALLS_OUT` whom it connects to, a `host port` a line, also where nobody answers. */
import { appendFileSync } from 'node:fs';
import { Socket } from 'node:net';

const file = process.env.CALLS_OUT ?? '';
const { connect } = Socket.prototype;

interface Target {
  readonly host?: string;
  readonly port?: number | string;
}

Socket.prototype.connect = function noted(this: Socket, ...given: unknown[]) {
  // Node's own callers pass what they have put in order as a list of its own.
  const [first] = given;
  const target = (Array.isArray(first) ? first[0] : first) as Target | undefined;
  if (target?.port !== undefined)
    appendFileSync(file, `${target.host ?? 'localhost'} ${target.port}\n`);
  return Reflect.apply(connect, this, given);
} as typeof connect;
