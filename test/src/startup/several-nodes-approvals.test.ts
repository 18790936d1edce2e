/** The last approval given at two nodes at once: what it was for is done once. */
import { setTimeout as delay } from 'node:timers/promises';
import { strong } from '../../support/door.ts';
import { environmentOf, nodesSuite } from '../../support/kurrentdb/nodes.ts';
import { until } from '../../support/mqtt-peers.ts';
import type { World } from '../../support/service.ts';
import { assert } from '../../support/suite.ts';

const test = nodesSuite('several nodes: approvals');
const rounds = 5;

test('two people approve at two nodes in the same moment', async ({
  server,
  keys,
  first,
  second,
}) => {
  const [b, c] = [strong(), strong()];
  for (const [username, password] of [
    ['b', b],
    ['c', c],
  ]) {
    const body = { username: `approver-${username}`, password, roles: ['administrator'] };
    assert.is((await first.call('POST', '/api/users', { body })).status, 201);
  }
  const two = { ...environmentOf({ server, keys }), GATEBOOK_APPROVALS: '2' };
  await first.restart(two);
  await second.restart({ ...two, GATEBOOK_MQTT_PORT: 'off' });
  await until(() => second.running.app.views.approvalsNeeded() === 2);
  const approvers: [World, string][] = [
    [first, await first.signIn('approver-b', b)],
    [second, await second.signIn('approver-c', c)],
  ];
  for (let round = 0; round < rounds; round++) {
    const proposed = await first.call('PUT', `/api/roles/raced-${round}`, {
      body: { permissions: [{ context: 'mqtt', operation: 'read', resource: `plant/${round}` }] },
    });
    assert.is(proposed.status, 202);
    const { proposalId, hash } = proposed.body;
    const headers = { 'Gatebook-Position': proposed.headers.get('gatebook-position') ?? '' };
    const answers = await Promise.all(
      approvers.map(([world, token]) =>
        world.call('POST', `/api/approvals/${proposalId}/approve`, {
          token,
          body: { hash },
          headers,
        }),
      ),
    );
    const told = answers.map(({ status, body }) => `${status} ${body.code ?? body.status}`).sort();
    assert.ok(
      told.every((one) => ['200 approved', '409 approval-ended'].includes(one)) &&
        told.includes('200 approved'),
      told.join(),
    );
    const counted = async (type: string): Promise<number> =>
      (await first.call('GET', '/api/audit/events?limit=200')).body.items.filter(
        (event: { type: string }) => event.type === type,
      ).length;
    while ((await counted('ProposalCarriedOut')) <= round) await delay(10);
    assert.is(await counted('ProposalCarriedOut'), round + 1);
    assert.is(await counted('RoleDefined'), round + 1);
  }
});

test.run();
