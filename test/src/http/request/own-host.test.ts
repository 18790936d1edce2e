/** A page of another site whose name was made to lead here is not answered (DNS rebinding). */
import { request } from 'node:http';
import { isOwnHost } from '../../../../src/http/request/own-host.ts';
import { startRegistry } from '../../../support/service.ts';
import { assert, suite } from '../../../support/suite.ts';

const test = suite('http: own host');

const isOwn = isOwnHost({
  publicUrl: 'https://Registry.example:8443/x',
  httpHost: 'plant.internal',
  doorHost: '127.0.0.1',
  hostname: 'press-pc.plant.example',
  tls: { given: null, files: null, ca: null, caOverlap: null, names: ['gate.plant', '192.0.2.9'] },
});

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

test('a trusted proxy says any name', async () => {
  const world = await startRegistry({ GATEBOOK_TRUSTED_PROXIES: '127.0.0.1/32' });
  try {
    assert.is((await asked(world.url, 'any.example')).status, 200);
  } finally {
    await world.stop();
  }
});

test.run();
