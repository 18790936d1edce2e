/** What passes the gateway once the broker has let a client in, and how either side ends it. */

import { once } from 'node:events';
import { connect as connectTcp, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import mqtt from 'mqtt';
import { generate } from 'mqtt-packet';
import { proxyHeader } from '../../../../src/broker/gateway/proxy-protocol.ts';
import { ChangingIdentity } from '../../../../src/platform/server-identity.ts';
import {
  connected,
  connectPacket,
  programIsHere,
  rawMqtt,
  until,
} from '../../../support/mqtt-peers.ts';
import { assert, suite } from '../../../support/suite.ts';
import { selfSigned } from '../../../support/tls.ts';
import { type Alone, brokerThat, gatewayTo } from './world.ts';

const test = suite<Alone>('connections through the gateway');
test.before.each((here) => {
  here.undo = [];
});
test.after.each(async ({ undo }) => {
  for (const one of undo.reverse()) await one();
});

test('every byte passes as it is, AUTH before the answer too', async (here) => {
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

test('the broker is told the client’s address, where it wants to know', async (here) => {
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

test('when one side goes, so does the other, and nothing is left', async (here) => {
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

test('a broken connection is broken on the other side at once', async (here) => {
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

test('nothing is kept for a slow reader but what sockets hold', async (here) => {
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

test('who is gone before the broker lets it in holds no client id', async (here) => {
  const brokerSide: Socket[] = [];
  const upstream = await brokerThat(here, (socket) => {
    brokerSide.push(socket);
    socket.allowHalfOpen = true;
    socket.resume();
    if (brokerSide.length > 1)
      socket.once('data', () => socket.write(Buffer.from([0x20, 2, 0, 0])));
  });
  let letIn = 0;
  const { port, gateway } = await gatewayTo(here, upstream, {
    judging: {
      ...{ certificateOf: () => null, isGood: () => true, all: false },
      ...{ isJudged: () => false, ownSecretOf: () => '', isUsername: (name) => name === 'ada' },
    },
    onConnect: () => letIn++,
  });
  const gone = await rawMqtt(port);
  gone.send(connectPacket({ username: 'ada', password: 'secret', clientId: 'shared' }));
  await until(() => brokerSide.length === 1);
  gone.end();
  await until(() => gateway.connectionCount() === 0);
  brokerSide[0]?.write(Buffer.from([0x20, 2, 0, 0]));
  await until(() => letIn === 1);
  const other = await connected(port, { username: 'ben', password: 'x', clientId: 'shared' });
  assert.is(other.code, 0);
});

test('a refusal that is judged before the broker is asked takes its round trip all the same', async (here) => {
  const upstreamSaw: string[] = [];
  const codes = [5, 0, 3];
  const upstream = await brokerThat(here, (socket) =>
    socket.once('data', (chunk: Buffer) => {
      upstreamSaw.push(String(chunk));
      socket.end(Buffer.from([0x20, 2, 0, codes[upstreamSaw.length - 1] ?? 5]));
    }),
  );
  const { port, asked, outcomes } = await gatewayTo(here, upstream, {
    judging: {
      ...{ certificateOf: () => null, isGood: () => true, all: false },
      ...{ isJudged: () => true, ownSecretOf: () => '', isUsername: () => false },
    },
  });
  // Also where the broker would let everybody in.
  for (const [at, code] of [5, 5, 3].entries()) {
    const client = await connected(port, { username: 'press', password: 'wrong one' });
    assert.is(client.code, code);
    await client.closed;
    assert.match(upstreamSaw[at] as string, 'press');
    assert.not.match(upstreamSaw[at] as string, 'wrong one');
  }
  assert.is(asked.length, 3);
  assert.equal(outcomes, ['refused', 'refused', 'refused']);
});

test('TLS and WebSocket end at the gateway', async (here) => {
  const upstream = await brokerThat(here, (socket) =>
    socket.once('data', (chunk: Buffer) => {
      assert.is(chunk[0], 0x10);
      socket.write(Buffer.from([0x20, 2, 0, 0]));
    }),
  );
  const tls = programIsHere('openssl', 'version') ? await selfSigned() : null;
  const { gateway } = await gatewayTo(here, upstream, {
    webSocket: { host: '127.0.0.1', port: 0, path: '/mqtt' },
    ...(tls === null
      ? {}
      : { tls: { host: '127.0.0.1', port: 0, identity: new ChangingIdentity(tls) } }),
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

test.run();
