/** Runs the load generators in processes of their own, and what they measured. */
import { execFile } from 'node:child_process';
import { extname, join } from 'node:path';
import { promisify } from 'node:util';
import type { HttpLoad, HttpLoaded } from './http-load.ts';
import type { MqttLoad, MqttLoaded } from './mqtt-load.ts';

const run = promisify(execFile);
/** A generator that waits for what never comes is ended, and its line fails. */
const patienceMs = 300_000;

/** In the repository they are TypeScript, in the package JavaScript. */
const extension = extname(import.meta.filename);

async function told(generator: string, args: readonly string[]): Promise<unknown> {
  const file = join(import.meta.dirname, generator + extension);
  const { stdout } = await run(process.execPath, [file, ...args], { timeout: patienceMs });
  return JSON.parse(stdout);
}

const flag = (name: string, value: string | number | undefined) =>
  value === undefined ? [] : [`--${name}`, String(value)];

/** `expected`: the only status that may come back; a bench of refusals would be a fast one. */
export async function overHttp(
  load: Omit<HttpLoad, 'values'> & { readonly valuesFile?: string },
  expected: number,
): Promise<HttpLoaded> {
  const { headers = [], url, path, method, body, count, connections, rate, from } = load;
  const loaded = (await told('http-load', [
    ...flag('url', url),
    ...flag('path', path),
    ...flag('method', method),
    ...flag('body', body),
    ...flag('count', count),
    ...flag('connections', connections),
    ...flag('rate', rate),
    ...flag('from', from),
    ...flag('values', load.valuesFile),
    ...headers.flatMap((header) => flag('header', header)),
  ])) as HttpLoaded;
  if (loaded.statuses[expected] !== count)
    throw new Error(`${path} answered ${JSON.stringify(loaded.statuses)}, not ${expected} alone`);
  return loaded;
}

/** Every connection must be accepted. */
export async function overMqtt(
  act: 'connect' | 'publish',
  load: Pick<MqttLoad, 'url' | 'count'> & Partial<MqttLoad>,
): Promise<MqttLoaded> {
  const { url, count, username, password, from, atOnce, keep, qos, topic, window } = load;
  const loaded = (await told('mqtt-load', [
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
  ])) as MqttLoaded;
  if (Object.keys(loaded.codes).some((code) => code !== '0'))
    throw new Error(`refused: ${JSON.stringify(loaded.codes)}`);
  return loaded;
}
