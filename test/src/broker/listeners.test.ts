/** What a connection may hold before it is an MQTT session: a place, memory, and how many of them a source has. */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect as connectTcp, type Socket } from 'node:net';
import { generate } from 'mqtt-packet';
import type { EmbeddedOptions } from '../../../src/broker/embedded/broker.ts';
import { mqttListeners } from '../../../src/broker/mqtt-listeners.ts';
import { parseConfig } from '../../../src/config/config.ts';
import { connected, connectPacket, publish, until } from '../../support/mqtt-peers.ts';
import { assert, suite } from '../../support/suite.ts';
import { embeddedWorld, type World } from './embedded/world.ts';

const test = suite('MQTT listeners');
const host = '127.0.0.1';
const accounts = () => ({ ada: { password: 's', read: ['#'], write: ['#'] } });
const world = (options: Partial<EmbeddedOptions>): Promise<World> =>
  embeddedWorld(accounts(), { webSocket: { host, port: 0, path: '/mqtt' }, ...options });
const webSocketPort = ({ broker }: World) => Number(new URL(broker.addresses.ws ?? '').port);

const upgrade = (more: { path?: string; protocol?: string; version?: number; key?: string } = {}) =>
  [
    `GET ${more.path ?? '/mqtt'} HTTP/1.1`,
    'Host: gatebook.example',
    'Connection: Upgrade',
    'Upgrade: websocket',
    `Sec-WebSocket-Version: ${more.version ?? 13}`,
    `Sec-WebSocket-Key: ${more.key ?? randomBytes(16).toString('base64')}`,
    `Sec-WebSocket-Protocol: ${more.protocol ?? 'mqtt'}`,
    '\r\n',
  ].join('\r\n');

/** A binary frame as a client masks it, with a mask of zeros; `length` may promise more than there is. */
function frame(payload: Buffer, { opcode = 2, length = payload.length } = {}): Buffer {
  const head = Buffer.alloc(14);
  head[0] = 0x80 | opcode;
  if (length < 126) {
    head[1] = 0x80 | length;
    return Buffer.concat([head.subarray(0, 6), payload]);
  }
  head[1] = 0x80 | 127;
  head.writeBigUInt64BE(BigInt(length), 2);
  return Buffer.concat([head, payload]);
}

/** A peer that sends, reads, and never closes by itself. */
async function patient(port: number, text: string | Buffer, localAddress = host): Promise<Socket> {
  const socket = connectTcp({ port, host, localAddress, allowHalfOpen: true });
  socket.on('error', () => {}).resume();
  await once(socket, 'connect');
  if (text.length > 0) socket.write(text);
  return socket;
}
const answered = async (socket: Socket) => {
  const [chunk] = await once(socket, 'data');
  assert.match(String(chunk), /^HTTP\/1.1 101/);
};

const kinds: Record<string, (port: number) => Promise<Socket>> = {
  'another path': (port) => patient(port, upgrade({ path: '/other' })),
  'another protocol': (port) => patient(port, upgrade({ protocol: 'chat' })),
  'another version': (port) => patient(port, upgrade({ version: 7 })),
  'no key': (port) => patient(port, upgrade({ key: 'x' })),
  'no upgrade': (port) => patient(port, 'GET /mqtt HTTP/1.1\r\nHost: a\r\n\r\n'),
  'half a request': (port) => patient(port, 'GET /mqtt HTTP/1.1\r\nHost:'),
  'no byte': (port) => patient(port, ''),
  'a body that never comes': (port) =>
    patient(port, 'POST /mqtt HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n'),
  'no CONNECT': (port) => patient(port, upgrade()),
  async 'an end of its own side'(port) {
    const socket = await patient(port, upgrade());
    await answered(socket);
    return socket.end();
  },
  async 'a Close frame'(port) {
    const socket = await patient(port, upgrade());
    await answered(socket);
    socket.write(frame(Buffer.from([0x03, 0xe8]), { opcode: 8 }));
    return socket;
  },
};

for (const [kind, open] of Object.entries(kinds))
  test(`a WebSocket gives its place back: ${kind}`, async () => {
    const here = await world({
      limits: { connections: 3, connectTimeoutMs: 200, closeTimeoutMs: 200 },
    });
    const sockets = await Promise.all([1, 2, 3].map(() => open(webSocketPort(here))));
    await until(() => here.broker.connectionCount() === 0);
    const client = await connected(here.port, { username: 'ada', password: 's' });
    assert.is(client.code, 0);
    client.end();
    for (const socket of sockets) socket.destroy();
    await here.close();
  });

test('a Close frame ends a WebSocket also while its CONNECT is judged', async () => {
  const here = await world({ limits: { closeTimeoutMs: 100 } });
  const judged = Promise.withResolvers<void>();
  here.gate.pass = () => judged.promise;
  const socket = await patient(webSocketPort(here), upgrade());
  await answered(socket);
  socket.write(frame(generate(connectPacket({ username: 'ada', password: 's' }))));
  await until(() => here.attempts.length === 1);
  socket.write(frame(Buffer.from([0x03, 0xe8]), { opcode: 8 }));
  await until(() => here.broker.connectionCount() === 0);
  judged.resolve();
  socket.destroy();
  await here.close();
});

test('before its CONNACK a WebSocket is held in as little memory as a TCP connection', async () => {
  const here = await world({ limits: { connectTimeoutMs: 60_000 } });
  const socket = await patient(webSocketPort(here), upgrade());
  await answered(socket);
  // One frame of 1.9 MB, of which all but the end comes.
  socket.write(frame(Buffer.alloc(512 * 1024, 0x10), { length: 1_900_000 }));
  await until(() => here.broker.connectionCount() === 0);
  socket.destroy();
  await here.close();
});

test('after its CONNACK a WebSocket sends packets as large as any', async () => {
  const here = await world({});
  const socket = await patient(webSocketPort(here), upgrade());
  await answered(socket);
  socket.write(frame(generate(connectPacket({ username: 'ada', password: 's' }))));
  const [connack] = await once(socket, 'data');
  assert.equal([...connack.subarray(2)], [0x20, 2, 0, 0]);
  const message = generate(publish('a', 'x'.repeat(1_000_000), { qos: 1, messageId: 7 }));
  socket.write(frame(message));
  const [puback] = await once(socket, 'data');
  assert.equal([...puback.subarray(2)], [0x40, 2, 0, 7]);
  socket.destroy();
  await here.close();
});

test('a source has so many connections, over all listeners', async () => {
  const reached: string[] = [];
  const here = await world({
    limits: { connectionsPerSource: 2, connectTimeoutMs: 60_000 },
    onLimit: (limit) => reached.push(limit),
  });
  const first = await patient(here.port, '');
  await patient(webSocketPort(here), '');
  await until(() => here.broker.connectionCount() === 2);
  const third = await patient(here.port, '');
  await Promise.race([once(third, 'end'), once(third, 'close')]);
  assert.equal(reached, ['connections-per-source']);
  const elsewhere = await patient(here.port, '', '127.0.0.2');
  await until(() => here.broker.connectionCount() === 3);
  elsewhere.destroy();
  first.destroy();
  await until(() => here.broker.connectionCount() === 1);
  assert.is((await connected(here.port, { username: 'ada', password: 's' })).code, 0);
  await here.close();
});

test('so many connections as the configuration says are open at once', async () => {
  const reached: string[] = [];
  const { connectionsMax } = mqttListeners(
    parseConfig({ GATEBOOK_MQTT_CONNECTIONS_MAX: '2' }),
    {} as never,
  );
  const here = await world({
    ...(connectionsMax === undefined ? {} : { connectionsMax }),
    onLimit: (limit) => reached.push(limit),
  });
  await patient(here.port, '');
  await patient(here.port, '');
  await until(() => here.broker.connectionCount() === 2);
  const third = await patient(here.port, '');
  await Promise.race([once(third, 'end'), once(third, 'close')]);
  assert.equal(reached, ['connections']);
  await here.close();
});

test('a proxy that is trusted counts as many sources', async () => {
  const here = await world({
    limits: { connectionsPerSource: 1, connectTimeoutMs: 60_000 },
    trustedProxies: ['127.0.0.0/8'],
  });
  for (let count = 0; count < 3; count++) await patient(here.port, '');
  await until(() => here.broker.connectionCount() === 3);
  await here.close();
});

test.run();
