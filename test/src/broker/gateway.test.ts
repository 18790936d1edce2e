/** The gateway before a real Mosquitto, and before brokers that behave as no broker should. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { connect as connectTcp, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import mqtt from 'mqtt';
import { generate, type Packet } from 'mqtt-packet';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { ConnectAttempt, Gatekeeper } from '../../../src/broker/broker.ts';
import { type Gateway, type GatewayOptions, startGateway } from '../../../src/broker/gateway.ts';
import { answerIn, connectIn, packetBounds } from '../../../src/broker/gateway-packets.ts';
import { proxyHeader } from '../../../src/broker/gateway-proxy-header.ts';
import { createLog } from '../../../src/log.ts';
import { type Door, doorOf, newName } from '../../support/door.ts';
import {
  type Connect,
  connected,
  connectPacket,
  programIsHere,
  publish,
  ran,
  rawMqtt,
  subscribed,
  until,
  type Version,
  versions,
} from '../../support/mqtt-peers.ts';
import { startRegistry, type World } from '../../support/service.ts';
import { freePort, type PlainMosquitto, startPlainMosquitto } from './gateway-peer.ts';

const log = createLog({ level: 'error' });
const refusal = (version: Version) => (version === 5 ? 0x87 : 5);
const portOf = (url: string) => Number(new URL(url).port);

const packets = suite('gateway packets');

packets('a CONNECT is found byte by byte, and nothing else is taken for one', () => {
  for (const version of versions) {
    const packet = connectPacket({
      version,
      username: 'press-7',
      password: 'secret',
      will: {
        topic: 'gone',
        payload: Buffer.from('x'),
        qos: 1,
        retain: true,
      },
    });
    const bytes = generate(packet, { protocolVersion: version });
    for (let length = 0; length < bytes.length; length++)
      assert.is(connectIn(bytes.subarray(0, length), 1_000), undefined);
    const more = Buffer.concat([bytes, Buffer.from([0xc0, 0])]);
    const seen = connectIn(more, 1_000);
    assert.equal(
      [seen?.version, seen?.username, seen?.clientId, String(seen?.password)],
      [version, 'press-7', 'press-7', 'secret'],
    );
    assert.is(connectIn(bytes, bytes.length - 1), null, 'larger than is allowed');
    for (let at = 0; at < bytes.length; at++) {
      const broken = Buffer.from(bytes);
      broken[at] = (broken[at] as number) ^ 0xff;
      connectIn(broken, 1_000);
    }
  }
  assert.is(connectIn(Buffer.from('GET / HTTP/1.1\r\n'), 1_000), null);
  assert.is(connectIn(Buffer.from([0xc0, 0]), 1_000), null);
  assert.is(packetBounds(Buffer.from([0x10, 0xff, 0xff, 0xff, 0xff, 1])), null);
});

packets('the answer is found behind AUTH packets, in any portions', () => {
  const auth = Buffer.from([0xf0, 2, 0x18, 0]);
  const connack = Buffer.from([0x20, 3, 0, 0x87, 0]);
  const after = Buffer.from([0x30, 5, 0, 1, 97, 98, 99]);
  const all = Buffer.concat([auth, auth, connack, after]);
  for (let size = 1; size <= all.length; size++) {
    let passed: Buffer = Buffer.alloc(0);
    let held: Buffer = Buffer.alloc(0);
    let code: number | undefined | null;
    let at = 0;
    for (; at < all.length && code === undefined; at += size) {
      const answer = answerIn(Buffer.concat([held, all.subarray(at, at + size)]), 1_000);
      passed = Buffer.concat([passed, answer.passed]);
      ({ held, code } = answer);
    }
    assert.is(code, 0x87, `in portions of ${size}`);
    assert.equal(Buffer.concat([passed, all.subarray(at)]), all);
  }
  assert.is(answerIn(after, 1_000).code, null);
  assert.is(answerIn(Buffer.from([0x20, 0]), 1_000).code, null, 'a CONNACK without a code');
});

packets('the proxy header has the addresses as the specification wants them', () => {
  const ends = { remotePort: 0x1234, localPort: 1883 };
  assert.is(
    proxyHeader({ ...ends, remoteAddress: '::ffff:192.0.2.1', localAddress: '127.0.0.1' }).toString(
      'hex',
    ),
    '0d0a0d0a000d0a515549540a' + '21' + '11' + '000c' + 'c0000201' + '7f000001' + '1234' + '075b',
  );
  assert.is(
    proxyHeader({ ...ends, remoteAddress: 'fe80::1:2%eth0', localAddress: '::1' }).toString('hex'),
    '0d0a0d0a000d0a515549540a' +
      '21' +
      '21' +
      '0024' +
      'fe800000000000000000000000010002' +
      '00000000000000000000000000000001' +
      '1234' +
      '075b',
  );
  assert.is(proxyHeader({}).toString('hex'), '0d0a0d0a000d0a515549540a' + '21' + '00' + '0000');
});

packets.run();

interface Here {
  world: World;
  door: Door;
  broker: PlainMosquitto | null;
  port: number;
}
const before = suite<Here>('the gateway before Mosquitto');

before.before(async (here) => {
  here.broker = programIsHere('mosquitto', '-h') ? await startPlainMosquitto() : null;
  if (here.broker === null) return;
  here.world = await startRegistry({
    GATEBOOK_GATEWAY_UPSTREAM: `mqtt://127.0.0.1:${here.broker.port}`,
    GATEBOOK_GATEWAY_PORT: '0',
  });
  here.door = doorOf(here.world);
  here.port = portOf(here.world.running.ready.gateway as string);
});
before.after(async ({ world, broker }) => {
  await world?.stop();
  await broker?.stop();
});

async function knock(port: number, options: Connect): Promise<number> {
  const client = await connected(port, { clientId: newName(), ...options });
  client.end();
  return client.code;
}

for (const version of versions)
  before(
    `MQTT ${version}: a refusal is a knock while locked, a request while unlocked`,
    async ({ broker, door, port }) => {
      if (broker === null) return;
      const username = newName('pump');
      const password = `plain password of ${version}`;
      const clientId = newName('client');
      const come = () => knock(port, { version, username, password, clientId });
      await door.lock();
      assert.is(await come(), refusal(version));
      assert.equal(await door.events(username), []);
      const [seen] = (await door.must(200, 'GET', '/api/client-registry/knocks?limit=1')).body
        .items;
      assert.equal(
        [seen.username, seen.flow, seen.reason, seen.source],
        [username, 'implicit', 'locked', '127.0.0.1'],
      );
      await door.unlock();
      for (let attempt = 0; attempt < 2; attempt++) assert.is(await come(), refusal(version));
      const requests = await door.requestsOf(username);
      assert.equal(
        requests.map(({ flow, kind, clientId, source, status }: Record<string, unknown>) => [
          flow,
          kind,
          clientId,
          source,
          status,
        ]),
        [['implicit', 'new', clientId, '127.0.0.1', 'pending']],
      );
      // Granted here, but not there: the broker's own answer goes to the client.
      await door.grant(requests[0].requestId);
      assert.is(await come(), refusal(version));
      await broker.add(username, password);
      const late = Date.now() + 5_000;
      let code = await come();
      while (code !== 0 && Date.now() < late) code = await come();
      assert.is(code, 0);
      assert.is(await knock(port, { version, username, password: 'wrong' }), refusal(version));
    },
  );

before(
  'who shows no password, or a token, is nobody and becomes no request',
  async ({ broker, door, port }) => {
    if (broker === null) return;
    await door.unlock();
    const [bare, token] = [newName(), newName()];
    assert.is(await knock(port, {}), 5);
    assert.is(await knock(port, { username: bare }), 5);
    assert.is(await knock(port, { username: token, password: 'v4.public.x' }), 5);
    for (const name of [bare, token]) assert.equal(await door.events(name), []);
  },
);

before(
  'large messages pass in both directions, at the pace of a slow reader',
  async ({ broker, port }) => {
    if (broker === null) return;
    await broker.add('slow', 'reader-password');
    let reader = await connected(port, {
      version: 4,
      username: 'slow',
      password: 'reader-password',
      clientId: 'reader',
    });
    for (let attempt = 0; reader.code !== 0 && attempt < 50; attempt++) {
      await sleep(50);
      reader = await connected(port, {
        version: 4,
        username: 'slow',
        password: 'reader-password',
        clientId: 'reader',
      });
    }
    assert.is(reader.code, 0);
    assert.equal(await subscribed(reader, ['big/#']), [1]);
    // The reader stops reading: what the sockets cannot hold waits at the broker.
    reader.socket.pause();
    const sender = await mqtt.connectAsync(`mqtt://127.0.0.1:${port}`, {
      username: 'slow',
      password: 'reader-password',
      clientId: 'sender',
      reconnectPeriod: 0,
    });
    const payload = Buffer.alloc(1_000_000, 'x');
    const count = 40;
    for (let sent = 0; sent < count; sent++)
      await sender.publishAsync(`big/${sent}`, payload, { qos: 1 });
    assert.ok(reader.socket.bytesRead < count * payload.length, 'the reader did not read all yet');
    reader.socket.resume();
    for (let received = 0; received < count; received++) {
      const packet = await reader.take('publish');
      assert.is(packet.topic, `big/${received}`);
      assert.is(packet.payload.length, payload.length);
      reader.send({ cmd: 'puback', messageId: packet.messageId as number });
    }
    await sender.endAsync();
    reader.end();
  },
);

before(
  'what a client says last arrives, and a broken connection is one to the broker',
  async ({ broker, port }) => {
    if (broker === null) return;
    await broker.add('last', 'word-password');
    const account = { username: 'last', password: 'word-password' };
    let watcher = await connected(port, { ...account, clientId: 'watcher' });
    for (let attempt = 0; watcher.code !== 0 && attempt < 50; attempt++) {
      await sleep(50);
      watcher = await connected(port, { ...account, clientId: 'watcher' });
    }
    await subscribed(watcher, ['last/#']);
    const will = {
      topic: 'last/will',
      payload: Buffer.from('gone'),
      qos: 0 as const,
      retain: false,
    };

    const polite = await connected(port, { ...account, clientId: 'polite', will });
    polite.send(publish('last/word', 'bye'), { cmd: 'disconnect' } as Packet);
    polite.socket.end();
    assert.is((await watcher.take('publish')).topic, 'last/word');

    const broken = await connected(port, { ...account, clientId: 'broken', will });
    broken.socket.resetAndDestroy();
    assert.is((await watcher.take('publish')).topic, 'last/will');
    assert.equal(watcher.received, []);
    watcher.end();
  },
);

before.run();

interface Alone {
  undo: (() => unknown)[];
}
const alone = suite<Alone>('the gateway alone');
alone.before.each((here) => {
  here.undo = [];
});
alone.after.each(async ({ undo }) => {
  for (const one of undo.reverse()) await one();
});

async function selfSigned(): Promise<{ key: Buffer; cert: Buffer }> {
  const folder = mkdtempSync(join(tmpdir(), 'gatebook-tls-'));
  try {
    const [keyFile, certFile] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
    const made = await ran('openssl', [
      ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'],
      ...['-keyout', keyFile, '-out', certFile, '-days', '2', '-subj', '/CN=localhost'],
      ...['-addext', 'subjectAltName=IP:127.0.0.1,DNS:localhost'],
    ]);
    assert.is(made.exitCode, 0, made.output);
    return { key: readFileSync(keyFile), cert: readFileSync(certFile) };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** A broker that does what a test says. */
async function brokerThat({ undo }: Alone, serve: (socket: Socket) => void): Promise<number> {
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    serve(socket);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  undo.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return (server.address() as { port: number }).port;
}

async function gatewayTo(
  { undo }: Alone,
  port: number,
  more: Partial<GatewayOptions> = {},
): Promise<{ gateway: Gateway; port: number; asked: ConnectAttempt[]; outcomes: string[] }> {
  const asked: ConnectAttempt[] = [];
  const outcomes: string[] = [];
  const gatekeeper: Gatekeeper = {
    async connect(attempt) {
      asked.push(attempt);
      return { admitted: false, reason: 'refused' };
    },
  };
  const gateway = await startGateway({
    upstream: { host: '127.0.0.1', port },
    ...{ host: '127.0.0.1', port: 0, gatekeeper, log },
    onConnect: (outcome) => outcomes.push(outcome),
    ...more,
  });
  undo.push(() => gateway.close());
  return { gateway, port: portOf(gateway.addresses.mqtt), asked, outcomes };
}

alone('a broker that is not there is unavailable: 3, or 0x88', async (here) => {
  const { port, asked, outcomes } = await gatewayTo(here, await freePort());
  for (const version of versions) {
    const client = await connected(port, { version, username: 'press', password: 'secret' });
    assert.is(client.code, version === 5 ? 0x88 : 3);
    await client.closed;
  }
  assert.equal([asked, outcomes], [[], ['unavailable', 'unavailable', 'unavailable']]);
});

alone('a broker that takes the connection and says nothing is unavailable too', async (here) => {
  const { port, gateway } = await gatewayTo(here, await brokerThat(here, () => {}), {
    timeouts: { answerMs: 100 },
  });
  const client = await connected(port, { username: 'press', password: 'secret' });
  assert.is(client.code, 3);
  await client.closed;
  await until(() => gateway.connectionCount() === 0);
});

alone('garbage, too much, and half a CONNECT never reach the broker', async (here) => {
  let reached = 0;
  const upstream = await brokerThat(here, () => reached++);
  const { port, gateway } = await gatewayTo(here, upstream, { timeouts: { connectMs: 200 } });
  const huge = Buffer.alloc(200_000, 0x61);
  Buffer.from([0x10, 0xff, 0xff, 0x7f]).copy(huge);
  for (const bytes of [
    Buffer.from('GET / HTTP/1.1\r\n\r\n'),
    Buffer.from([0xc0, 0]),
    Buffer.from([0x10, 2, 0, 0]),
    huge,
    Buffer.from([0x10, 20, 0, 4]),
    Buffer.alloc(0),
  ]) {
    const client = await rawMqtt(port);
    client.send(bytes);
    await client.closed;
    assert.equal(client.received, []);
  }
  await until(() => gateway.connectionCount() === 0);
  assert.is(reached, 0);
});

alone('every byte passes as it is, AUTH before the answer too', async (here) => {
  const upstreamBytes: Buffer[] = [];
  const upstream = await brokerThat(here, (socket) => {
    socket.on('data', (chunk: Buffer) => {
      upstreamBytes.push(chunk);
      if (chunk[0] === 0x10) socket.write(Buffer.from([0xf0, 2, 0x18, 0]));
      if (chunk[0] === 0xf0) socket.write(Buffer.from([0x20, 3, 0, 0x87, 0]));
    });
  });
  const { port, asked, outcomes } = await gatewayTo(here, upstream);
  const client = await rawMqtt(port, 5);
  const connect = generate(connectPacket({ version: 5, username: 'press', password: 'secret' }), {
    protocolVersion: 5,
  });
  // In two portions, as a network may deliver it.
  client.socket.write(connect.subarray(0, 5));
  await sleep(10);
  client.socket.write(connect.subarray(5));
  await client.take('auth');
  client.socket.write(Buffer.from([0xf0, 2, 0x18, 0]));
  assert.is((await client.take('connack')).reasonCode, 0x87);
  assert.equal(
    Buffer.concat(upstreamBytes),
    Buffer.concat([connect, Buffer.from([0xf0, 2, 0x18, 0])]),
  );
  assert.equal(
    asked.map(({ username, password, clientId, source }) => [
      username,
      String(password),
      clientId,
      source,
    ]),
    [['press', 'secret', 'press-7', '127.0.0.1']],
  );
  assert.equal(outcomes, ['refused']);
  client.end();
});

alone('other refusals than of name and password are not the registry’s business', async (here) => {
  let code = 0;
  const upstream = await brokerThat(here, (socket) =>
    socket.once('data', () => socket.end(Buffer.from([0x20, 2, 0, code]))),
  );
  const { port, asked } = await gatewayTo(here, upstream);
  for (code of [1, 2, 3]) {
    const client = await connected(port, { username: 'press', password: 'secret' });
    assert.is(client.code, code);
    await client.closed;
  }
  assert.equal(asked, []);
});

alone('the broker is told the client’s address, where it wants to know', async (here) => {
  const told = Promise.withResolvers<Buffer>();
  const upstream = await brokerThat(here, (socket) =>
    socket.once('data', (chunk: Buffer) => told.resolve(chunk)),
  );
  const { port } = await gatewayTo(here, upstream, { proxyProtocol: true });
  const client = await rawMqtt(port);
  client.send(connectPacket({ username: 'press', password: 'secret' }));
  const bytes = await told.promise;
  const { localPort } = client.socket;
  assert.equal(
    bytes.subarray(0, 28),
    proxyHeader({
      remoteAddress: '127.0.0.1',
      remotePort: localPort,
      localAddress: '127.0.0.1',
      localPort: port,
    }),
  );
  assert.is(bytes[28] ?? 0x10, 0x10);
  client.end();
});

alone('when one side goes, so does the other, and nothing is left', async (here) => {
  const brokerSide: Socket[] = [];
  const upstream = await brokerThat(here, (socket) => {
    brokerSide.push(socket);
    socket.once('data', () => socket.write(Buffer.from([0x20, 2, 0, 0])));
    socket.resume();
  });
  const { port, gateway } = await gatewayTo(here, upstream, {
    timeouts: { lingerMs: 100, stalledMs: 100 },
  });
  const account = { username: 'press', password: 'secret' };
  const first = await connected(port, account);
  const gone = once(brokerSide[0] as Socket, 'close');
  first.end();
  await gone;
  const second = await connected(port, account);
  brokerSide[1]?.destroy();
  await second.closed;
  // This one neither reads nor closes.
  const third = await connected(port, account);
  third.socket.pause();
  brokerSide[2]?.write(Buffer.alloc(20_000_000));
  brokerSide[2]?.end();
  await until(() => gateway.connectionCount() === 0);
  const fourth = await connected(port, account);
  await gateway.close();
  await fourth.closed;
});

alone('a broken connection is broken on the other side at once', async (here) => {
  const brokerSide: Socket[] = [];
  const upstream = await brokerThat(here, (socket) => {
    brokerSide.push(socket);
    socket.once('data', () => socket.write(Buffer.from([0x20, 2, 0, 0])));
    socket.resume();
  });
  const { port, gateway } = await gatewayTo(here, upstream, { timeouts: { lingerMs: 60_000 } });
  const first = await connected(port, { username: 'press', password: 'secret' });
  const gone = once(brokerSide[0] as Socket, 'close');
  first.socket.resetAndDestroy();
  await gone;
  const second = await connected(port, { username: 'press', password: 'secret' });
  brokerSide[1]?.resetAndDestroy();
  await second.closed;
  await until(() => gateway.connectionCount() === 0);
});

alone('nothing is kept for a slow reader but what sockets hold', async (here) => {
  const chunk = Buffer.alloc(1_000_000);
  const total = 120;
  let taken = 0;
  const upstream = await brokerThat(here, (socket) =>
    socket.once('data', async () => {
      socket.write(Buffer.from([0x20, 2, 0, 0]));
      for (; taken < total; taken++) if (!socket.write(chunk)) await once(socket, 'drain');
    }),
  );
  const { port } = await gatewayTo(here, upstream);
  const client = connectTcp(port, '127.0.0.1');
  client.write(
    generate(connectPacket({ username: 'press', password: 'secret' }), { protocolVersion: 4 }),
  );
  await until(() => taken > 0);
  // It has come to rest when nothing more is taken for a while.
  for (let before = -1; before !== taken; await sleep(200)) before = taken;
  assert.ok(taken < total / 2, `${taken} MB were taken while nobody read`);
  let received = 0;
  for await (const bytes of client) {
    received += bytes.length;
    if (received === 4 + total * chunk.length) break;
  }
  assert.is(taken, total);
});

alone('a refusal arrives though the broker breaks the connection right after it', async (here) => {
  const upstream = await brokerThat(here, (socket) =>
    socket.once('data', () => {
      socket.write(Buffer.from([0x20, 2, 0, 5]));
      setTimeout(() => socket.resetAndDestroy(), 20);
    }),
  );
  const { port } = await gatewayTo(here, upstream, {
    gatekeeper: {
      async connect() {
        await sleep(100);
        return { admitted: false, reason: 'refused' };
      },
    },
  });
  const client = await connected(port, { username: 'press', password: 'secret' });
  assert.is(client.code, 5);
  await client.closed;
});

alone('a broker too busy to take connections from its socket is waited for', async (here) => {
  const folder = mkdtempSync(join(tmpdir(), 'gatebook-socket-'));
  here.undo.push(() => rmSync(folder, { recursive: true, force: true }));
  const path = join(folder, 'broker.sock');
  // A process of its own: it takes nobody for a while, and its queue holds few.
  const program = `
    const server = require('node:net').createServer((socket) => {
      socket.on('error', () => {});
      socket.once('data', () => socket.write(Buffer.from([0x20, 2, 0, 0])));
    });
    server.listen({ path: ${JSON.stringify(path)}, backlog: 1 }, () => {
      process.stdout.write('ready');
      process.stdin.once('data', () => {
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 500);
      });
    });`;
  const child = spawn(process.execPath, ['-e', program], { stdio: ['pipe', 'pipe', 'inherit'] });
  here.undo.push(() => child.kill('SIGKILL'));
  await once(child.stdout, 'data');
  const { port, outcomes } = await gatewayTo(here, 0, { upstream: { path } });
  child.stdin.write('busy');
  const clients = await Promise.all(
    Array.from({ length: 20 }, (_, at) =>
      connected(port, { username: 'press', password: 'secret', clientId: `client-${at}` }),
    ),
  );
  for (const client of clients) client.end();
  assert.ok(clients.every(({ code }) => code === 0));
  assert.is(outcomes.length, 20);
});

alone('TLS and WebSocket end at the gateway', async (here) => {
  const upstream = await brokerThat(here, (socket) =>
    socket.once('data', (chunk: Buffer) => {
      assert.is(chunk[0], 0x10);
      socket.write(Buffer.from([0x20, 2, 0, 0]));
    }),
  );
  const tls = programIsHere('openssl', 'version') ? await selfSigned() : null;
  const { gateway } = await gatewayTo(here, upstream, {
    webSocket: { host: '127.0.0.1', port: 0, path: '/mqtt' },
    ...(tls === null ? {} : { tls: { host: '127.0.0.1', port: 0, ...tls } }),
  });
  const { ws = '', mqtts } = gateway.addresses;
  for (const url of mqtts === undefined ? [ws] : [ws, mqtts]) {
    const client = await mqtt.connectAsync(url, {
      username: 'press',
      password: 'secret',
      reconnectPeriod: 0,
      ...(tls === null ? {} : { ca: tls.cert }),
    });
    await client.endAsync(true);
  }
  await until(() => gateway.connectionCount() === 0);
});

alone('a registry that cannot tell holds up no refusal for ever', async (here) => {
  const upstream = await brokerThat(here, (socket) =>
    socket.once('data', () => socket.write(Buffer.from([0x20, 2, 0, 5]))),
  );
  const { port } = await gatewayTo(here, upstream, {
    timeouts: { answerMs: 100 },
    gatekeeper: { connect: () => new Promise(() => {}) },
  });
  const client = await connected(port, { username: 'press', password: 'secret' });
  assert.is(client.code, 5);
  client.end();
});

alone.run();
