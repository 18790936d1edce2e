/** The registry's own MQTT topics at the embedded broker: who may read them, and what they say. */

import { connected, type RawMqtt, subscribed } from '../../support/mqtt-peers.ts';
import { adminPassword, startRegistry, type World } from '../../support/service.ts';
import { assert, suite } from '../../support/suite.ts';

const test = suite('registry topics');
let world: World;
let reader: RawMqtt;

const post = (path: string, body: object = {}) => world.call('POST', `/api${path}`, { body });
const connect = (username: string, password: string) =>
  connected(world.mqtt.port, { clientId: username, username, password, version: 5 });

/** The next message of a topic, or of all below it; others are passed over. */
async function told(client: RawMqtt, topic: string, event?: string) {
  for (;;) {
    const packet = await client.take('publish');
    if (packet.qos > 0) client.send({ cmd: 'puback', messageId: packet.messageId as number });
    const text = String(packet.payload);
    const message = text === '' ? null : JSON.parse(text);
    if (packet.topic === topic && (event === undefined || message?.event === event))
      return { retain: packet.retain, ...message };
  }
}

test.before(async () => {
  world = await startRegistry();
  reader = await connect('admin', adminPassword);
  assert.equal(await subscribed(reader, ['gatebook/registry/#']), [1]);
});
test.after(async () => {
  reader.end();
  await world.stop();
});

test('a request, its decision and the state of its client are told', async () => {
  await post('/client-registry/unlock');
  assert.is(
    (await told(reader, 'gatebook/registry/window', 'window.unlocked')).data.status,
    'unlocked',
  );
  const { body } = await world.call('POST', '/api/client-registry/register', {
    token: null,
    body: { username: 'press-1', password: 'hunter-22', context: { serial: '4711' } },
  });
  const pending = await told(reader, 'gatebook/registry/requests/press-1', 'request.pending');
  assert.is(pending.data.requestId, body.requestId);
  assert.is(pending.data.source, null);
  assert.is(pending.data.context, null);
  assert.match(pending.at, /^\d{4}-.*Z$/);

  await post(`/client-registry/requests/${body.requestId}/grant`, { permissions: [] });
  await told(reader, 'gatebook/registry/requests/press-1', 'request.granted');
  const state = await told(reader, 'gatebook/registry/clients/press-1/state');
  assert.is(state.event, 'user.changed');
  assert.is(state.data.status, 'active');
  const activation = await told(reader, 'gatebook/registry/clients/press-1/activation');
  assert.equal([activation.data.username, activation.data.broker], ['press-1', 'embedded']);
  // What is retained last holds the acknowledgement, too.
  const acknowledged = await told(reader, 'gatebook/registry/clients/press-1/state');
  assert.is(acknowledged.data.activations[0]?.status, 'active');
});

test('a session that is stored is told what changed meanwhile', async () => {
  const stored = { clientId: 'admin-stored', username: 'admin', password: adminPassword };
  const options = { ...stored, version: 4 as const, clean: false };
  const before = await connected(world.mqtt.port, options);
  const topic = 'gatebook/registry/clients/press-1/state';
  assert.equal(await subscribed(before, [topic]), [1]);
  assert.is((await told(before, topic)).data.status, 'active');
  before.end();
  await post('/users/press-1/suspend');
  const after = await connected(world.mqtt.port, options);
  assert.is((await told(after, topic)).data.status, 'suspended');
  after.end();
  await post('/users/press-1/resume');
});

test('who has no permission for them reads none', async () => {
  const press = await connect('press-1', 'hunter-22');
  const filters = ['gatebook/registry/#', 'gatebook/registry/clients/press-1/state'];
  assert.equal(await subscribed(press, filters), [0x87, 0x87]);
  press.end();
});

test('states are retained, and there again after a restart', async () => {
  await world.restart();
  const again = await connect('admin', adminPassword);
  await subscribed(again, ['gatebook/registry/clients/+/state']);
  const state = await told(again, 'gatebook/registry/clients/press-1/state');
  assert.is(state.data.status, 'active');
  again.end();
});

test.run();
