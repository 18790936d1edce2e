/** What was published against aedes and the packages below it, tried at this broker (packaging/advisories.json). */
import { once } from 'node:events';
import { connect as connectTcp } from 'node:net';
import { generate } from 'mqtt-packet';
import { connectPacket, publish, rawMqtt, versions } from '../../../support/mqtt-peers.ts';
import { accounts, isWell } from './limited.ts';
import { embeddedSuite, embeddedWorld } from './world.ts';

const test = embeddedSuite('embedded broker: advisories', accounts);

const deep = (levels: number) => Array.from({ length: levels }, () => 'a').join('/');

test('a topic of more levels than the matcher takes ends its connection at most (GHSA-xxqp-5qx8-gj5q)', async ({
  world,
}) => {
  for (const version of versions)
    for (const levels of [100, 101, 150, 5_000]) {
      const topic = deep(levels);
      const sent = [
        publish(topic, 'x'),
        publish(topic, 'x', { qos: 1, messageId: 1 }),
        publish(topic, 'x', { retain: true }),
        { cmd: 'subscribe' as const, messageId: 2, subscriptions: [{ topic, qos: 0 as const }] },
        { cmd: 'unsubscribe' as const, messageId: 3, unsubscriptions: [topic] },
      ];
      for (const packet of sent) {
        const client = await world.connect('ada', { version });
        client.send(packet);
        client.send({ cmd: 'pingreq' });
        client.socket.end();
        await client.closed;
      }
      const will = { topic, payload: Buffer.from('w'), qos: 0 as const, retain: false };
      const client = await world.connect('ada', { version, will });
      client.socket.destroy();
      await client.closed;
    }
  await isWell(world);
});

test('a message of QoS 2 that is released twice at once harms nobody (fixed in aedes 1.2.0)', async ({
  world,
}) => {
  for (const version of versions) {
    const client = await world.connect('ada', { version });
    const protocolVersion = version;
    const release = generate({ cmd: 'pubrel', messageId: 7 } as never, { protocolVersion });
    const message = generate(publish('a', 'x', { qos: 2, messageId: 7 }), { protocolVersion });
    client.send(Buffer.concat([message, message, ...Array<Buffer>(20).fill(release)]));
    await client.take('pubcomp');
    client.send(release);
    client.socket.end();
    await client.closed;
  }
  await isWell(world);
});

test('many wildcards in a filter are refused (CVE-2024-48080, disputed)', async ({ world }) => {
  for (const version of versions)
    for (const topic of ['#/#/#/#', `${'#/'.repeat(90)}#`, 'a/#/b', '+#', `${'+/'.repeat(95)}#`]) {
      const client = await world.connect('ada', { version });
      const subscriptions = [{ topic, qos: 0 as const }];
      client.send({ cmd: 'subscribe', messageId: 1, subscriptions });
      client.socket.end();
      await client.closed;
    }
  await isWell(world);
});

test('nobody is thrown out by a message to $SYS (aedes issue 597)', async ({ world }) => {
  const victim = await world.connect('ben', { clientId: 'victim' });
  for (const version of versions) {
    const attacker = await world.connect('ada', { version });
    for (const topic of ['$SYS/other/new/clients', '$SYS/other/heartbeat'])
      attacker.send(publish(topic, 'victim'));
    attacker.socket.end();
    await attacker.closed;
  }
  victim.send({ cmd: 'pingreq' });
  await victim.take('pingresp');
});

test('a SUBSCRIBE that ends early is no crash (CVE-2019-5432)', async ({ world }) => {
  for (const bytes of [
    [0x82, 3, 0, 1, 0],
    [0x82, 4, 0, 1, 0, 5],
    [0x82, 6, 0, 1, 0, 9, 0x61, 0x62],
  ]) {
    const raw = await rawMqtt(world.port);
    raw.send(generate(connectPacket({ username: 'ada', password: 's' })));
    raw.send(Buffer.from(bytes));
    await raw.closed;
  }
  await isWell(world);
});

const upgradeHeaders = (more: string) =>
  `GET /mqtt HTTP/1.1\r\nHost: localhost\r\n${more}Connection: Upgrade\r\nUpgrade: websocket\r\n` +
  'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: mqtt\r\n\r\n';

test('neither many headers nor tiny fragments harm it over WebSocket (CVE-2024-37890, CVE-2026-48779)', async () => {
  const host = '127.0.0.1';
  const world = await embeddedWorld(accounts(), { webSocket: { host, port: 0, path: '/mqtt' } });
  try {
    const port = Number(new URL(world.broker.addresses.ws ?? '').port);
    // More than Node takes apart; then one message in more pieces than any of MQTT has.
    for (const more of ['a:b\r\n'.repeat(2_500), '']) {
      const socket = connectTcp({ port, host });
      const closed = once(socket, 'close');
      socket.on('error', () => undefined).resume();
      socket.write(upgradeHeaders(more));
      const first = Buffer.from([0x02, 0x81, 0, 0, 0, 0, 0x10]);
      const next = Buffer.from([0x00, 0x81, 0, 0, 0, 0, 0x7f]);
      if (more === '') socket.write(Buffer.concat([first, ...Array<Buffer>(200_000).fill(next)]));
      await closed;
    }
    await isWell(world);
  } finally {
    await world.close();
  }
});

test.run();
