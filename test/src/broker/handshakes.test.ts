/** TLS handshakes are bounded: who stalls, renegotiates, or opens thousands of them. */
import { once } from 'node:events';
import { connect as connectTcp, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { EmbeddedLimits } from '../../../src/broker/embedded/broker.ts';
import { ChangingIdentity } from '../../../src/platform/server-identity.ts';
import { connectedOverTls } from '../../support/mqtt-over-tls.ts';
import { until } from '../../support/mqtt-peers.ts';
import { assert, suite } from '../../support/suite.ts';
import { type KeyAndCertificate, selfSigned } from '../../support/tls.ts';
import { embeddedWorld } from './embedded/world.ts';

const test = suite<{ own: KeyAndCertificate }>('TLS handshakes');
const host = '127.0.0.1';

test.before(async (here) => {
  here.own = await selfSigned();
});

async function listening(own: KeyAndCertificate, limits: Partial<EmbeddedLimits>) {
  const identity = new ChangingIdentity(own);
  const world = await embeddedWorld(
    { ada: { password: 's', read: ['#'], write: ['#'] } },
    {
      tls: { host, port: 0, identity },
      secureWebSocket: { host, port: 0, path: '/mqtt', identity },
      limits,
    },
  );
  const { mqtts = '', wss = '' } = world.broker.addresses;
  const portOf = (url: string) => Number(new URL(url).port);
  const isOpen = async () => {
    const credentials = { username: 'ada', password: 's' };
    const { code, end } = await connectedOverTls(mqtts, { ca: own.cert }, credentials);
    end();
    return code === 0;
  };
  return { world, mqtts, ports: [portOf(mqtts), portOf(wss)], isOpen };
}

async function opened(port: number, first: string): Promise<Socket> {
  const socket = connectTcp({ host, port });
  socket.on('error', () => {}).resume();
  await once(socket, 'connect');
  if (first !== '') socket.write(Buffer.from(first, 'hex'));
  return socket;
}

const stalls = {
  'no byte': '',
  'half a ClientHello': '1603010200010001fc0303',
  garbage: 'ff00ff00',
};

for (const [kind, first] of Object.entries(stalls))
  test(`a handshake that stalls gives its place back: ${kind}`, async ({ own }) => {
    const { world, ports, isOpen } = await listening(own, {
      connections: 4,
      connectTimeoutMs: 300,
    });
    const sockets = await Promise.all([...ports, ...ports].map((port) => opened(port, first)));
    await until(() => world.broker.connectionCount() === 0);
    assert.ok(await isOpen());
    for (const socket of sockets) socket.destroy();
    await world.close();
  });

test('5,000 handshakes of one source hold no more than its limit', async ({ own }) => {
  const { world, ports, isOpen } = await listening(own, {
    connectionsPerSource: 50,
    connectTimeoutMs: 2_000,
  });
  let most = 0;
  for (let batch = 0; batch < 50; batch++) {
    const sockets = await Promise.all(
      Array.from({ length: 100 }, (_, at) => opened(ports[at % 2] as number, '').catch(() => null)),
    );
    most = Math.max(most, world.broker.connectionCount());
    for (const socket of sockets) socket?.destroy();
  }
  assert.ok(most <= 50, `${most}`);
  await until(() => world.broker.connectionCount() === 0);
  assert.ok(await isOpen());
  await world.close();
});

test('who renegotiates again and again is closed', async ({ own }) => {
  const { world, ports } = await listening(own, { connectTimeoutMs: 60_000 });
  const socket = connectTls({
    host,
    port: ports[0] as number,
    ca: own.cert,
    maxVersion: 'TLSv1.2',
  });
  await once(socket, 'secureConnect');
  socket.on('error', () => {}).resume();
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  let count = 0;
  const again = () => {
    if (socket.destroyed || count++ > 20) return;
    socket.renegotiate({ rejectUnauthorized: false }, again);
  };
  again();
  await closed;
  assert.ok(count <= 20, `${count}`);
  await until(() => world.broker.connectionCount() === 0);
  await world.close();
});

test.run();
