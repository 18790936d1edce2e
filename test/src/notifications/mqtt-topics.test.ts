/** The registry's own MQTT topics at the embedded broker: who may read them, and what they say. */
import { setTimeout as sleep } from 'node:timers/promises';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { covers, levelsOf } from '../../../domain/matching.ts';
import { createLogger } from '../../../src/logger.ts';
import { createLiveEvents, type LiveEvents } from '../../../src/notifications/live-events.ts';
import { publishRegistry, registryStates } from '../../../src/notifications/mqtt-topics.ts';
import type { StoredEvent } from '../../../src/store/event-store.ts';
import { connected, type RawMqtt, subscribed } from '../../support/mqtt-peers.ts';
import { logOf } from '../../support/read-models.ts';
import { adminPassword, startRegistry, type World } from '../../support/service.ts';

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

// ── What nobody reads ─────────────────────────────────────────────────────────────────────────────

const user = (username: string) => ({ username, status: 'active' });

/** A registry with these clients, whose readers of MQTT have these filters; says what was published. */
async function publishing(filters: readonly string[], act: (live: LiveEvents) => void) {
  const told: string[] = [];
  const shown: string[] = [];
  const ending = new AbortController();
  let listener: (events: readonly StoredEvent[]) => void = () => undefined;
  const liveEvents = createLiveEvents({
    history: { get: () => undefined } as never,
    onApplied: (one) => {
      listener = one;
    },
  });
  const hasReader = (topic: string) =>
    filters.some((filter) => covers(levelsOf(filter), levelsOf(topic)));
  const done = publishRegistry({
    liveEvents,
    broker: {
      publish: async (topic) => void told.push(topic),
      hasReader: async (topic) => hasReader(topic),
      hasReaderBelow: () => filters.length > 0,
    },
    views: {
      window: () => ({ status: 'locked' }) as never,
      user: (username) => {
        shown.push(username);
        return user(username) as never;
      },
      request: async (requestId) => {
        shown.push(requestId);
        return { requestId } as never;
      },
      users: async () => {
        shown.push('all');
        return { items: [user('oven-1')], nextCursor: null } as never;
      },
    },
    now: () => '2026-11-28T10:00:00.000Z',
    logger: createLogger({ level: 'debug', write: (line) => assert.unreachable(line) }),
    signal: ending.signal,
  });
  await sleep(5);
  act({ ...liveEvents, applied: (events: readonly StoredEvent[]) => listener(events) } as never);
  await sleep(20);
  ending.abort();
  await done;
  return { told, shown };
}

const requested = logOf([
  {
    stream: 'client-press-9',
    type: 'RegistrationRequested',
    data: { username: 'press-9', requestId: 'r-9', at: '2026-11-28T10:00:00.000Z' },
  },
]);
const apply = (live: LiveEvents) =>
  (live as LiveEvents & { applied(events: readonly StoredEvent[]): void }).applied(requested);

test('what nobody has subscribed to is neither read nor made, at the start or at a change', async () => {
  assert.equal(await publishing([], apply), { told: ['gatebook/registry/window'], shown: [] });
});
test('what somebody has subscribed to is, and nothing else', async () => {
  const { told, shown } = await publishing(['gatebook/registry/requests/press-9'], apply);
  assert.equal(told, ['gatebook/registry/window', 'gatebook/registry/requests/press-9']);
  assert.equal(shown, ['all', 'r-9']);
  const wide = await publishing(['gatebook/#'], apply);
  assert.equal(wide.told, [
    'gatebook/registry/window',
    'gatebook/registry/clients/oven-1/state',
    'gatebook/registry/requests/press-9',
    'gatebook/registry/clients/press-9/state',
  ]);
});

test('a state is made when a filter asks for it', async () => {
  const asked: string[] = [];
  const states = registryStates({
    views: {
      user: (username) => {
        asked.push(username);
        return username === 'gone' ? undefined : (user(username) as never);
      },
      users: async () => {
        asked.push('all');
        return { items: [user('a'), user('b')], nextCursor: null } as never;
      },
    },
    now: () => '2026-11-28T10:00:00.000Z',
  });
  const topicsOf = async (filter: string) => {
    const found: string[] = [];
    for await (const { topic } of states.matching(filter)) found.push(topic.split('/')[3] ?? '');
    return found.join('');
  };
  // biome-ignore format: a table reads as a table
  for (const [filter, names, looks] of [
    ['gatebook/registry/clients/x/state', 'x', 'x'],
    ['gatebook/registry/clients/x/#', 'x', 'x'],
    ['gatebook/registry/clients/gone/state', '', 'gone'],
    ['gatebook/registry/clients/+/state', 'ab', 'all'],
    ['+/+/clients/+/+', 'ab', 'all'],
    ['gatebook/registry/#', 'ab', 'all'],
    ['#', 'ab', 'all'],
    ['gatebook/registry/clients/x', '', ''],
    ['gatebook/registry/clients/+/activation', '', ''],
    ['gatebook/registry/window', '', ''],
    ['plant/#', '', ''],
    ['+', '', ''],
  ] as const) {
    asked.length = 0;
    assert.is(await topicsOf(filter), names, filter);
    assert.is(asked.join(), looks, filter);
  }
  assert.ok(states.has('gatebook/registry/clients/x/state'));
  for (const topic of ['gatebook/registry/window', 'gatebook/registry/clients/x/activation', 'x'])
    assert.not.ok(states.has(topic), topic);
});

test.run();
