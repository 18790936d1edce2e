/** A page of another site whose name was made to lead here is not answered (DNS rebinding), nor one that opens a WebSocket. */
import { request } from 'node:http';
import { isOwnHost, isOwnOrigin } from '../../../src/config/own-names.ts';
import { startRegistry, type World } from '../../support/service.ts';
import { assert, suite } from '../../support/suite.ts';

const test = suite('config: own names');

const names = {
  publicUrl: 'https://Registry.example:8443/x',
  publicMqttUrls: ['wss://Broker.example/mqtt'],
  httpHost: 'plant.internal',
  doorHost: '127.0.0.1',
  mqttHost: '127.0.0.1',
  hostname: 'press-pc.plant.example',
  tls: { names: ['gate.plant', '192.0.2.9'] },
};
const isOwn = isOwnHost(names);
const isOwnPage = isOwnOrigin(names);

for (const host of [
  '127.0.0.1:8080',
  '127.9.9.9',
  '[::1]:8080',
  '192.0.2.7:80',
  'localhost:8080',
  'LOCALHOST',
  'a.localhost:1',
  'localhost.',
  'registry.example',
  'REGISTRY.example:1',
  'plant.internal:8080',
  'press-pc:8080',
  'press-pc.local',
  'press-pc.plant.example',
  'gate.plant:8443',
  'broker.example',
])
  test(`${host} is ours`, () => assert.is(isOwn(host), true));

for (const host of [
  'evil.example',
  'evil.example:8080',
  'localhost.evil.example',
  'press-pc.evil.example',
  '127.0.0.1.evil.example',
  'registry.example.evil.example',
  '127.0.0.1@evil.example',
  '[::1].evil.example',
  '[::1',
  '',
  '.',
  'localhost:8080:evil.example',
])
  test(`"${host}" is not`, () => assert.is(isOwn(host), false));

for (const [origin, host] of [
  ['http://localhost:3000', '127.0.0.1:9001'],
  ['http://127.0.0.1:8080', 'localhost:9001'],
  ['http://[::1]:8080', 'localhost:9001'],
  ['https://registry.example', 'localhost:9001'],
  ['https://192.0.2.9', 'press-pc:9001'],
  ['https://any.example', 'broker.example:9001'],
] as const)
  test(`a page of ${origin} may open ${host}`, () => assert.is(isOwnPage(origin, host), true));

for (const [origin, host] of [
  ['https://evil.example', '127.0.0.1:9001'],
  ['https://evil.example', 'press-pc.local:9001'],
  ['https://evil.example', ''],
  ['http://203.0.113.5', 'localhost:9001'],
  ['http://[2001:db8::5]', 'localhost:9001'],
  ['http://localhost.evil.example', 'localhost:9001'],
  ['null', 'localhost:9001'],
  ['file://', 'localhost:9001'],
  ['', 'localhost:9001'],
] as const)
  test(`a page of "${origin}" may not open "${host}"`, () =>
    assert.is(isOwnPage(origin, host), false));

const asked = (url: string, host: string, headers: Record<string, string> = {}) =>
  new Promise<{ status: number; text: string }>((resolve, reject) => {
    const options = { headers: { Host: host, ...headers }, setHost: false };
    request(`${url}/healthz`, options, async (answer) => {
      const text = (await answer.toArray()).join('');
      resolve({ status: answer.statusCode ?? 0, text });
    })
      .on('error', reject)
      .end();
  });

test('a foreign name at a loopback listener is 400 and names what would do', async () => {
  const world = await startRegistry({
    GATEBOOK_DOOR_PORT: '0',
    GATEBOOK_PUBLIC_URL: 'http://registry.example',
  });
  try {
    for (const url of [world.url, world.door as string]) {
      const { status, text } = await asked(url, 'evil.example');
      assert.is(status, 400);
      const { code, errors } = JSON.parse(text);
      assert.equal([code, errors[0].parameter], ['request-malformed', 'Host']);
      assert.match(errors[0].detail, 'GATEBOOK_PUBLIC_URL');
      for (const host of ['registry.example', 'localhost:1', new URL(url).host])
        assert.is((await asked(url, host)).status, 200, host);
    }
  } finally {
    await world.stop();
  }
});

const upgraded = (world: World, headers: Record<string, string>) =>
  new Promise<number>((resolve, reject) => {
    request(world.webSocket.replace(/^ws/, 'http'), {
      setHost: false,
      headers: {
        ...{ Host: 'localhost', Connection: 'Upgrade', Upgrade: 'websocket' },
        'Sec-WebSocket-Version': '13',
        'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
        'Sec-WebSocket-Protocol': 'mqtt',
        ...headers,
      },
    })
      .on('upgrade', (answer, socket) => {
        socket.destroy();
        resolve(answer.statusCode ?? 0);
      })
      .on('response', (answer) => resolve(answer.resume().statusCode ?? 0))
      .on('error', reject)
      .end();
  });

test('no page of another site speaks MQTT over WebSocket at this machine', async () => {
  const world = await startRegistry();
  try {
    const { origin } = new URL(world.url);
    assert.is(await upgraded(world, { Origin: 'https://evil.example' }), 403);
    assert.is(await upgraded(world, { Host: 'evil.example' }), 403, 'rebound');
    assert.is(await upgraded(world, { Host: 'evil.example', Origin: 'http://evil.example' }), 403);
    assert.is(await upgraded(world, { Origin: origin }), 101);
    assert.is(await upgraded(world, {}), 101, 'a device says no origin');
  } finally {
    await world.stop();
  }
});

test('a trusted proxy says any name', async () => {
  const world = await startRegistry({ GATEBOOK_TRUSTED_PROXIES: '127.0.0.1/32' });
  try {
    assert.is((await asked(world.url, 'any.example')).status, 200);
    const any = { Host: 'any.example', Origin: 'https://other.example' };
    assert.is(await upgraded(world, any), 101);
  } finally {
    await world.stop();
  }
});

test.run();
