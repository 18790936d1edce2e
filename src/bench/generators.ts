/** Runs the load generators in processes of their own, and what they measured. */
import { type ChildProcess, execFile } from 'node:child_process';
import { extname, join } from 'node:path';
import { promisify } from 'node:util';
import type { HttpLoad, HttpLoaded } from './http-load.ts';
import type { MqttLoad, MqttLoaded } from './mqtt-load.ts';

const run = promisify(execFile);
/** A generator that waits for what never comes is ended, and its line fails. */
const patienceMs = 300_000;

/** In the repository they are TypeScript, in the package JavaScript. */
const extension = extname(import.meta.filename);

/** Starts one; what it measured is there once it is over. */
function begun(generator: string, args: readonly string[], timeout = patienceMs) {
  const file = join(import.meta.dirname, generator + extension);
  const running = run(process.execPath, [file, ...args], { timeout });
  const measured: Promise<unknown> = running.then(({ stdout }) => JSON.parse(stdout));
  return { child: running.child as ChildProcess, measured };
}

const flag = (name: string, value: string | number | undefined) =>
  value === undefined ? [] : [`--${name}`, String(value)];

type OverHttp = Omit<HttpLoad, 'values'> & { readonly valuesFile?: string };

function httpFlags(load: Omit<OverHttp, 'count'>): string[] {
  const { headers = [], url, path, method, body, connections, rate, from } = load;
  return [
    ...flag('url', url),
    ...flag('path', path),
    ...flag('method', method),
    ...flag('body', body),
    ...flag('connections', connections),
    ...flag('rate', rate),
    ...flag('from', from),
    ...flag('values', load.valuesFile),
    ...headers.flatMap((header) => flag('header', header)),
  ];
}

/** A bench of refusals would be a fast one. */
function checkStatuses(
  { path }: Pick<HttpLoad, 'path'>,
  { statuses }: HttpLoaded,
  expected: number,
) {
  if (Object.keys(statuses).some((status) => status !== String(expected)))
    throw new Error(`${path} answered ${JSON.stringify(statuses)}, not ${expected} alone`);
}

/** `expected`: the only status that may come back. */
export async function overHttp(load: OverHttp, expected: number): Promise<HttpLoaded> {
  const { measured } = begun('http-load', [...httpFlags(load), ...flag('count', load.count)]);
  const loaded = (await measured) as HttpLoaded;
  checkStatuses(load, loaded, expected);
  return loaded;
}

/** The same without a last call, beside what is measured; the function ends it, and rejects as `overHttp` does. */
export function goingOnOverHttp(
  load: Omit<OverHttp, 'count'>,
  expected: number,
): () => Promise<void> {
  const { child, measured } = begun('http-load', httpFlags(load), 0);
  // Should it fail before it is ended: that is told then.
  measured.catch(() => {});
  return async () => {
    child.kill();
    checkStatuses(load, (await measured) as HttpLoaded, expected);
  };
}

/** Every connection must be accepted. */
export async function overMqtt(
  act: 'connect' | 'publish',
  load: Pick<MqttLoad, 'url' | 'count'> & Partial<MqttLoad>,
): Promise<MqttLoaded> {
  const { url, count, username, password, from, atOnce, keep, qos, topic, window } = load;
  const { measured } = begun('mqtt-load', [
    act,
    ...flag('url', url),
    ...flag('count', count),
    ...flag('username', username),
    ...flag('password', password),
    ...flag('from', from),
    ...flag('at-once', atOnce),
    ...flag('qos', qos),
    ...flag('topic', topic),
    ...flag('window', window),
    ...flag('keep', keep),
  ]);
  const loaded = (await measured) as MqttLoaded;
  if (Object.keys(loaded.codes).some((code) => code !== '0'))
    throw new Error(`refused: ${JSON.stringify(loaded.codes)}`);
  return loaded;
}
