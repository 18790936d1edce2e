/**
 * Load over MQTT 3.1.1, from a process of its own, with raw packets.
 *
 * `node src/bench/mqtt-load.ts connect --url mqtt://127.0.0.1:1883 --count 1000 --at-once 16
 * [--from 0] [--username 'device-{n}' --password '{hex}'] [--keep 500]` connects and leaves again (or the newest so many stay);
 * `… publish --count 10000 --qos 1 --topic plant/x [--username … --password …] [--window 256]` publishes
 * through one connection to another that is subscribed. `{n}`, `{hex}`: as in http-load. Prints JSON.
 */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { parseArgs } from 'node:util';
import { generate, type Packet, parser } from 'mqtt-packet';
import { secretOf } from './names.ts';
import { timed } from './sample.ts';

export interface MqttLoad {
  readonly url: string;
  readonly count: number;
  readonly username?: string | undefined;
  readonly password?: string | undefined;
  /** The number of the first connection. */
  readonly from: number;
  readonly atOnce: number;
  /** So many connections stay until the end, the newest; the others leave as later ones come. */
  readonly keep: number;
  readonly qos: 0 | 1;
  readonly topic: string;
  /** Messages that are on their way at once. */
  readonly window: number;
}

const payload = Buffer.alloc(100, 120);
/** Below what the embedded broker takes from one source (`mqttConnectionsPerSourceMax`). */
const connectionsOfAnAddress = 1_900;

const filled = (text: string, n: number) =>
  text.replaceAll('{n}', String(n)).replaceAll('{hex}', () => secretOf(n));

/** Resolves with socket and return code of its CONNACK; 255: the connection ended before it. */
async function connected(load: MqttLoad, clientId: string, n: number) {
  const { hostname: host, port } = new URL(load.url);
  const localAddress = `127.0.0.${1 + Math.floor((n - load.from) / connectionsOfAnAddress)}`;
  const socket = connect({ host, port: Number(port), noDelay: true, localAddress });
  socket.on('error', () => {});
  socket.write(
    generate({
      ...{ cmd: 'connect', protocolId: 'MQTT', protocolVersion: 4, clean: true, keepalive: 600 },
      clientId,
      ...(load.username === undefined ? {} : { username: filled(load.username, n) }),
      ...(load.password === undefined ? {} : { password: Buffer.from(filled(load.password, n)) }),
    } as Packet),
  );
  const code = await new Promise<number>((resolve) => {
    socket.once('data', (data) => resolve(data[3] ?? 255));
    socket.once('close', () => resolve(255));
  });
  return { socket, code };
}

async function connectMany(load: MqttLoad) {
  const codes: Record<number, number> = {};
  const kept = new Set<Socket>();
  const sample = await timed(load.count, load.atOnce, async (index) => {
    const n = load.from + index;
    const { socket, code } = await connected(load, `bench-${n}`, n);
    codes[code] = (codes[code] ?? 0) + 1;
    kept.add(socket);
    const [oldest] = kept;
    if (kept.size <= load.keep || oldest === undefined) return;
    kept.delete(oldest);
    oldest.end(generate({ cmd: 'disconnect' }));
  });
  for (const socket of kept) socket.destroy();
  return { ...sample, codes };
}

/** The rate until the reader has them all; latency from sending to the reader. */
async function publishMany(load: MqttLoad) {
  const reader = await connected(load, 'bench-reader', load.from);
  const writer = await connected(load, 'bench-writer', load.from);
  if (reader.code + writer.code !== 0) throw new Error(`refused: ${reader.code}, ${writer.code}`);
  const topic = filled(load.topic, load.from);
  const arrivals: (() => void)[] = [];
  const readerParser = parser({ protocolVersion: 4 });
  const subscribed = Promise.withResolvers<void>();
  readerParser.on('packet', (packet) => {
    if (packet.cmd === 'suback') subscribed.resolve();
    if (packet.cmd !== 'publish') return;
    if (packet.qos === 1)
      reader.socket.write(generate({ cmd: 'puback', messageId: packet.messageId ?? 1 }));
    arrivals.shift()?.();
  });
  reader.socket.on('data', (data) => readerParser.parse(data));
  writer.socket.resume();
  const subscriptions = [{ topic, qos: load.qos }];
  reader.socket.write(generate({ cmd: 'subscribe', messageId: 1, subscriptions }));
  await subscribed.promise;
  const sample = await timed(load.count, load.window, async (index) => {
    const packet = { cmd: 'publish', topic, payload, qos: load.qos, dup: false, retain: false };
    const arrived = new Promise<void>((resolve) => arrivals.push(resolve));
    const messageId = 1 + (index % 65_535);
    const written = writer.socket.write(generate({ ...packet, messageId } as Packet));
    if (!written) await once(writer.socket, 'drain');
    await arrived;
  });
  reader.socket.destroy();
  writer.socket.destroy();
  return { ...sample, codes: {} as Record<number, number> };
}

export type MqttLoaded = Awaited<ReturnType<typeof connectMany>>;

if (import.meta.main) {
  const text = { type: 'string' } as const;
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      ...{ url: text, count: text, username: text, password: text, from: text, topic: text },
      ...{ 'at-once': text, qos: text, window: text, keep: text },
    },
  });
  const load: MqttLoad = {
    url: values.url ?? 'mqtt://127.0.0.1:1883',
    count: Number(values.count ?? 1_000),
    username: values.username,
    password: values.password,
    from: Number(values.from ?? 0),
    atOnce: Number(values['at-once'] ?? 16),
    keep: Number(values.keep ?? 0),
    qos: values.qos === '1' ? 1 : 0,
    topic: values.topic ?? 'bench/x',
    window: Number(values.window ?? 256),
  };
  const act = positionals[0] === 'publish' ? publishMany : connectMany;
  process.stdout.write(`${JSON.stringify(await act(load))}\n`);
  process.exit(0);
}
