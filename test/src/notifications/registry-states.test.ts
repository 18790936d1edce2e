/** What the registry's own topics cost while nobody reads them, and what a late reader is shown. */

import { createLiveEvents } from '../../../src/notifications/live-events.ts';
import { publishRegistry } from '../../../src/notifications/mqtt-topics.ts';
import { createRegistryStates } from '../../../src/notifications/registry-states.ts';
import type { StoredEvent } from '../../../src/store/event-store.ts';
import { assert, suite } from '../../support/suite.ts';

const test = suite('registry states');

const at = '2026-03-02T09:00:00.000Z';
const names = ['press-1', 'press-2'];
const userNamed = (username: string) => ({ username, changedAt: at });

/** Views that count what is made of the rows. */
function countingViews() {
  let made = 0;
  const counted = <Value>(value: Value) => {
    made += 1;
    return value;
  };
  return {
    made: () => made,
    views: {
      user: (name: string) => counted(names.includes(name) ? userNamed(name) : undefined),
      users: async ({ status }: { status?: string }) =>
        // The second had access once, and waits again.
        counted({
          items: (status === undefined ? names : names.slice(1)).map(userNamed),
          nextCursor: null,
        }),
      request: async () => counted({ username: 'press-1' }),
      window: () => counted({ status: 'locked', unlockedAt: null, lockedAt: at }),
    } as never,
  };
}

const states = () => createRegistryStates({ views: countingViews().views, now: () => at });
async function topicsOf(filter: string): Promise<string[]> {
  const topics: string[] = [];
  for await (const { topic } of states().matching(filter)) topics.push(topic);
  return topics;
}

/** Publishes what some events mean to readers of some topics; what was sent, and what was made for it. */
async function published(reads: readonly string[]) {
  const { views, made } = countingViews();
  let apply: (events: readonly StoredEvent[]) => void = () => undefined;
  const liveEvents = createLiveEvents({
    history: {} as never,
    onApplied: (listener) => {
      apply = listener;
    },
  });
  const sent: string[] = [];
  const stopping = new AbortController();
  const done = publishRegistry({
    ...{ liveEvents, views, states: states(), signal: stopping.signal },
    logger: { warn: (text: string) => sent.push(text) } as never,
    broker: {
      isRead: async (topic) => reads.includes(topic),
      isAnyReadBelow: (topic) => reads.some((one) => one.startsWith(`${topic}/`)),
      publish: async (topic) => {
        sent.push(topic);
      },
    },
  });
  const event = (type: string, stream: string) =>
    ({ type, stream, position: '1', data: { username: 'press-1', requestId: 'r', at } }) as never;
  apply([
    event('RegistrationGranted', 'client-press-1'),
    event('CredentialActivated', 'activation-press-1'),
  ]);
  await new Promise((resolve) => setTimeout(resolve, 20));
  stopping.abort();
  await done;
  return { sent, made: made() };
}

test('what nobody is subscribed to is not made', async () => {
  assert.equal(await published([]), { sent: [], made: 0 });
});

test('who reads one topic has that one made', async () => {
  const topic = 'gatebook/registry/requests/press-1';
  assert.equal(await published([topic]), { sent: [topic], made: 1 });
});

test('a filter is shown what it matches, and no more', async () => {
  const [one, two] = names.map((name) => `gatebook/registry/clients/${name}/state`);
  const window = 'gatebook/registry/window';
  const cases: [string, (string | undefined)[]][] = [
    ['#', [window, one, two]],
    ['gatebook/registry/#', [window, one, two]],
    ['+/registry/clients/+/state', [one, two]],
    ['gatebook/registry/clients/#', [one, two]],
    ['gatebook/registry/clients/press-2/state', [two]],
    ['gatebook/registry/clients/press-2/#', [two]],
    ['gatebook/registry/clients/press-9/state', []],
    ['gatebook/registry/+', [window]],
    ['gatebook/registry/clients/press-1/activation', []],
    ['gatebook/registry/clients/press-1/state/x', []],
    ['$SYS/#', []],
    ['cell/#', []],
  ];
  for (const [filter, topics] of cases) assert.equal(await topicsOf(filter), topics, filter);
});

test('a topic is retained here where it is a state or the window', () => {
  const { has } = states();
  assert.ok(has('gatebook/registry/window') && has('gatebook/registry/clients/x/state'));
  assert.not.ok(
    has('gatebook/registry/checkpoint') || has('gatebook/registry/clients/x/activation'),
  );
});

test.run();
