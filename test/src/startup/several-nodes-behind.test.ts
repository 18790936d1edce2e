/** A node whose rows are behind the log: what it decides by them gives nobody what others have taken away, or never gave. */
import { newName, strong } from '../../support/door.ts';
import { ask, environmentOf, type Nodes, nodesSuite } from '../../support/kurrentdb/nodes.ts';
import { type KurrentServer, startKurrentServer } from '../../support/kurrentdb/server.ts';
import { until } from '../../support/mqtt-peers.ts';
import { startRegistry } from '../../support/service.ts';
import { assert } from '../../support/suite.ts';

const test = nodesSuite('a node that is behind');

/** By it the second node reaches the log that both share. */
let between: KurrentServer;

const plant = (resource: string) => ({ context: 'mqtt', resource, operation: 'read' });
const http = { context: 'http', resource: '/api/users', operation: 'read' };
const [hall, yard] = [plant('hall/#'), plant('yard/#')];
const approver = { username: 'second', password: strong() };

test.before(async (nodes) => {
  between = await startKurrentServer(nodes.server.log);
  await nodes.second.stop();
  nodes.second = await startRegistry({
    ...environmentOf({ ...nodes, server: between }),
    GATEBOOK_MQTT_PORT: 'off',
  });
  const body = { ...approver, roles: ['administrator'] };
  assert.is((await nodes.first.call('POST', '/api/users', { body })).status, 201);
});
test.after.each(() => between.deliver());
test.after(() => between.stop());

/** Resolves when the second node knows all that the first one does. */
async function level({ first, second }: Nodes): Promise<void> {
  between.deliver();
  const position = first.running.app.readModels.position();
  assert.ok(await second.running.app.readModels.reached(position, 5_000));
}

async function behind(nodes: Nodes): Promise<void> {
  await level(nodes);
  between.faults.withholds = true;
}

async function severalPeople(nodes: Nodes, of: 'all' | 'people'): Promise<void> {
  const { first, second } = nodes;
  const several = { GATEBOOK_APPROVALS: '2', GATEBOOK_APPROVALS_FOR: of };
  await first.restart({ ...environmentOf(nodes), ...several });
  await second.restart({
    ...environmentOf({ ...nodes, server: between }),
    ...{ ...several, GATEBOOK_MQTT_PORT: 'off' },
  });
  await until(() => second.running.app.views.approvalsNeeded() === 2);
}

test('a role that grew elsewhere gives no HTTP rights to whom a rule lets in', async (nodes) => {
  const { first, second } = nodes;
  const role = newName('role');
  const define = (permissions: object[]) =>
    first.call('PUT', `/api/roles/${role}`, { body: { permissions } });
  assert.is((await define([hall])).status, 201);
  const rule = await first.call('POST', '/api/client-registry/preauthorizations', {
    body: { enrolmentCode: true, roles: [role], until: '2999-01-01T00:00:00Z' },
  });
  await behind(nodes);
  assert.is((await define([hall, http])).status, 200);
  const [username, password] = [newName(), strong()];
  const { enrolmentCode } = rule.body;
  // It is recorded, and cannot be read there yet.
  assert.is((await ask(second, username, password, { enrolmentCode })).status, 503);
  await level(nodes);
  for (const world of nodesOf(nodes)) {
    const token = await world.signIn(username, password);
    assert.is((await world.call('GET', '/api/users', { token })).status, 403);
  }
  // A person may give them, who knows what the role gives.
  const path = `/api/users/${username}/authorization`;
  assert.is((await first.call('PUT', path, { body: { roles: [role] } })).status, 200);
  const token = await first.signIn(username, password);
  assert.is((await first.call('GET', '/api/users', { token })).status, 200);
});

const nodesOf = ({ first, second }: Nodes) => [first, second];

test('for people alone: nor to whom one person grants it at the node that is behind', async (nodes) => {
  await severalPeople(nodes, 'people');
  const { first, second } = nodes;
  const role = newName('role');
  const define = (permissions: object[]) =>
    first.call('PUT', `/api/roles/${role}`, { body: { permissions } });
  assert.is((await define([hall])).status, 201);
  const proposed = await define([hall, http]);
  assert.is(proposed.status, 202);
  await behind(nodes);
  const { proposalId, hash } = proposed.body;
  const { username, password } = approver;
  const approved = await first.call('POST', `/api/approvals/${proposalId}/approve`, {
    ...{ token: await first.signIn(username, password), body: { hash } },
  });
  assert.equal([approved.body.status, approved.body.outcome], ['approved', null]);
  const device = { username: newName(), password: strong() };
  await second.call('POST', '/api/users', { body: { ...device, roles: [role] } });
  await level(nodes);
  assert.is((await first.call('GET', `/api/users/${device.username}`)).body.roles[0], role);
  const token = await first.signIn(device.username, device.password);
  assert.is((await first.call('GET', '/api/users', { token })).status, 403);
});

test('two that only take away, one after the other, give nothing back', async (nodes) => {
  await severalPeople(nodes, 'people');
  const { first } = nodes;
  const [username, role] = [newName(), newName('role')];
  const user = `/api/users/${username}/authorization`;
  const both = { permissions: [hall, yard] };
  await first.call('POST', '/api/users', { body: { username, ...both } });
  await first.call('PUT', `/api/roles/${role}`, { body: both });
  await severalPeople(nodes, 'all');
  for (const path of [user, `/api/roles/${role}`]) {
    await behind(nodes);
    assert.is((await first.call('PUT', path, { body: { permissions: [yard] } })).status, 200);
    const narrow = () => nodes.second.call('PUT', path, { body: { permissions: [hall] } });
    // By its own rows it takes only the yard away.
    assert.is((await narrow()).status, 503, path);
    await level(nodes);
    assert.is((await narrow()).status, 202, path);
    const read = await first.call('GET', path.replace('/authorization', ''));
    assert.equal(read.body.permissions, [yard], path);
  }
});

test('an approver who was suspended elsewhere approves nothing here', async (nodes) => {
  const { first, second } = nodes;
  const token = await second.signIn(approver.username, approver.password);
  await level(nodes);
  const name = newName('role');
  const proposed = await first.call('PUT', `/api/roles/${name}`, { body: { permissions: [hall] } });
  await behind(nodes);
  const suspended = await first.call('POST', `/api/users/${approver.username}/suspend`, {
    body: {},
  });
  assert.is(suspended.status, 200);
  const { proposalId, hash } = proposed.body;
  const approve = () =>
    second.call('POST', `/api/approvals/${proposalId}/approve`, { token, body: { hash } });
  assert.is((await approve()).body.code, 'position-not-reached');
  await level(nodes);
  assert.is((await approve()).status, 401);
  const { body } = await first.call('GET', `/api/approvals/${proposalId}`);
  assert.equal([body.status, body.approvals.length], ['waiting', 1]);
});

test.run();
