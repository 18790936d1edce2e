/** What one node erases no node shows any more, and none holds on to; a node that starts later neither. */

import { ask, environmentOf, type Nodes, nodesSuite } from '../../support/kurrentdb/nodes.ts';
import { startRegistry, type World } from '../../support/service.ts';
import { assert } from '../../support/suite.ts';

const test = nodesSuite('erasure over several nodes');

const context = { owner: 'Ada Lovelace' };
const after = (position: string) => ({ headers: { 'Gatebook-Position': position } });
const must = async (world: World, path: string, body: object = {}) => {
  const answer = await world.call('POST', path, { body });
  assert.is(answer.status, 200, JSON.stringify(answer.body));
  return { ...answer, position: answer.headers.get('gatebook-position') ?? '' };
};

interface Shown {
  readonly request: { readonly source: unknown; readonly context: unknown };
  readonly history: readonly { readonly source: unknown; readonly context: unknown }[];
}

async function shown(world: World, requestId: string, username: string, position: string) {
  const personal = ({ source, context }: Record<string, unknown>) => ({ source, context });
  const path = `/api/client-registry/requests/${requestId}`;
  const events = `/api/audit/events?username=${username}&type=RegistrationRequested`;
  const request = await world.call('GET', path, after(position));
  const history = await world.call('GET', events, after(position));
  return {
    request: personal(request.body),
    history: history.body.items.map(({ data }: { data: Record<string, unknown> }) =>
      personal(data),
    ),
  } satisfies Shown;
}

const open = { source: '127.0.0.1', context };
const gone = { source: null, context: null };

async function granted({ first }: Nodes, username: string) {
  await must(first, '/api/client-registry/unlock');
  const { requestId } = (await ask(first, username, 'its-own-secret', { context })).body;
  const { position } = await must(first, `/api/client-registry/requests/${requestId}/grant`);
  return { requestId, position };
}

test('keys that a node has in memory, its rows and its history: all are without what was personal', async (nodes) => {
  const { first, second } = nodes;
  const { requestId, position } = await granted(nodes, 'ada');
  // Both nodes have opened the fields and checked the password, so that both remember them.
  for (const world of [first, second]) {
    assert.equal(await shown(world, requestId, 'ada', position), {
      request: open,
      history: [open],
    });
    assert.is((await ask(world, 'ada', 'its-own-secret', { context })).status, 201);
  }
  const before = (await second.call('GET', '/api/audit/export', after(position))).body;

  const erased = await must(first, '/api/users/ada/erase', { reason: 'asked for it' });
  for (const world of [first, second]) {
    // The vault has an order of its own: what a node follows there is no part of the position.
    let now = await shown(world, requestId, 'ada', erased.position);
    for (let looks = 0; looks < 100 && world === second && now.request.source !== null; looks++)
      now = await shown(world, requestId, 'ada', erased.position);
    assert.equal(now, { request: gone, history: [gone] });
    const user = (await world.call('GET', '/api/users/ada', after(erased.position))).body;
    assert.equal([user.status, user.roles, user.credentials], ['unknown', [], []]);
  }
  // The password that both nodes had remembered is a stranger's now.
  const stranger = await ask(second, 'ada', 'its-own-secret', { context });
  assert.is(stranger.status, 202, JSON.stringify(stranger.body));
  assert.is.not(stranger.body.requestId, requestId);
  const now = (await second.call('GET', '/api/audit/export', after(erased.position))).body;
  assert.ok(now.startsWith(before), 'what was proven before is proven still');
});

test('a node that starts afresh, before and after a scavenge, cannot open it either', async (nodes) => {
  const { first, server } = nodes;
  const { requestId } = await granted(nodes, 'grace');
  const erased = await must(first, '/api/users/grace/erase');
  for (const scavenged of [false, true]) {
    if (scavenged) server.log.scavenge();
    const third = await startRegistry({ ...environmentOf(nodes), GATEBOOK_MQTT_PORT: 'off' });
    try {
      assert.equal(await shown(third, requestId, 'grace', erased.position), {
        request: gone,
        history: [gone],
      });
    } finally {
      await third.stop();
    }
  }
});

test.run();
