import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import mqtt, { type IClientOptions, type MqttClient } from 'mqtt';
import { generate } from 'mqtt-packet';
import WebSocket from 'ws';
import { ChangingIdentity } from '../../../../src/platform/server-identity.ts';
import {
  connectPacket,
  mosquittoPub,
  mosquittoSub,
  mosquittoVersion,
  pahoIsHere,
  programIsHere,
  pythonWithPaho,
  ran,
  versions,
} from '../../../support/mqtt-peers.ts';
import { assert, suite } from '../../../support/suite.ts';
import { selfSigned } from '../../../support/tls.ts';
import { embeddedWorld, type World } from './world.ts';

const test = suite<{ world: World }>('embedded broker: real clients');

const accounts = () => ({
  ada: { password: 'secret-1', read: ['plant/#'], write: ['plant/#'] },
});

test.before.each(async (context) => {
  context.world = await embeddedWorld(accounts(), {
    webSocket: { host: '127.0.0.1', port: 0, path: '/mqtt' },
  });
});
test.after.each(({ world }) => world.close());

for (const version of versions) {
  const speaks = ['-V', mosquittoVersion[version]];
  test(`mosquitto, version ${version}`, async ({ world: { port } }) => {
    if (!programIsHere('mosquitto_pub', '--help') || !programIsHere('mosquitto_sub', '--help'))
      return;
    // Kept, so that nobody has to know when mosquitto_sub is ready: it says so only when it ends.
    for (const qos of ['0', '2']) {
      const message = ['-t', `plant/${qos}`, '-m', `hello ${qos}`, '-q', qos, '-r'];
      const published = await mosquittoPub(port, 'ada', 'secret-1', ...speaks, ...message);
      assert.is(published.exitCode, 0, published.output);
    }
    const { exitCode, output } = await mosquittoSub(
      port,
      'ada',
      'secret-1',
      ...speaks,
      ...['-t', 'plant/#', '-C', '2', '-q', '2'],
    ).ended;
    assert.is(exitCode, 0, output);
    assert.match(output, /^hello 0$/m);
    assert.match(output, /^hello 2$/m);

    const refused = await mosquittoPub(port, 'ada', 'wrong', ...speaks, '-t', 'plant/a', '-m', 'x');
    assert.is.not(refused.exitCode, 0);
    assert.match(refused.output, /not authori[sz]ed/i);
    if (version === 5) {
      const denied = await mosquittoPub(
        port,
        'ada',
        'secret-1',
        ...speaks,
        '-t',
        'else',
        '-m',
        'x',
        '-q',
        '1',
        '-d',
      );
      assert.match(denied.output, /PUBACK.*RC:135/);
    }
  });
}

const pahoScript = `
import sys
import paho.mqtt.client as paho
port, version, transport = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
try:
    client = paho.Client(paho.CallbackAPIVersion.VERSION1, 'paho', protocol=version, transport=transport)
except AttributeError:
    client = paho.Client('paho', protocol=version, transport=transport)
client.username_pw_set('ada', 'secret-1')
def on_connect(client, *rest):
    print('connected', flush=True)
    client.subscribe([('plant/#', 1), ('else', 1)])
def on_subscribe(client, userdata, mid, granted, *rest):
    print('granted', [getattr(code, 'value', code) for code in granted], flush=True)
    client.publish('plant/a', 'hello', 2)
def on_message(client, userdata, message):
    print(message.topic, message.payload.decode(), flush=True)
    client.disconnect()
client.on_connect, client.on_subscribe, client.on_message = on_connect, on_subscribe, on_message
client.connect('127.0.0.1', port)
client.loop_forever()
`;

for (const transport of ['tcp', 'websockets'])
  for (const version of versions) {
    if (version === 3 && transport === 'websockets') continue;
    test(`paho, version ${version}, ${transport}`, async ({ world }) => {
      if (!pahoIsHere()) return;
      const { mqtt: tcp = '', ws = '' } = world.broker.addresses;
      const { port } = new URL(transport === 'tcp' ? tcp : ws);
      const { output } = await ran(pythonWithPaho, [
        '-c',
        pahoScript,
        port,
        String(version),
        transport,
      ]);
      assert.match(output, `granted [1, ${version === 5 ? 135 : 128}]`);
      assert.match(output, 'plant/a hello');
    });
  }

for (const transport of ['tcp', 'ws'] as const)
  for (const version of versions) {
    test(`MQTT.js, version ${version}, ${transport}`, async ({ world }) => {
      const { mqtt: tcp = '', ws = '' } = world.broker.addresses;
      await greets(transport === 'tcp' ? tcp : ws, {
        protocolVersion: version,
        ...(version === 3 ? { protocolId: 'MQIsdp' } : {}),
      });
      await mqttJs(tcp, { username: 'ada', password: 'wrong' }).then(
        () => assert.unreachable('a wrong password was let in'),
        (error: { code: number }) => assert.ok([5, 0x87].includes(error.code)),
      );
    });
  }

test('large messages go over WebSocket in both directions', async ({ world }) => {
  const client = await mqttJs(world.broker.addresses.ws ?? '', { protocolVersion: 5 });
  await client.subscribeAsync('plant/#');
  const arrived = Promise.withResolvers<Buffer>();
  client.on('message', (_topic, payload) => arrived.resolve(payload));
  const payload = Buffer.alloc(900_000, 'x');
  await client.publishAsync('plant/a', payload, { qos: 1 });
  assert.ok((await arrived.promise).equals(payload));
  await client.endAsync();
});

test('a WebSocket that is no MQTT is refused', async ({ world }) => {
  const address = world.broker.addresses.ws ?? '';
  const opens = (url: string, ...protocols: string[]) =>
    new Promise<WebSocket | string>((resolve) => {
      const socket = new WebSocket(url, protocols);
      socket.once('error', (error) => resolve(error.message));
      socket.once('open', () => resolve(socket));
    });
  assert.match(String(await opens(address.replace('/mqtt', '/other'), 'mqtt')), '400');
  assert.match(String(await opens(address)), '400');
  assert.match(String(await opens(address, 'chat')), '400');
  const answer = await fetch(address.replace('ws:', 'http:'));
  assert.is(answer.status, 426);
  const text = (await opens(address, 'mqtt')) as WebSocket;
  let answers = 0;
  text.on('message', () => answers++);
  const closed = new Promise((resolve) => text.once('close', resolve));
  // Without a password every byte of it is ASCII; in a binary frame it would be answered.
  text.send(generate(connectPacket({})), { binary: false });
  await closed;
  assert.is(answers, 0);
});

test('TLS', async () => {
  if (!programIsHere('openssl', 'version')) return;
  const folder = mkdtempSync(join(tmpdir(), 'gatebook-tls-'));
  const certFile = join(folder, 'cert.pem');
  try {
    const { key, cert } = await selfSigned();
    writeFileSync(certFile, cert);
    const world = await embeddedWorld(accounts(), {
      tls: { host: '127.0.0.1', port: 0, identity: new ChangingIdentity({ key, cert }) },
    });
    try {
      const { mqtts = '' } = world.broker.addresses;
      assert.match(mqtts, /^mqtts:\/\/127\.0\.0\.1:\d+$/);
      await greets(mqtts, { protocolVersion: 5, ca: cert });
      assert.is(world.attempts[0]?.source, '127.0.0.1');
      await mqttJs(mqtts).then(
        () => assert.unreachable('an unknown authority was trusted'),
        () => {},
      );
      await greets(mqtts, { protocolVersion: 4, ca: cert });
      if (programIsHere('mosquitto_pub', '--help')) {
        const port = Number(new URL(mqtts).port);
        const published = await mosquittoPub(
          port,
          'ada',
          'secret-1',
          '--cafile',
          certFile,
          '-t',
          'plant/a',
          '-m',
          'x',
        );
        assert.is(published.exitCode, 0, published.output);
      }
    } finally {
      await world.close();
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('an address that is taken is an error, and nothing stays open', async ({ world }) => {
  const { port } = world;
  await embeddedWorld(accounts(), { webSocket: { host: '127.0.0.1', port, path: '/mqtt' } }).then(
    () => assert.unreachable('the port was taken'),
    (error: NodeJS.ErrnoException) => assert.is(error.code, 'EADDRINUSE'),
  );
});

test('the end of a session shows in the client', async ({ world }) => {
  const client = await mqttJs(world.broker.addresses.ws ?? '', { protocolVersion: 5 });
  await client.subscribeAsync('plant/#');
  const told = new Promise<number | undefined>((resolve) => {
    client.once('disconnect', ({ reasonCode }) => resolve(reasonCode));
  });
  const closed = new Promise<void>((resolve) => client.once('close', () => resolve()));
  assert.is(await world.broker.endSessions('ada'), 1);
  assert.is(await told, 0x98);
  await closed;
});

async function mqttJs(address: string, options: IClientOptions = {}): Promise<MqttClient> {
  return mqtt.connectAsync(
    address,
    {
      username: 'ada',
      password: 'secret-1',
      reconnectPeriod: 0,
      connectTimeout: 5_000,
      ...options,
    },
    false,
  );
}

/** Subscribes, publishes, and gets its own message. */
async function greets(address: string, options: IClientOptions): Promise<void> {
  const client = await mqttJs(address, options);
  const arrived = Promise.withResolvers<string>();
  client.on('message', (topic, payload) => arrived.resolve(`${topic} ${payload}`));
  await client.subscribeAsync('plant/#', { qos: 1 });
  await client.publishAsync('plant/a', 'hello', { qos: 2 });
  assert.is(await arrived.promise, 'plant/a hello');
  await client.endAsync();
}

test.run();
