/** A real RabbitMQ asks the registry, and does what the registry says. */
import { setTimeout as sleep } from 'node:timers/promises';
import mqtt from 'mqtt';
import { topicOf } from '../../../../src/broker/hooks/rabbitmq.ts';
import { type Door, doorOf, newName, strong } from '../../../support/door.ts';
import { freePort } from '../../../support/free-port.ts';
import {
  connected,
  mosquittoPub,
  programIsHere,
  publish,
  subscribed,
} from '../../../support/mqtt-peers.ts';
import { startRegistry, type World } from '../../../support/service.ts';
import { assert, suite } from '../../../support/suite.ts';
import { type RabbitMq, rabbitMq, rabbitMqIsHere } from './rabbitmq-peer.ts';

const secret = 'a-secret-of-rabbitmq';

const words = suite('rabbitmq words');
words('a routing key is read as the topic or filter that it was made of', () => {
  assert.is(topicOf('plant.*.x.#'), 'plant/+/x/#');
  assert.is(topicOf('a..b'), 'a//b');
});
words.run();

interface Here {
  world: World;
  door: Door;
  rabbit: RabbitMq | null;
  /** Granted while the broker was down. */
  early: { username: string; password: string };
}
const test = suite<Here>('rabbitmq');

test.before(async (here) => {
  here.rabbit = null;
  if (!rabbitMqIsHere()) return;
  const httpPort = await freePort();
  const rabbit = await rabbitMq({ hooks: `http://127.0.0.1:${httpPort}/hooks/rabbitmq/${secret}` });
  here.rabbit = rabbit;
  here.world = await startRegistry({
    GATEBOOK_HTTP_PORT: String(httpPort),
    GATEBOOK_BROKER: rabbit.address,
    GATEBOOK_HOOK_SECRET: secret,
  });
  here.door = doorOf(here.world);
  await here.door.unlock({ maxRequests: 1_000 });
  here.early = await here.door.active();
  assert.is((await activation(here, here.early.username))?.status, 'waiting');
  await rabbit.start();
});
test.after(async ({ world, rabbit }) => {
  await world?.stop();
  await rabbit?.stop();
});

async function activation({ door }: Here, username: string) {
  const { activations } = await door.user(username);
  return activations.find(({ broker }: { broker: string }) => broker === 'rabbitmq');
}

/** Waits until the last event of an activation is of a type; resolves with its data. */
async function told({ door }: Here, username: string, type: string) {
  const late = Date.now() + 10_000;
  for (;;) {
    const events = (await door.events(username)).filter(
      (one: { type: string }) => one.type.startsWith('Credential') && one.type.endsWith('tivated'),
    );
    const last = events.at(-1);
    if (last?.type === type) return last.data;
    if (Date.now() > late) throw new Error(`no ${type}: ${JSON.stringify(events)}`);
    await sleep(20);
  }
}

const plant = (resource: string, operation = 'readWrite') => ({
  context: 'mqtt',
  resource,
  operation,
});

const knock = async (
  rabbit: RabbitMq,
  username: string,
  password: string,
  clientId = newName(),
) => {
  const client = await connected(rabbit.mqttPort, { username, password, clientId });
  client.end();
  return client.code;
};

test('granted while it was down, active by itself when it is there', async (here) => {
  const { rabbit, early } = here;
  if (rabbit === null) return;
  const { broker } = await told(here, early.username, 'CredentialActivated');
  assert.is(broker, 'rabbitmq');
  assert.is((await activation(here, early.username))?.status, 'active');
  assert.is(await knock(rabbit, early.username, early.password), 0);
  assert.is(await knock(rabbit, early.username, strong()), 4);
});

test('the implicit flow works with mosquitto_pub, from refusal to success', async (here) => {
  const { rabbit, door } = here;
  if (rabbit === null || !programIsHere('mosquitto_pub', '--help')) return;
  const [username, password] = [newName('sensor'), 'plain & simple = päss'];
  const pub = () =>
    mosquittoPub(rabbit.mqttPort, username, password, '-t', 'hall/7/t', '-m', '21', '-q', '1');
  assert.is.not((await pub()).exitCode, 0);
  const [request] = await door.requestsOf(username);
  assert.equal([request.status, request.flow, request.source], ['pending', 'implicit', null]);
  const before = performance.now();
  await door.grant(request.requestId, { permissions: [plant('hall/+/t', 'write')] });
  const { exitCode, output } = await pub();
  assert.is(exitCode, 0, output);
  console.log(`rabbitmq: from grant to published in ${Math.round(performance.now() - before)} ms`);
  await told(here, username, 'CredentialActivated');
});

test('permissions are those of the registry, and nothing beyond', async ({ rabbit, door }) => {
  if (rabbit === null) return;
  const reader = await door.active({ permissions: [plant('cell/+/state', 'read')] });
  const writer = await door.active({ permissions: [plant('cell/7/#', 'write')] });
  const subscriber = await connected(rabbit.mqttPort, { ...reader, clientId: 'a reader/1' });
  assert.equal(await subscribed(subscriber, ['cell/+/state']), [1]);
  const publisher = await mqtt.connectAsync(`mqtt://127.0.0.1:${rabbit.mqttPort}`, {
    username: writer.username,
    password: writer.password,
    protocolVersion: 4,
    reconnectPeriod: 0,
  });
  await publisher.publishAsync('cell/7/state', 'open', { qos: 1 });
  const message = await subscriber.take('publish');
  assert.equal([message.topic, String(message.payload)], ['cell/7/state', 'open']);
  for (const topic of ['cell/8/state', '$SYS/x', 'cell']) {
    const client = await connected(rabbit.mqttPort, { ...writer, clientId: newName() });
    client.send({
      cmd: 'publish',
      topic,
      payload: 'x',
      qos: 1,
      dup: false,
      retain: false,
      messageId: 1,
    });
    await client.closed;
  }
  const all = await door.active({ permissions: [plant('#', 'write')] });
  for (const topic of ['gatebook/registry/window', 'gatebook.registry.window']) {
    const client = await connected(rabbit.mqttPort, { ...all, clientId: newName() });
    client.send(publish(topic, 'forged', { qos: 1, retain: true }));
    await client.closed;
  }
  for (const filter of ['#', 'cell/#', 'cell/7/+', 'other']) {
    const client = await connected(rabbit.mqttPort, { ...reader, clientId: newName() });
    const refused = await Promise.race([
      subscribed(client, [filter]).then(
        (codes) => codes[0] === 0x80,
        () => true,
      ),
      client.closed.then(() => true),
    ]);
    assert.ok(refused, `${filter} is refused`);
    client.end();
  }
  subscriber.end();
  await publisher.endAsync(true);
});

test('a revoked one is thrown out at once, and the log says so', async (here) => {
  const { rabbit, door } = here;
  if (rabbit === null) return;
  const { username, password } = await door.active({ permissions: [plant('own/#')] });
  await told(here, username, 'CredentialActivated');
  const live = [
    await connected(rabbit.mqttPort, { username, password, clientId: 'one' }),
    await connected(rabbit.mqttPort, { username, password, clientId: 'two' }),
  ];
  assert.equal(
    live.map(({ code }) => code),
    [0, 0],
  );
  const before = performance.now();
  const revoked = door.change(username, 'revoke');
  await Promise.all(live.map(({ closed }) => closed));
  console.log(`rabbitmq: closed ${Math.round(performance.now() - before)} ms after the revoke`);
  await revoked;
  const { sessionsClosed } = await told(here, username, 'CredentialDeactivated');
  assert.is(sessionsClosed, 2);
  assert.is(await knock(rabbit, username, password), 4);
});

test('other rights end sessions that came in by the old ones; other events end none', async (here) => {
  const { rabbit, door } = here;
  if (rabbit === null) return;
  const { username, password } = await door.active({ permissions: [plant('old/#')] });
  await told(here, username, 'CredentialActivated');
  const live = await connected(rabbit.mqttPort, { username, password, clientId: 'stays' });
  // A challenger asks for the name: whoever is active stays.
  assert.is(await knock(rabbit, username, strong()), 4);
  assert.ok((await door.types(username)).includes('ReplacementRequested'));
  await sleep(300);
  assert.equal(await subscribed(live, ['old/x']), [1]);
  await door.must(200, 'PUT', `/api/users/${username}/authorization`, {
    body: {
      roles: [],
      permissions: [plant('new/#')],
      mqttPublishPrefix: null,
      mqttClientId: null,
      expiresAt: null,
    },
  });
  await live.closed;
  const again = await connected(rabbit.mqttPort, { username, password, clientId: 'stays' });
  assert.equal([again.code, await subscribed(again, ['new/x'])], [0, [1]]);
  again.end();
});

test('a token is a password, and ends with its sessions', async ({ rabbit, door, world }) => {
  if (rabbit === null) return;
  const { username } = await door.active({ permissions: [plant('t/#')] });
  const { body } = await door.must(201, 'POST', '/api/tokens', {
    body: { label: 'for mqtt', username },
  });
  const live = await connected(rabbit.mqttPort, {
    username,
    password: body.token,
    clientId: newName(),
  });
  assert.is(live.code, 0);
  await door.must(204, 'DELETE', `/api/tokens/${body.tokenId}`);
  await live.closed;
  assert.is(await knock(rabbit, username, body.token), 4);
  assert.is(world.lines.filter((line) => line.includes(secret)).length, 0);
});

test('a pinned client id is the only one', async ({ rabbit, door }) => {
  if (rabbit === null) return;
  const { username, password } = await door.active({ mqttClientId: 'the-one' });
  assert.is(await knock(rabbit, username, password, 'another'), 4);
  assert.is(await knock(rabbit, username, password, 'the-one'), 0);
});

test.run();
