/** A client of the embedded broker that means no good, in a thread of its own: `workerData` says which way. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { parentPort, workerData } from 'node:worker_threads';
import { generate, type Packet } from 'mqtt-packet';
import { connectPacket } from '../support/mqtt-peers.ts';

interface Asked {
  readonly port: number;
  readonly username: string;
  readonly password: string;
  readonly kind: string;
  readonly size: number;
  /** Sessions, and a twentieth of the retained messages. */
  readonly many: number;
}
const { port, username, password, kind, size, many } = workerData as Asked;
const topic = `plant/${username}`;
let sentCount = 0;

async function session(clientId: string, clean = true): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  const packet = connectPacket({ username, password, clientId, clean, version: 4 });
  socket.write(generate(packet));
  await Promise.race([once(socket, 'data'), once(socket, 'close')]);
  return socket;
}

const publishes = (count: number, bytes: number, retain = false, qos: 0 | 1 = 0): Buffer =>
  Buffer.concat(
    Array.from({ length: count }, (_, at) => {
      const packet: Packet = {
        ...{
          cmd: 'publish',
          topic: `${topic}/${retain ? at : at % 50}`,
          qos,
          messageId: 1 + (at % 60_000),
          dup: false,
          retain,
        },
        payload: 'x'.repeat(bytes),
      };
      return generate(packet);
    }),
  );

const subscribes = (filters: readonly string[], messageId = 1, qos: 0 | 1 = 0): Buffer =>
  generate({
    cmd: 'subscribe',
    messageId,
    subscriptions: filters.map((one) => ({ topic: one, qos })),
  });

/** As fast as the other side takes it, for ever. */
async function floods(socket: Socket, bytes: Buffer, count: number): Promise<void> {
  while (!socket.destroyed) {
    sentCount += count;
    socket.write(bytes);
    do await delay(1);
    while (socket.writableNeedDrain && !socket.destroyed);
  }
}

async function acknowledgedFlood(): Promise<void> {
  const reader = await session('reader', false);
  reader.resume().write(subscribes([`${topic}/#`], 1, 1));
  const writers = await Promise.all([1, 2, 3, 4].map((at) => session(`writer-${at}`)));
  for (const writer of writers) void floods(writer.resume(), publishes(200, size, false, 1), 200);
}

async function publishFlood(): Promise<void> {
  const reader = await session('reader');
  reader.resume().write(subscribes([`${topic}/#`]));
  const writers = await Promise.all([1, 2, 3, 4].map((at) => session(`writer-${at}`)));
  for (const writer of writers) void floods(writer.resume(), publishes(200, size), 200);
}

async function wildcards(below = topic): Promise<void> {
  const filters = Array.from({ length: 20 }, (_, at) => `${below}/${'+/'.repeat(at)}#`);
  for (let at = 0; at < many; at++) {
    const reader = await session(`wild-${at}`);
    reader.resume().write(subscribes(filters));
  }
  void floods((await session('writer')).resume(), publishes(20, size), 20);
}

/** Reads what all others say, by each of many sessions and filters. */
const greedyReaders = () => wildcards('plant');

/** As many filters as one packet may have, asked for and given back again and again. */
async function filters(): Promise<void> {
  const all = Array.from({ length: 1_000 }, (_, at) => `${topic}/${'x/'.repeat(7)}${at}`);
  const both = Buffer.concat([
    subscribes(all, 7),
    generate({ cmd: 'unsubscribe', messageId: 8, unsubscriptions: all }),
  ]);
  for (let at = 0; at < 4; at++) void floods((await session(`asks-${at}`)).resume(), both, 2);
}

async function pings(): Promise<void> {
  const bytes = Buffer.alloc(32_768, generate({ cmd: 'pingreq' }));
  for (let at = 0; at < 4; at++)
    void floods((await session(`pings-${at}`)).resume(), bytes, 16_384);
}

async function retainedSets(): Promise<void> {
  const writer = (await session('writer')).resume();
  writer.write(publishes(many * 20, size, true));
  await delay(500);
  for (let at = 0; at < 8; at++) {
    const reader = (await session(`reader-${at}`)).resume();
    void floods(reader, subscribes([`${topic}/#`], 7), 1);
  }
}

async function slowReaders(): Promise<void> {
  for (let at = 0; at < many; at++) {
    const reader = await session(`slow-${at}`);
    reader.write(subscribes([`${topic}/#`]));
    reader.pause();
  }
  void floods((await session('writer')).resume(), publishes(20, size * 20), 20);
}

const kinds: Readonly<Record<string, () => Promise<void>>> = {
  ...{ 'publish flood': publishFlood, 'acknowledged flood': acknowledgedFlood, filters, pings },
  ...{ wildcards, 'greedy readers': greedyReaders, 'retained sets': retainedSets },
  'slow readers': slowReaders,
};

parentPort?.once('message', () => {
  parentPort?.postMessage(sentCount);
  process.exit();
});
await kinds[kind]?.();
parentPort?.postMessage('begun');
