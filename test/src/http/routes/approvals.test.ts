/** Several approvers: what waits, who approves, what is carried out, and what happens at once. */

import { proposalsWaitingPerPersonMax } from '../../../../src/limits/administration.ts';
import { type Door, doorOf, newName, strong } from '../../../support/door.ts';
import { startRegistry, type World } from '../../../support/service.ts';
import { assert, suite } from '../../../support/suite.ts';

interface Here {
  world: World;
  door: Door;
  /** A second administrator, made while one person was enough. */
  second: { username: string; token: string };
}

const test = suite<Here>('several approvers');
const two = { GATEBOOK_APPROVALS: '2' };
const plant = { context: 'mqtt', resource: 'plant/#', operation: 'readWrite' };
const http = { context: 'http', resource: '/api/users', operation: 'read' };

test.before(async (here) => {
  here.world = await startRegistry({ GATEBOOK_MQTT_PORT: 'off' });
  here.door = doorOf(here.world);
  const [username, password] = ['second', strong()];
  await here.door.command('/api/users', { username, password, roles: ['administrator'] }, 201);
  const until = { expiresAt: '2090-01-01T00:00:00Z' };
  for (const name of ['deed-active', 'deed-suspended', 'deed-revoked'])
    await here.door.command('/api/users', { username: name, password: strong(), ...until }, 201);
  await here.door.change('deed-suspended', 'suspend');
  await here.door.change('deed-revoked', 'revoke');
  await here.world.restart({ GATEBOOK_MQTT_PORT: 'off', ...two });
  here.second = { username, token: await here.world.signIn(username, password) };
  await here.door.unlock();
});
test.after(({ world }) => world.stop());

const asks = async (door: Door) => (await door.pending()).requestId;
const grantPath = (id: string) => `/api/client-registry/requests/${id}/grant`;

async function proposed(door: Door, path: string, body: object = {}, method = 'POST') {
  const answer = await door.must(202, method, path, { body });
  assert.is(answer.headers.get('location'), `/api/approvals/${answer.body.proposalId}`);
  assert.equal([answer.body.status, answer.body.needed], ['waiting', 2]);
  return answer.body;
}

const approve = (
  { world, second }: Here,
  { proposalId, hash }: { proposalId: string; hash: string },
) =>
  world.call('POST', `/api/approvals/${proposalId}/approve`, {
    token: second.token,
    body: { hash },
  });
const collect = ({ world }: Here, { proposalId }: { proposalId: string }) =>
  world.call('POST', `/api/approvals/${proposalId}/collect`, { body: {} });

test('a grant waits for a second person, and is carried out by the last approval', async (here) => {
  const { door, world } = here;
  const { username, password, requestId } = await door.pending();
  const proposal = await proposed(door, grantPath(requestId), { permissions: [plant] });
  assert.equal([proposal.action, proposal.subject], ['grantRequest', username]);
  assert.equal([proposal.proposedBy, proposal.gains], ['admin', []]);
  assert.is((await door.ask(username, password)).status, 202);
  assert.is((await collect(here, proposal)).status, 202);
  const self = await world.call('POST', `/api/approvals/${proposal.proposalId}/approve`, {
    body: { hash: proposal.hash },
  });
  assert.equal([self.status, self.body.code], [403, 'self-approval']);
  const approved = await approve(here, proposal);
  assert.equal([approved.status, approved.body.status], [200, 'approved']);
  assert.equal(
    approved.body.approvals.map(({ by }: { by: string }) => by),
    ['admin', 'second'],
  );
  assert.is((await door.ask(username, password)).status, 201);
  const rejected = await world.call('POST', `/api/approvals/${proposal.proposalId}/reject`);
  assert.equal([rejected.status, rejected.body.code], [409, 'approval-ended']);
  // Approved twice is approved once.
  assert.is((await approve(here, proposal)).status, 200);
  const answer = await collect(here, proposal);
  assert.equal(
    [answer.status, answer.body.status, answer.body.username],
    [200, 'granted', username],
  );
  assert.equal(answer.body.approvals.length, 2);
  assert.equal((await collect(here, proposal)).body.code, 'approval-ended');
  const granted = (await door.events(username)).find(
    ({ type }: { type: string }) => type === 'RegistrationGranted',
  );
  assert.is(granted.correlationId, proposal.proposalId);
  assert.is(granted.actor.name, 'admin');
});

test('what only takes away happens at once', async ({ door, world }) => {
  assert.is((await world.call('POST', '/api/client-registry/lock', { body: {} })).status, 200);
  await door.unlock();
  const denied = await door.pending();
  await door.deny(denied.requestId);
});

test('approving needs the hash of what stands, a session, and the permissions of the command', async (here) => {
  const { door, world, second } = here;
  const proposal = await proposed(door, grantPath(await asks(door)));
  const path = `/api/approvals/${proposal.proposalId}/approve`;
  const code = async (token: string, hash: string) =>
    (await world.call('POST', path, { token, body: { hash } })).body.code;
  assert.is(await code(second.token, '0'.repeat(64)), 'approval-changed');
  const named = await world.call('POST', '/api/tokens', {
    token: second.token,
    body: { label: 'bot' },
  });
  assert.is(await code(named.body.token, proposal.hash), 'approval-needs-session');
});

test('what changed since is approval-changed', async (here) => {
  const { door } = here;
  const { username, requestId } = await door.pending();
  const proposal = await proposed(door, grantPath(requestId));
  // Somebody else asks for the name: contested, which nobody who approves saw.
  await door.ask(username, strong());
  const { status, body } = await approve(here, proposal);
  assert.equal([status, body.code], [409, 'approval-changed']);
});

test('a password that was sent waits as a verifier, and one that is made is collected once', async (here) => {
  const { door, world } = here;
  const [username, password] = [newName('oven'), strong()];
  const given = await proposed(door, '/api/users', { username, password });
  assert.not.ok('password' in given.body);
  assert.is((await approve(here, given)).body.outcome, null);
  assert.is((await door.ask(username, password)).status, 201);
  assert.is((await collect(here, given)).body.password, null);

  const made = await proposed(door, '/api/users', { username: newName('oven') });
  assert.is((await approve(here, made)).status, 200);
  const collected = await collect(here, made);
  assert.is(collected.status, 201);
  assert.match(collected.body.password, /^gbs_/);
  assert.is((await door.ask(made.subject, collected.body.password)).status, 201);
  const all = JSON.stringify(await door.events()) + world.lines.join('\n');
  for (const secret of [password, collected.body.password]) assert.not.ok(all.includes(secret));
});

test('of those who collect at the same moment one is given it, and the history says so', async (here) => {
  const made = await proposed(here.door, '/api/users', { username: newName('oven') });
  await approve(here, made);
  const answers = await Promise.all([1, 2, 3, 4].map(() => collect(here, made)));
  const given = answers.filter(({ status }) => status === 201);
  assert.is(given.length, 1);
  for (const { body, status } of answers)
    assert.ok(status === 201 || body.code === 'approval-ended', body.code);
  const told = await here.door.must(200, 'GET', '/api/audit/events?type=ProposalCollected');
  const [event] = told.body.items;
  assert.equal([event.actor.name, event.correlationId], ['admin', made.proposalId]);
});

test('nobody makes a second approver: HTTP rights come by the door alone', async ({
  door,
  world,
  second,
}) => {
  const refused = async (method: string, path: string, body: object) => {
    const answer = await world.call(method, path, { body });
    assert.equal([answer.status, answer.body.code], [403, 'rights-exceed-own'], path);
  };
  await refused('POST', '/api/users', { username: newName(), permissions: [http] });
  await refused('POST', `/api/users/${second.username}/rotate`, {});
  await refused('POST', '/api/tokens', { username: second.username, label: 'x' });
  await refused('PUT', `/api/users/${second.username}/authorization`, {
    ...{ roles: ['administrator'], mqttPublishPrefix: 'hall/' },
  });
  const here = { door, world, second };
  const role = newName('role');
  await approve(here, await proposed(door, `/api/roles/${role}`, { permissions: [plant] }, 'PUT'));
  const device = await door.pending();
  await approve(here, await proposed(door, grantPath(device.requestId), { roles: [role] }));
  assert.is((await door.user(device.username)).status, 'active');
  await refused('PUT', `/api/roles/${role}`, { permissions: [plant, http] });
  // By the door it goes, and says who gains.
  const person = await door.pending();
  const grant = await proposed(door, grantPath(person.requestId), { roles: ['auditor'] });
  assert.equal(grant.gains, [person.username]);
});

test('one’s own token and password, and less for others, need nobody', async (here) => {
  const { door, world } = here;
  assert.is((await world.call('POST', '/api/tokens', { body: { label: 'own' } })).status, 201);
  const device = await door.pending();
  await approve(here, await proposed(door, grantPath(device.requestId), { permissions: [plant] }));
  const path = `/api/users/${device.username}/authorization`;
  await door.must(200, 'PUT', path, { body: { permissions: [] } });
  await proposed(door, path, { permissions: [plant] }, 'PUT');
  await door.change(device.username, 'suspend');
  await proposed(door, `/api/users/${device.username}/resume`);
  await door.change(device.username, 'revoke');
  await proposed(door, `/api/users/${device.username}/reinstate`);
});

test('a file of rules waits by its digest, and is imported by the last approval', async (here) => {
  const { door, world } = here;
  const path = '/api/client-registry/preauthorizations/import';
  const name = newName('file');
  const sent = await fetch(`${world.url}${path}`, {
    method: 'POST',
    headers: { Authorization: `Bearer ${world.token}`, 'Content-Type': 'text/csv' },
    body: `usernamePattern,until\n${name},2999-01-01T00:00:00Z\n`,
  });
  const proposal = (await sent.json()) as { proposalId: string; hash: string; body: object };
  assert.is(sent.status, 202);
  assert.equal(Object.keys(proposal.body).sort(), ['contentType', 'count', 'digest']);
  const listed = async () =>
    (await door.must(200, 'GET', '/api/client-registry/preauthorizations')).body.items.length;
  assert.is(await listed(), 0);
  assert.is((await approve(here, proposal)).body.outcome, null);
  assert.is(await listed(), 1);
  assert.is((await collect(here, proposal)).body.created, 1);
});

test('what removes something is collected without a body', async (here) => {
  const { door } = here;
  const rules = '/api/client-registry/preauthorizations';
  const kept = { effect: 'deny', usernamePattern: 'out-*', until: '2090-01-01T00:00:00Z' };
  const { body } = await door.must(201, 'POST', rules, { body: kept });
  const proposal = await proposed(door, `${rules}/${body.preauthorizationId}`, {}, 'DELETE');
  await approve(here, proposal);
  assert.is((await collect(here, proposal)).status, 204);
});

test('rejected and ended ones are over', async (here) => {
  const { door, world } = here;
  const proposal = await proposed(door, grantPath(await asks(door)));
  const reject = () =>
    door.command(`/api/approvals/${proposal.proposalId}/reject`, { reason: 'not ours' });
  assert.is((await reject()).body.status, 'rejected');
  assert.is((await reject()).body.status, 'rejected');
  assert.is((await approve(here, proposal)).body.code, 'approval-ended');
  assert.is((await collect(here, proposal)).body.code, 'approval-ended');
  const missing = '/api/approvals/00000000-0000-4000-8000-000000000000/approve';
  const answer = await world.call('POST', missing, { body: { hash: '0'.repeat(64) } });
  assert.is(answer.body.code, 'approval-not-found');
});

test('a command that comes to a refusal says so to its proposer', async (here) => {
  const { door } = here;
  const username = newName('twice');
  const [first, other] = [
    await proposed(door, '/api/users', { username }),
    await proposed(door, '/api/users', { username }),
  ];
  await approve(here, first);
  const { body } = await approve(here, other);
  assert.is(body.outcome.code, 'username-taken');
  const answer = await collect(here, other);
  assert.equal([answer.status, answer.body.code], [409, 'username-taken']);
});

test('two that are harmless apart and open HTTP rights together are not both carried out', async (here) => {
  const { door, world, second } = here;
  const login = async (username: string, password: string) =>
    (await world.call('POST', '/api/login', { token: null, body: { username, password } })).body
      .token;
  for (let round = 0; round < 4; round++) {
    const [role, username, password] = [newName('role'), newName('both'), strong()];
    await approve(
      here,
      await proposed(door, `/api/roles/${role}`, { permissions: [plant] }, 'PUT'),
    );
    const made = await proposed(door, '/api/users', { username, password, roles: [role] });
    const grown = await proposed(door, `/api/roles/${role}`, { permissions: [plant, http] }, 'PUT');
    await Promise.all([approve(here, made), approve(here, grown)]);
    const token = await login(username, password);
    const answer = await world.call('GET', '/api/users', { token: token ?? second.token });
    assert.ok(token === undefined || answer.status === 403, `${round}: ${answer.status}`);
  }
});

test('a long-lived token of a person changes no password, and so becomes no session', async ({
  world,
  second,
}) => {
  const named = await world.call('POST', '/api/tokens', {
    token: second.token,
    body: { label: 'ci' },
  });
  const rotate = (token: string) =>
    world.call('POST', `/api/users/${second.username}/rotate`, { token, body: {} });
  const refused = await rotate(named.body.token);
  assert.equal([refused.status, refused.body.code], [403, 'approval-needs-session']);
});

test('narrower rights within those that are held need nobody', async (here) => {
  const { door } = here;
  const device = await door.pending();
  await approve(here, await proposed(door, grantPath(device.requestId), { permissions: [plant] }));
  const path = `/api/users/${device.username}/authorization`;
  const narrow = { context: 'mqtt', resource: 'plant/hall/+', operation: 'read' };
  await door.must(200, 'PUT', path, { body: { permissions: [narrow] } });
  await proposed(door, path, { permissions: [plant] }, 'PUT');
});

test('a number that was raised since counts for what waits', async (here) => {
  const { door, world, second } = here;
  const proposal = await proposed(door, '/api/users', { username: newName('raised') });
  await world.restart({ GATEBOOK_MQTT_PORT: 'off', GATEBOOK_APPROVALS: '3' });
  const { body } = await approve(here, proposal);
  assert.equal([body.status, body.needed, body.approvals.length], ['waiting', 3, 2]);
  await world.restart({ GATEBOOK_MQTT_PORT: 'off', ...two });
  await door.unlock();
  void second;
});

test('where people sign in at the identity provider, only they approve', async (here) => {
  const { door, world } = here;
  const proposal = await proposed(door, '/api/users', { username: newName('local') });
  await world.restart({
    ...{ GATEBOOK_MQTT_PORT: 'off', ...two, GATEBOOK_OIDC_ISSUER: 'http://127.0.0.1:9' },
    ...{
      GATEBOOK_OIDC_CLIENT_ID: 'gatebook',
      GATEBOOK_OIDC_CLIENT_SECRET: 'a-long-enough-secret-of-32-chars',
    },
    ...{ GATEBOOK_PUBLIC_URL: 'http://127.0.0.1:8080' },
    GATEBOOK_OIDC_ROLES: '{"claim":"groups","roles":{"admins":["administrator"]}}',
  });
  const { status, body } = await approve(here, proposal);
  assert.equal([status, body.code], [403, 'approval-needs-session']);
  await world.restart({ GATEBOOK_MQTT_PORT: 'off', ...two });
  await door.unlock();
});

test('an approver who was suspended counts no more', async (here) => {
  const { door, world, second } = here;
  const proposal = await proposed(door, grantPath(await asks(door)));
  await door.change(second.username, 'suspend');
  const { status } = await approve(here, proposal);
  assert.is(status, 401);
  void world;
});

/** Each command that may wait: method, path, body. */
async function deeds({ world, door }: Here): Promise<[string, string, unknown][]> {
  const [registry, users] = ['/api/client-registry', '/api/users'];
  const [one, other] = [await asks(door), await asks(door)];
  const until = '2090-01-01T00:00:00Z';
  const rules = `${registry}/preauthorizations`;
  const kept = { effect: 'deny', usernamePattern: 'kept-*', until };
  const deny = await door.must(201, 'POST', rules, { body: kept });
  await world.restart({ GATEBOOK_MQTT_PORT: 'off', ...two, GATEBOOK_APPROVALS_UNLOCK: 'on' });
  return [
    ['POST', grantPath(one), { permissions: [plant] }],
    ['POST', `${registry}/requests/grant`, { ids: [one, other] }],
    ['POST', `${registry}/unlock`, {}],
    ['POST', `${registry}/windows`, { opensAt: new Date(Date.now() + 60_000), durationMs: 1_000 }],
    ['POST', rules, { usernamePattern: 'let-*', until }],
    ['DELETE', `${rules}/${deny.body.preauthorizationId}`, undefined],
    ['POST', users, { username: 'deed-new' }],
    ['PUT', `${users}/deed-active/authorization`, { permissions: [plant] }],
    ['POST', `${users}/deed-active/renew`, { expiresAt: null }],
    ['POST', `${users}/deed-active/rotate`, {}],
    ['POST', `${users}/deed-suspended/resume`, {}],
    ['POST', `${users}/deed-revoked/reinstate`, {}],
    ['POST', `${users}/deed-revoked/erase`, {}],
    ['PUT', '/api/roles/deed', { permissions: [plant] }],
    ['POST', '/api/tokens', { username: 'deed-active', label: 'a panel' }],
    ['POST', '/api/keys/rotate', {}],
    ['POST', '/api/brokers/embedded/reconcile', { repair: true }],
  ];
}

test('of one person so many wait, until one is decided', async (here) => {
  const { world, door } = here;
  const every = await deeds(here);
  for (const [method, path, body] of every) await door.must(202, method, path, { body });
  const define = (name: string) =>
    world.call('PUT', `/api/roles/${name}`, { body: { permissions: [http] } });
  const waiting = async () =>
    (await door.must(200, 'GET', '/api/approvals?status=waiting&limit=1000')).body.items.filter(
      ({ proposedBy }: { proposedBy: string }) => proposedBy === 'admin',
    );
  for (let count = (await waiting()).length; count < proposalsWaitingPerPersonMax; count++)
    assert.is((await define(`full-${count}`)).status, 202);
  const over = await define('one-more');
  assert.equal([over.status, over.body.code], [409, 'approvals-full']);
  assert.match(over.body.detail, /reject/);
  for (const [method, path, body] of every)
    assert.is((await door.must(409, method, path, { body })).body.code, 'approvals-full', path);
  const [mine] = await waiting();
  await door.command(`/api/approvals/${mine.proposalId}/reject`);
  assert.is((await define('one-more')).status, 202);
});

test.run();
