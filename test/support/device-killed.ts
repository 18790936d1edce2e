/**
 * A device of its own, to be killed: `node device-killed.ts URL FILE` registers, and does `kill -9` to itself before the
 * step number KILL_AT of what it writes, sends and hears. Without, it prints how many steps there were.
 */
import { promises as files } from 'node:fs';
import http from 'node:http';
import { syncBuiltinESMExports } from 'node:module';

const [url = '', file = ''] = process.argv.slice(2);
const killAt = Number(process.env.KILL_AT ?? Number.NaN);
let steps = 0;

function step(): void {
  steps++;
  if (steps === killAt) process.kill(process.pid, 'SIGKILL');
}

/** One function in the place of another, which is a step before what it does. */
// biome-ignore lint/suspicious/noExplicitAny: whatever it takes, it is handed on
const stepping = (inner: (...given: any[]) => unknown) =>
  function (this: unknown, ...given: unknown[]) {
    step();
    return inner.apply(this, given);
  };
for (const name of ['open', 'rename', 'unlink'] as const)
  Object.assign(files, { [name]: stepping(files[name]) });
const asks = http.request;
http.request = ((...given: [string]) => {
  step();
  return asks(...given).once('response', step);
}) as typeof http.request;
syncBuiltinESMExports();

const { register } = await import('../../src/device/register.ts');
const { appendFile } = await import('node:fs/promises');
await register({
  ...{ url, file, username: 'press-17' },
  onNew: async () => await appendFile(`${file}.told`, 'told\n'),
});
console.log(steps);
