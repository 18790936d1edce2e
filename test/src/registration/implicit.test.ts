/** The implicit door: the rows of SPEC 4 as an MQTT client meets them, in every version. */
import mqtt from 'mqtt';
import { type Door, doorOf, knockEverywhere, newName, strong } from '../../support/door.ts';
import {
  type Connect,
  connected,
  connectPacket,
  mosquittoPub,
  programIsHere,
  rawMqtt,
  type Version,
  versions,
} from '../../support/mqtt-peers.ts';
import { startRegistry, type World } from '../../support/service.ts';
import { assert, suite } from '../../support/suite.ts';

interface Here {
  world: World;
  door: Door;
}
const test = suite<Here>('the implicit door');
test.before(async (here) => {
  here.world = await startRegistry({ GATEBOOK_SOURCE_ATTEMPTS_PER_MINUTE: '0' });
  here.door = doorOf(here.world);
});
test.before.each(async ({ door }) => {
  await door.lock();
  await door.unlock({ maxRequests: 10_000 });
});
test.after(({ world }) => world.stop());

/** CONNACK's code for not authorized [MQTT 3.1.1, 3.2.2.3] [MQTT 5, 3.2.2.2]. */
const refusal = (version: Version = 4): number => (version === 5 ? 0x87 : 5);

async function knock(world: World, options: Connect): Promise<number> {
  const client = await connected(world.mqtt.port, { clientId: newName(), ...options });
  client.end();
  return client.code;
}

test('each state, credential and gate comes to what it comes to over HTTP', async ({
  door,
  world,
}) => {
  let turn = 0;
  await knockEverywhere(door, async ({ username, told }, password) => {
    const version = versions[turn++ % versions.length] as Version;
    const code = await knock(world, { version, username, password });
    assert.is(code, told === '201' ? 0 : refusal(version), `${username} by MQTT ${version}`);
  });
});

for (const version of versions)
  test(`MQTT ${version}: refused, asked once however often it comes back, granted, and in`, async ({
    door,
    world,
  }) => {
    const username = newName('sensor');
    const password = `a slow password of MQTT ${version}`;
    const clientId = newName('client');
    const come = () => knock(world, { version, username, password, clientId });
    await door.lock();
    assert.is(await come(), refusal(version));
    assert.equal(await door.events(username), []);
    const [seen] = (await door.must(200, 'GET', '/api/client-registry/knocks?limit=1')).body.items;
    assert.equal(
      [seen.username, seen.flow, seen.reason, seen.source],
      [username, 'implicit', 'locked', '127.0.0.1'],
    );

    await door.unlock();
    for (let attempt = 0; attempt < 3; attempt++) assert.is(await come(), refusal(version));
    const requests = await door.requestsOf(username);
    assert.is(requests.length, 1);
    const [request] = requests;
    assert.equal(
      [request.flow, request.kind, request.pairingId, request.clientId, request.source],
      ['implicit', 'new', null, clientId, '127.0.0.1'],
    );
    assert.equal([request.contested, request.requestedRoles], [false, []]);
    const knocks = (await door.must(200, 'GET', '/api/client-registry/knocks?limit=1000')).body;
    assert.not(knocks.items.some((one: { username: string }) => one.username === username));

    await door.lock();
    await door.grant(request.requestId);
    assert.is(await come(), 0);
    assert.is(await knock(world, { version, username, password: 'another' }), refusal(version));
    assert.equal((await door.user(username)).effectivePermissions, []);
  });

test('a request by REST and a connect by MQTT with the same credential are the same', async ({
  door,
  world,
}) => {
  const byRest = await door.pending();
  assert.is(await knock(world, byRest), refusal());
  const byMqtt = { username: newName(), password: strong() };
  assert.is(await knock(world, byMqtt), refusal());
  const polled = await door.ask(byMqtt.username, byMqtt.password);
  assert.equal([polled.status, polled.body.pairingId], [202, null]);
  for (const { username } of [byRest, byMqtt])
    assert.equal(await door.types(username), ['RegistrationRequested']);
  await door.grant(byRest.requestId);
  await door.grant(polled.body.requestId);
  for (const { username, password } of [byRest, byMqtt]) {
    assert.is(await knock(world, { username, password }), 0);
    assert.is((await door.ask(username, password)).status, 201);
  }
});

test('both doors at once with one credential make one request', async ({ door, world }) => {
  for (let round = 0; round < 8; round++) {
    const [username, password] = [newName(), strong()];
    const [answer, ...codes] = await Promise.all([
      door.ask(username, password),
      knock(world, { username, password }),
      knock(world, { version: 5, username, password }),
    ]);
    assert.is(answer.status, 202);
    assert.equal(codes, [5, 0x87]);
    assert.equal(await door.types(username), ['RegistrationRequested']);
  }
});

test('what is no username or no password never becomes a request', async ({ door, world }) => {
  const before = (await door.events()).length;
  const password = strong();
  const names = [
    '',
    'ab',
    'a/b',
    'a#b',
    'a+b',
    '-abc',
    'a b c',
    'ä-ö-ü',
    'x'.repeat(129),
    'a\u0001b',
  ];
  for (const version of versions) {
    for (const username of names)
      assert.is(await knock(world, { version, username, password }), refusal(version), username);
    assert.is(await knock(world, { version, username: newName() }), refusal(version));
    assert.is(await knock(world, { version }), refusal(version));
    for (const other of ['', '1234', 'x'.repeat(1_025), 'v4.public.abcdef', 'nul\0nul'])
      assert.is(
        await knock(world, { version, username: newName(), password: other }),
        refusal(version),
        `password of ${other.length}`,
      );
  }
  // Bytes that are no text are nobody's password.
  const client = await rawMqtt(world.mqtt.port);
  client.send({
    ...connectPacket({ username: newName() }),
    password: Buffer.from([0x61, 0xff, 0xfe, 0x62, 0x63]),
  });
  assert.is((await client.take('connack')).returnCode, refusal());
  client.end();
  assert.is((await door.events()).length, before);
});

test('a token is a password under its own name, as long as it is good', async ({ door, world }) => {
  const { username, password } = await door.active();
  const other = await door.active();
  const login = await world.signIn(username, password);
  const named = await world.call('POST', '/api/tokens', { token: login, body: { label: 'line' } });
  const { token, tokenId } = named.body;
  const code = (name: string, text: string) => knock(world, { username: name, password: text });
  assert.equal([await code(username, token), await code(username, login)], [0, 0]);
  assert.is(await code(other.username, token), refusal());
  assert.is(await code('admin', token), refusal());
  assert.is(await code(newName(), token), refusal());
  assert.is(await code(username, `${token}x`), refusal());
  const asked = await door.pending();
  assert.is(await code(asked.username, asked.registrationToken), refusal());

  await door.change(username, 'suspend');
  assert.is(await code(username, token), refusal());
  await door.change(username, 'resume');
  assert.is(await code(username, token), 0);
  await door.change(username, 'rotate');
  assert.equal([await code(username, token), await code(username, login)], [0, refusal()]);

  const live = await connected(world.mqtt.port, { username, password: token, clientId: newName() });
  const stays = await connected(world.mqtt.port, {
    username: other.username,
    password: other.password,
    clientId: newName(),
  });
  await door.must(204, 'DELETE', `/api/tokens/${tokenId}`);
  await live.closed;
  assert.is(await code(username, token), refusal());
  assert.is(stays.socket.destroyed, false);
  stays.end();
});

test('a token session that is revoked is closed when the answer arrives', async ({
  door,
  world,
}) => {
  const { username, password } = await door.active();
  const owner = await world.signIn(username, password);
  const { body } = await world.call('POST', '/api/tokens', { token: owner, body: { label: 'x' } });
  const live = await connected(world.mqtt.port, {
    username,
    password: body.token,
    clientId: newName(),
  });
  let open = true;
  live.socket.once('close', () => {
    open = false;
  });
  await door.must(204, 'DELETE', `/api/tokens/${body.tokenId}`);
  assert.is((await door.user(username)).sessionCount, 0);
  await live.closed;
  assert.is(open, false);
});

test('over WebSocket as over TCP', async ({ door, world }) => {
  const [username, password] = [newName(), strong()];
  const come = async () => {
    const client = mqtt.connect(world.webSocket, { username, password, reconnectPeriod: 0 });
    const outcome = await new Promise((resolve) => {
      client.once('connect', () => resolve('in'));
      client.once('error', (error) => resolve((error as { code?: unknown }).code));
    });
    client.end(true);
    return outcome;
  };
  assert.is(await come(), refusal());
  const [request] = await door.requestsOf(username);
  assert.is(request.source, '127.0.0.1');
  await door.grant(request.requestId);
  assert.is(await come(), 'in');
});

for (const version of [4, 5] as const)
  test(`mosquitto_pub, MQTT ${version}: refused, pending, granted, works`, async ({
    door,
    world,
  }) => {
    if (!programIsHere('mosquitto_pub', '--help')) return;
    const [username, password] = [newName('pump'), 'geheim-42'];
    const publish = () =>
      mosquittoPub(
        ...([world.mqtt.port, username, password] as const),
        ...['-V', version === 5 ? 'mqttv5' : 'mqttv311', '-q', '1', '-t', 'plant/pump', '-m', 'on'],
      );
    await door.lock();
    assert.is.not((await publish()).exitCode, 0);
    await door.unlock();
    const pending = await publish();
    assert.is.not(pending.exitCode, 0);
    assert.match(pending.output.toLowerCase(), /not authori[sz]ed/);
    const [{ requestId }] = await door.requestsOf(username);
    const permissions = [{ context: 'mqtt', resource: 'plant/#', operation: 'readWrite' }];
    await door.grant(requestId, { permissions });
    const published = await publish();
    assert.equal([published.exitCode, published.output], [0, '']);
  });

test('a window for some sources is closed to the others', async ({ door, world }) => {
  if (!programIsHere('mosquitto_pub', '--help')) return;
  await door.unlock({ sources: ['127.0.0.2/32'], maxRequests: 10_000 });
  const [here, there] = [newName(), newName()];
  assert.is(await knock(world, { username: here, password: strong() }), refusal());
  assert.equal(await door.requestsOf(here), []);
  await mosquittoPub(world.mqtt.port, there, strong(), '-A', '127.0.0.2', '-t', 'a', '-m', 'b');
  const [request] = await door.requestsOf(there);
  assert.is(request.source, '127.0.0.2');
});

test('a source that guesses too often waits for its refusals, and gets in with what is right', async ({
  door,
  world,
}) => {
  const { username, password } = await door.active();
  const owner = await world.signIn(username, password);
  await world.restart({ GATEBOOK_SOURCE_ATTEMPTS_PER_MINUTE: '5' });
  await door.lock();
  for (let guess = 0; guess < 5; guess++)
    assert.is(await knock(world, { username, password: strong() }), refusal());
  assert.is((await door.ask(username, strong())).status, 429);
  const startedMs = performance.now();
  assert.is(await knock(world, { username, password: strong() }), refusal());
  assert.ok(performance.now() - startedMs > 900);
  assert.is(await knock(world, { username, password }), 0);
  assert.is(await knock(world, { username, password: owner }), 0);
  // A name that is free is not asked for by a source that is throttled.
  await door.unlock();
  const free = newName();
  assert.is(await knock(world, { username: free, password: strong() }), refusal());
  assert.equal(await door.requestsOf(free), []);
  await world.restart();
});

test.run();
