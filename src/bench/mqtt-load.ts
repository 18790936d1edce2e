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
import { sampleOf, timed } from './sample.ts';

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

/** The CONNECT of a device, as bytes. */
const connectOf = (load: MqttLoad, clientId: string, n: number): Buffer =>
  generate({
    ...{ cmd: 'connect', protocolId: 'MQTT', protocolVersion: 4, clean: true, keepalive: 600 },
    clientId,
    ...(load.username === undefined ? {} : { username: filled(load.username, n) }),
    ...(load.password === undefined ? {} : { password: Buffer.from(filled(load.password, n)) }),
  } as Packet);

const disconnect = generate({ cmd: 'disconnect' });

/** Sockets that send a CONNECT and look at the fourth byte of what comes back: nothing else is read of them. */
class ConnectingSockets {
  readonly #to: { readonly host: string; readonly port: number };
  /** Shared: an answer is looked at as soon as it is there. */
  readonly #answer = Buffer.allocUnsafe(64);

  constructor({ url }: MqttLoad) {
    const { hostname: host, port } = new URL(url);
    this.#to = { host, port: Number(port) };
  }

  /** Calls back with the return code of the CONNACK; 255: the connection ended before it. */
  open(localAddress: string | undefined, bytes: Buffer, answered: (code: number) => void): Socket {
    let isOpen = false;
    const answer = (code: number) => {
      if (isOpen) return;
      isOpen = true;
      answered(code);
    };
    const onread = {
      buffer: this.#answer,
      callback: (length: number, buffer: Uint8Array) => {
        answer(length < 4 ? 255 : (buffer[3] ?? 255));
        return true;
      },
    };
    const from = localAddress === undefined ? {} : { localAddress };
    const socket = connect({ ...this.#to, ...from, noDelay: true, onread });
    socket.on('error', () => {});
    socket.on('close', () => answer(255));
    // The other side closes; its end is read.
    socket.resume();
    socket.write(bytes);
    return socket;
  }
}

/**
 * Where so many stay that one address would be refused, they come from several. Else none is bound: the kernel looks for a free port much
 * longer where thousands of connections ended within the last minute.
 */
const addressOf = ({ keep, atOnce }: MqttLoad, index: number): string | undefined =>
  keep + atOnce <= connectionsOfAnAddress
    ? undefined
    : `127.0.0.${1 + Math.floor(index / connectionsOfAnAddress)}`;

async function connectMany(load: MqttLoad) {
  const codes: Record<number, number> = {};
  const kept = new Set<Socket>();
  const sockets = new ConnectingSockets(load);
  // Made before the clock starts.
  const packets = Array.from({ length: load.count }, (_, index) =>
    connectOf(load, `bench-${load.from + index}`, load.from + index),
  );
  const timesMs: number[] = [];
  const beganMs = performance.now();
  await new Promise<void>((resolve) => {
    let next = 0;
    const begin = (): void => {
      const index = next++;
      const packet = packets[index];
      if (packet === undefined) return;
      const sentMs = performance.now();
      const socket = sockets.open(addressOf(load, index), packet, (code) => {
        timesMs.push(performance.now() - sentMs);
        codes[code] = (codes[code] ?? 0) + 1;
        kept.add(socket);
        const [oldest] = kept;
        if (kept.size > load.keep && oldest !== undefined) {
          kept.delete(oldest);
          oldest.end(disconnect);
        }
        if (timesMs.length === load.count) resolve();
        else begin();
      });
    };
    for (let at = 0; at < load.atOnce; at++) begin();
  });
  const sample = sampleOf(timesMs, (performance.now() - beganMs) / 1_000);
  for (const socket of kept) socket.destroy();
  return { ...sample, codes };
}

async function connected(load: MqttLoad, clientId: string) {
  const { hostname: host, port } = new URL(load.url);
  const socket = connect({ host, port: Number(port), noDelay: true });
  socket.write(connectOf(load, clientId, load.from));
  const [answer] = (await once(socket, 'data')) as [Buffer];
  if (answer[3] !== 0) throw new Error(`refused: ${answer[3]}`);
  return socket;
}

/** The rate until the reader has them all; latency from sending to the reader. */
async function publishMany(load: MqttLoad) {
  const reader = await connected(load, 'bench-reader');
  const writer = await connected(load, 'bench-writer');
  const topic = filled(load.topic, load.from);
  const arrivals: (() => void)[] = [];
  const readerParser = parser({ protocolVersion: 4 });
  const subscribed = Promise.withResolvers<void>();
  readerParser.on('packet', (packet) => {
    if (packet.cmd === 'suback') subscribed.resolve();
    if (packet.cmd !== 'publish') return;
    if (packet.qos === 1)
      reader.write(generate({ cmd: 'puback', messageId: packet.messageId ?? 1 }));
    arrivals.shift()?.();
  });
  reader.on('data', (data) => readerParser.parse(data));
  writer.resume();
  const subscriptions = [{ topic, qos: load.qos }];
  reader.write(generate({ cmd: 'subscribe', messageId: 1, subscriptions }));
  await subscribed.promise;
  const sample = await timed(load.count, load.window, async (index) => {
    const packet = { cmd: 'publish', topic, payload, qos: load.qos, dup: false, retain: false };
    const arrived = new Promise<void>((resolve) => arrivals.push(resolve));
    const messageId = 1 + (index % 65_535);
    const written = writer.write(generate({ ...packet, messageId } as Packet));
    if (!written) await once(writer, 'drain');
    await arrived;
  });
  reader.destroy();
  writer.destroy();
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
