/** Ways around several approvers: races, names that are given again, and what changes after it was approved. */
import { randomUUID } from 'node:crypto';
import { type Door, doorOf, newName, strong } from '../../../support/door.ts';
import { startRegistry, type World } from '../../../support/service.ts';
import { assert, suite } from '../../../support/suite.ts';

interface Here {
  world: World;
  door: Door;
  second: { username: string; password: string; token: string };
}

const test = suite<Here>('several approvers under attack');
const plant = { context: 'mqtt', resource: 'plant/#', operation: 'readWrite' };
const http = { context: 'http', resource: '/api/users', operation: 'read' };
const base = { GATEBOOK_MQTT_PORT: 'off' };

test.before.each(async (here) => {
  here.world = await startRegistry(base);
  here.door = doorOf(here.world);
  const [username, password] = ['second', strong()];
  await here.door.command('/api/users', { username, password, roles: ['administrator'] }, 201);
  here.second = { username, password, token: '' };
  await starts(here, 'all');
  await here.door.unlock();
});
test.after.each(({ world }) => world.stop());

async function starts({ world, second }: Here, of: string) {
  await world.restart({ ...base, GATEBOOK_APPROVALS: '2', GATEBOOK_APPROVALS_FOR: of });
  second.token = await world.signIn(second.username, second.password);
}

const proposed = async (door: Door, path: string, body: object = {}, method = 'POST') =>
  (await door.must(202, method, path, { body })).body;
const grantPath = (id: string) => `/api/client-registry/requests/${id}/grant`;
const approve = ({ world, second }: Here, one: { proposalId: string; hash: string }) =>
  world.call('POST', `/api/approvals/${one.proposalId}/approve`, {
    ...{ token: second.token, body: { hash: one.hash } },
  });
const collect = ({ world }: Here, { proposalId }: { proposalId: string }, token?: string) =>
  world.call('POST', `/api/approvals/${proposalId}/collect`, {
    body: {},
    ...(token !== undefined && { token }),
  });

test('approved several times at once, it is done once', async (here) => {
  const { door } = here;
  const device = newName('oven');
  await approve(here, await proposed(door, '/api/users', { username: device }));
  for (let round = 1; round <= 3; round++) {
    const made = await proposed(door, `/api/users/${device}/rotate`);
    const answers = await Promise.all([1, 2, 3, 4].map(() => approve(here, made)));
    assert.equal(new Set(answers.map(({ status }) => status)), new Set([200]));
    const collected = await collect(here, made);
    assert.is(collected.status, 200);
    assert.is((await door.ask(device, collected.body.password)).status, 201, 'it opens');
    const types = await door.types(device);
    assert.is(types.filter((type) => type === 'CredentialRotated').length, round);
  }
});

test('what changed between the approval and a restart is not carried out', async (here) => {
  const { door, world, second } = here;
  const role = newName('role');
  await approve(here, await proposed(door, `/api/roles/${role}`, { permissions: [] }, 'PUT'));
  const asked = await door.pending();
  const grant = await proposed(door, grantPath(asked.requestId), { roles: [role] });
  const { tokenId } = (await world.call('GET', '/api/whoami', { token: second.token })).body;
  const at = new Date().toISOString();
  const by = { kind: 'user', name: second.username };
  const append = (stream: string, revision: number, type: string, data: object) =>
    world.withStore((store) =>
      store.append(stream, revision, [
        {
          ...{ eventId: randomUUID(), type, data: { ...data, at, by } },
          metadata: { correlationId: randomUUID(), causationId: null },
        },
      ] as never),
    );
  await world.running.stop();
  await append(`role-${role}`, 0, 'RoleDefined', {
    ...{ name: role, permissions: [plant], description: null },
  });
  const { proposalId } = grant;
  await append(`proposal-${proposalId}`, 0, 'ProposalApproved', { proposalId, tokenId });
  await starts(here, 'all');
  let now: { outcome: { code: string } | null } = { outcome: null };
  for (let left = 50; left > 0 && now.outcome === null; left--) {
    now = (await door.must(200, 'GET', `/api/approvals/${proposalId}`)).body;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  assert.is(now.outcome?.code, 'approval-changed');
  assert.is((await door.ask(asked.username, asked.password)).status, 202);
});

/** Brings a second person with HTTP rights in by the door, under a name. */
async function entersByTheDoor(here: Here, username: string) {
  const password = strong();
  const { requestId } = await here.door.pending(username, password);
  const grant = await proposed(here.door, grantPath(requestId), { roles: ['administrator'] });
  assert.is((await approve(here, grant)).body.outcome, null);
  return await here.world.signIn(username, password);
}

test('whoever has the name of a proposer by now neither stands for them nor collects', async (here) => {
  const { door, world } = here;
  const name = newName('anna');
  const first = await entersByTheDoor(here, name);
  const as = async (path: string, body: object) =>
    (await world.call('POST', path, { token: first, body })).body;
  const device = newName('oven');
  const made = await as('/api/users', { username: device });
  await approve(here, made);
  const asked = await door.pending();
  const waits = await as(grantPath(asked.requestId), {});
  await door.change(name, 'revoke');
  const reinstated = await proposed(door, `/api/users/${name}/reinstate`);
  assert.is((await approve(here, reinstated)).body.outcome, null);
  const later = await entersByTheDoor(here, name);
  assert.is((await collect(here, made, later)).status, 403);
  const approved = await approve(here, waits);
  assert.is(approved.body.outcome?.code, 'token-invalid');
  assert.is((await door.ask(asked.username, asked.password)).status, 202);
});

test('for people alone: a role that gains HTTP rights while a password is hashed makes nobody', async (here) => {
  const { door, world } = here;
  await starts(here, 'people');
  const role = newName('role');
  await door.must(201, 'PUT', `/api/roles/${role}`, { body: { permissions: [plant] } });
  const widened = await proposed(door, `/api/roles/${role}`, { permissions: [plant, http] }, 'PUT');
  const username = newName('mallory');
  const making = world.call('POST', '/api/users', {
    body: { username, password: 'a slow one, which takes a moment', roles: [role] },
  });
  assert.is((await approve(here, widened)).body.outcome, null);
  const made = await making;
  const user = (await world.call('GET', `/api/users/${username}`)).body;
  assert.is(made.status === 201 && JSON.stringify(user).includes('/api/users'), false);
  assert.equal([made.status, made.body.code], [409, 'approval-changed']);
});

test('many requests with large roles fit into one event', async (here) => {
  const { door } = here;
  const role = newName('role');
  const permissions = Array.from({ length: 60 }, (_, at) => ({
    ...plant,
    resource: `plant/${at}/\${username}/${'x'.repeat(100)}/#`,
  }));
  await approve(here, await proposed(door, `/api/roles/${role}`, { permissions }, 'PUT'));
  const ids = await Promise.all(
    Array.from({ length: 40 }, async () => (await door.pending()).requestId),
  );
  const bulk = await proposed(door, '/api/client-registry/requests/grant', { ids, roles: [role] });
  const { items } = (await door.must(200, 'GET', '/api/audit/events?type=ProposalMade')).body;
  assert.ok(JSON.stringify(items[0]).length < 10_000, 'what it gives is not written out');
  const approved = await approve(here, bulk);
  assert.is(approved.body.outcome, null);
  assert.is((await collect(here, bulk)).body.results.length, 40);
});

test.run();
