/** What administrators do, end to end: nobody gives more than they have, one of them stays, and what is done holds at once. */
import { setTimeout as sleep } from 'node:timers/promises';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type Door, doorOf, newName, strong } from '../support/door.ts';
import { connected, publish, type RawMqtt, subscribed } from '../support/mqtt-peers.ts';
import { startRegistry, type World } from '../support/service.ts';

interface Here {
  world: World;
  door: Door;
}
const test = suite<Here>('administration');
test.before(async (here) => {
  here.world = await startRegistry({ GATEBOOK_SOURCE_ATTEMPTS_PER_MINUTE: '0' });
  here.door = doorOf(here.world);
});
test.before.each(async ({ door }) => {
  await door.unlock({ maxRequests: 10_000 });
});
test.after(({ world }) => world.stop());

const mayAll = (resource: string) => ({ context: 'http', resource, operation: 'readWrite' });
const administratorToo = { roles: ['administrator'] };
const missingId = '00000000-0000-4000-8000-000000000000';

async function session(world: World, one: { username: string; password: string }) {
  const client = await connected(world.mqtt.port, { ...one, clientId: newName(), version: 5 });
  assert.is(client.code, 0, `${one.username} connects`);
  return client;
}

/** Closed already, and not only soon. */
async function isClosed(client: RawMqtt): Promise<boolean> {
  return await Promise.race([client.closed.then(() => true), sleep(50).then(() => false)]);
}

async function knock(world: World, one: { username: string; password: string }): Promise<number> {
  const client = await connected(world.mqtt.port, { ...one, clientId: newName() });
  client.end();
  return client.code;
}

test('nobody hands out HTTP rights that they lack, in whatever way', async ({ door, world }) => {
  const deputyOf = [
    '/api/client-registry/#',
    '/api/users/#',
    '/api/roles/#',
    '/api/tokens/#',
    '/api/tokens',
  ].map(mayAll);
  const token = await door.signedIn(newName('deputy'), { permissions: deputyOf });
  const device = await door.active();
  const waiting = [await door.pending(), await door.pending()];
  const second = newName('second');
  await door.command('/api/users', { username: second, ...administratorToo }, 201);
  await door.change(second, 'suspend');

  const beyond: Record<string, object> = {
    'another resource': { permissions: [mayAll('/api/audit/events')] },
    'a wider one': { permissions: [mayAll('/api/#')] },
    everything: { permissions: [mayAll('/#')] },
    'a level that may be any': { permissions: [mayAll('/api/+')] },
    'a built-in role': administratorToo,
    'a role beside what is fine': { permissions: deputyOf, roles: ['auditor'] },
  };
  const [one] = waiting;
  const attempts = (rights: object): [string, string, object][] => [
    ['POST', `/api/client-registry/requests/${one?.requestId}/grant`, rights],
    ['POST', '/api/users', { username: newName(), ...rights }],
    ['PUT', `/api/users/${device.username}/authorization`, rights],
  ];
  const refused = async (method: string, path: string, body: object, what: string) => {
    const answer = await world.call(method, path, { token, body });
    assert.equal([answer.status, answer.body.code], [403, 'rights-exceed-own'], `${what}: ${path}`);
  };
  const before = (await door.events()).length;
  for (const [what, rights] of Object.entries(beyond)) {
    for (const [method, path, body] of attempts(rights)) await refused(method, path, body, what);
    const bulk = await world.call('POST', '/api/client-registry/requests/grant', {
      token,
      body: { ids: waiting.map(({ requestId }) => requestId), ...rights },
    });
    for (const { problem } of bulk.body.results) assert.is(problem.code, 'rights-exceed-own', what);
    if ('permissions' in rights && !('roles' in rights))
      await refused('PUT', `/api/roles/${newName('role')}`, rights, what);
  }
  // Whoever could act as another would have the other's rights.
  await refused('POST', '/api/tokens', { label: 'x', username: 'admin' }, 'a token for another');
  await refused('POST', '/api/users/admin/rotate', {}, 'a password of another');
  await refused('POST', '/api/users/admin/rotate', { password: strong() }, 'a password of another');
  await refused('POST', `/api/users/${second}/resume`, {}, 'access given back');
  assert.is((await door.events()).length, before, 'nothing was recorded');
  assert.is(
    (await world.call('GET', '/api/whoami')).status,
    200,
    "the administrator's token holds",
  );

  // What they have they may give; MQTT rights are anybody's to give who may grant.
  const fine = {
    permissions: [
      { context: 'http', resource: '/api/users/+', operation: 'read' },
      { context: 'mqtt', resource: '#', operation: 'readWrite' },
    ],
  };
  for (const [method, path, body] of attempts(fine)) {
    const { status } = await world.call(method, path, { token, body });
    assert.ok(status < 300, `${path} ${status}`);
  }
  const others = await world.call('POST', '/api/tokens', {
    token,
    body: { label: 'x', username: device.username },
  });
  assert.is(others.status, 201);
});

test('the last administrator without an end stays', async ({ door, world }) => {
  const authorization = '/api/users/admin/authorization';
  const soon = new Date(Date.now() + 3_600_000).toISOString();
  const stays = async (what: string) => {
    const attempts: [string, string, object][] = [
      ['POST', '/api/users/admin/revoke', {}],
      ['POST', '/api/users/admin/suspend', {}],
      ['PUT', authorization, { roles: [] }],
      ['PUT', authorization, { roles: ['registrar'], permissions: [mayAll('/#')] }],
      ['PUT', authorization, { ...administratorToo, expiresAt: soon }],
    ];
    for (const [method, path, body] of attempts) {
      const answer = await world.call(method, path, { body });
      assert.equal([answer.status, answer.body.code], [409, 'last-administrator'], what);
    }
  };
  await stays('alone');
  const [ending, suspended] = [newName('ending'), newName('suspended')];
  const also = { ...administratorToo, permissions: [] };
  await door.command('/api/users', { username: ending, ...also, expiresAt: soon }, 201);
  await door.command('/api/users', { username: suspended, ...also }, 201);
  await door.change(suspended, 'suspend');
  await stays('beside one with an end and one suspended');
  // Rights beside the role may change.
  const more = { ...administratorToo, mqttPublishPrefix: 'x/' };
  await door.must(200, 'PUT', authorization, { body: more });
  await door.must(200, 'PUT', authorization, { body: administratorToo });
});

test('two administrators who take each other away at once do not both succeed', async () => {
  for (const way of ['revoke', 'suspend', 'authorization'] as const) {
    const world = await startRegistry();
    try {
      const door = doorOf(world);
      const theirs = await door.signedIn('other', administratorToo);
      const against = (name: string, token: string) =>
        way === 'authorization'
          ? world.call('PUT', `/api/users/${name}/authorization`, { token, body: {} })
          : world.call('POST', `/api/users/${name}/${way}`, { token, body: {} });
      // Connections that are open already, so that both come at once.
      const tokens = [world.token, theirs, world.token, theirs];
      await Promise.all(tokens.map((token) => world.call('GET', '/api/whoami', { token })));
      const answers = await Promise.all([
        against('other', world.token),
        against('admin', theirs),
        against('other', world.token),
        against('admin', theirs),
      ]);
      const statuses = answers.map(({ status }) => status);
      assert.ok(statuses.includes(200), `${way}: ${statuses}`);
      const lasting = async (token: string) => {
        const { status, body } = await world.call('GET', '/api/users?role=administrator', {
          token,
        });
        if (status !== 200) return [];
        return body.items.filter((one: { status: string }) => one.status === 'active');
      };
      const left = [...(await lasting(world.token)), ...(await lasting(theirs))];
      assert.is(left.length, 1, `${way}: ${statuses}`);
    } finally {
      await world.stop();
    }
  }
});

test('a grant that is repeated: the same or none is fine, another is refused', async ({ door }) => {
  const permissions = [{ context: 'mqtt', resource: 'plant/#', operation: 'read' }];
  const { username, requestId } = await door.pending();
  await door.grant(requestId, { permissions, reason: 'first' });
  const recordedBefore = await door.types(username);
  const again = async (grant: object) =>
    (
      await door.must(200, 'POST', `/api/client-registry/requests/${requestId}/grant`, {
        body: grant,
      })
    ).body;
  for (const same of [{}, { permissions }, { permissions, roles: [] }, { reason: 'other words' }])
    assert.is((await again(same)).status, 'granted');
  assert.equal(await door.types(username), recordedBefore, 'nothing was recorded');
  const code = async (grant: object) => (await door.grant(requestId, grant, 409)).body.code;
  assert.is(await code({ permissions: [] }), 'request-already-granted');
  assert.is(await code({ mqttPublishPrefix: 'x/' }), 'request-already-granted');
  assert.is((await door.deny(requestId, {}, 409)).body.code, 'request-already-granted');

  await door.change(username, 'suspend');
  assert.is(await code({}), 'user-not-active');
  await door.change(username, 'resume');
  assert.is((await again({})).status, 'granted');
  await door.change(username, 'revoke');
  assert.is(await code({}), 'user-not-active');
  assert.is((await door.grant(missingId, {}, 404)).body.code, 'request-not-found');
});

test('many who grant and deny one request at once agree on one decision', async ({
  door,
  world,
}) => {
  for (let round = 0; round < 5; round++) {
    const { username, requestId } = await door.pending();
    const path = `/api/client-registry/requests/${requestId}`;
    const answers = await Promise.all(
      ['grant', 'deny', 'grant', 'deny', 'grant'].map((decision) =>
        world.call('POST', `${path}/${decision}`, { body: {} }),
      ),
    );
    const outcome = (await world.call('GET', path)).body.status;
    for (const { status, body } of answers)
      assert.is(
        status === 200 ? body.status : body.code,
        status === 200 ? outcome : `request-already-${outcome}`,
      );
    const decisions = (await door.types(username)).filter((type) => /Granted|Denied/.test(type));
    assert.is(decisions.length, 1);
  }
});

test('a denial that is repeated: the same words are fine, others are refused', async ({ door }) => {
  const blockedUntil = '2999-01-01T00:00:00.000Z';
  const { username, requestId } = await door.pending();
  const first = { reason: 'no', blockedUntil };
  const { body } = await door.deny(requestId, first);
  assert.equal(
    [body.status, body.decision.reason, body.decision.blockedUntil, body.decision.by],
    ['denied', 'no', blockedUntil, 'admin'],
  );
  await door.deny(requestId, first);
  assert.equal(await door.types(username), ['RegistrationRequested', 'RegistrationDenied']);
  for (const other of [{}, { reason: 'never' }, { reason: 'no' }])
    assert.is((await door.deny(requestId, other, 409)).body.code, 'request-already-denied');
  assert.is((await door.grant(requestId, {}, 409)).body.code, 'request-already-denied');
});

test('a request that waited too long is granted to nobody', async ({ door, world }) => {
  await world.restart({ GATEBOOK_PENDING_TTL: '500ms' });
  const { username, password, requestId, registrationToken, expiresAt } =
    (await door.pending()) as never as Record<
      'username' | 'password' | 'requestId' | 'registrationToken' | 'expiresAt',
      string
    >;
  await sleep(Math.max(0, Date.parse(expiresAt) - Date.now() + 1));
  assert.is((await door.grant(requestId, {}, 409)).body.code, 'request-expired');
  assert.is(door.code(await door.self(registrationToken)), '410 access-expired');
  await door.lock();
  assert.is(door.code(await door.ask(username, password)), '423 registry-locked');
  assert.equal(await door.types(username), ['RegistrationRequested', 'RegistrationExpired']);
  assert.is((await door.user(username)).status, 'unknown');
  await door.unlock();
  assert.is(door.code(await door.ask(username, password)), '202');
  await world.restart();
});

test('in bulk, what needs a look is left alone, and each outcome is told in order', async ({
  door,
}) => {
  const plain = [await door.pending(), await door.pending()];
  const contested = await door.pending();
  await door.ask(contested.username, strong());
  const held = await door.active();
  await door.ask(held.username, strong());
  const [replacement] = await door.requestsOf(held.username);
  const denied = await door.pending();
  await door.deny(denied.requestId, { reason: 'no' });
  const ids = [
    ...plain.map(({ requestId }) => requestId),
    contested.requestId,
    replacement.requestId,
    denied.requestId,
    missingId,
    plain[0]?.requestId,
  ];
  const told = async (decision: string, body: object) =>
    (
      await door.command(`/api/client-registry/requests/${decision}`, { ids, ...body })
    ).body.results.map(
      ({ status, problem }: { status?: string; problem?: { code: string } }) =>
        status ?? problem?.code,
    );
  assert.equal(await told('grant', { confirmContested: true }), [
    'granted',
    'granted',
    'request-contested',
    'replacement-not-in-bulk',
    'request-already-denied',
    'request-not-found',
    'granted',
  ]);
  assert.is((await door.requestsOf(contested.username))[0].status, 'pending');
  assert.equal(await told('deny', { reason: 'no' }), [
    'request-already-granted',
    'request-already-granted',
    'denied',
    'denied',
    'denied',
    'request-not-found',
    'request-already-granted',
  ]);
  assert.is((await door.user(held.username)).status, 'active');
});

test('a bulk takes up to a thousand', async ({ door, world }) => {
  const some = await Promise.all(Array.from({ length: 60 }, () => door.pending()));
  const rest = Array.from({ length: 940 }, (_, at) => `${missingId.slice(0, -4)}${1_000 + at}`);
  const ids = [...some.map(({ requestId }) => requestId), ...rest];
  const path = '/api/client-registry/requests/grant';
  const { results } = (await door.command(path, { ids })).body;
  assert.is(results.length, 1_000);
  assert.is(results.filter(({ status }: { status: string }) => status === 'granted').length, 60);
  for (const device of some.slice(0, 5)) assert.is(await knock(world, device), 0);
  const tooMany = await world.call('POST', path, { body: { ids: [...ids, missingId] } });
  assert.equal([tooMany.status, tooMany.body.errors[0].pointer], [400, '#/ids']);
});

test('a user is made from an unknown, denied or expired name, and from no other', async ({
  door,
  world,
}) => {
  const password = strong();
  const make = async (username: string) => {
    const body = { username, password };
    const answer = await world.call('POST', '/api/users', { body });
    return answer.status === 201 ? answer.body.status : answer.body.code;
  };
  const at = new Date(Date.now() + 600).toISOString();
  const expired = await door.active({ expiresAt: at });
  const [denied, blocked, pending, again] = [
    await door.pending(),
    await door.pending(),
    await door.pending(),
    await door.active(),
  ];
  await door.deny(denied.requestId);
  await door.deny(blocked.requestId, { blockedUntil: '2999-01-01T00:00:00.000Z' });
  const [active, suspended, revoked] = [
    await door.active(),
    await door.active(),
    await door.active(),
  ];
  await door.change(suspended.username, 'suspend');
  await door.change(revoked.username, 'revoke');
  await door.change(again.username, 'revoke');
  await door.change(again.username, 'reinstate');
  for (const { username } of [active, suspended, revoked, pending])
    assert.is(await make(username), 'username-taken', username);
  await sleep(Math.max(0, Date.parse(at) - Date.now()) + 1_200);
  for (const username of [newName(), ...[denied, blocked, expired, again].map((d) => d.username)]) {
    assert.is(await make(username), 'active', username);
    assert.is((await door.user(username)).origin, 'created');
    assert.is(await knock(world, { username, password }), 0);
  }
  // The old password of a name that was made anew is nobody's.
  assert.is(await knock(world, denied), 5);
  assert.is(await knock(world, active), 0, 'who was there was not disturbed');
});

test('a password is made where none is sent, and shown once', async ({ door, world }) => {
  const username = newName();
  const { body } = await door.command('/api/users', { username }, 201);
  assert.match(body.password, /^gbs_[\w-]{38}$/);
  assert.is(await knock(world, { username, password: body.password }), 0);
  assert.is((await door.user(username)).password, undefined);
  const rotated = (await door.change(username, 'rotate')).body.password;
  assert.is.not(rotated, body.password);
  assert.equal(
    [
      await knock(world, { username, password: body.password }),
      await knock(world, { username, password: rotated }),
    ],
    [5, 0],
  );
  assert.is((await door.change(username, 'rotate', { password: strong() })).body.password, null);
  const other = await door.command('/api/users', { username: newName(), password: strong() }, 201);
  assert.is(other.body.password, null);
});

test('tokens stop, go on and end with the access they are for', async ({ door, world }) => {
  const username = newName('service');
  const login = await door.signedIn(username, { roles: ['auditor'] });
  const { token: named, tokenId } = (
    await door.must(201, 'POST', '/api/tokens', { token: login, body: { label: 'reports' } })
  ).body;
  const statuses = async () =>
    await Promise.all(
      [login, named].map(
        async (token) => (await world.call('GET', '/api/whoami', { token })).status,
      ),
    );
  assert.equal(await statuses(), [200, 200]);
  await door.change(username, 'suspend');
  assert.equal(await statuses(), [401, 401]);
  await door.change(username, 'resume');
  assert.equal(await statuses(), [200, 200]);
  const { password } = (await door.change(username, 'rotate')).body;
  assert.equal(await statuses(), [401, 200], 'a login ends with its password');
  const list = (await door.must(200, 'GET', `/api/tokens?username=${username}`)).body.items;
  assert.equal(
    list.map((token: { kind: string; revokedAt: unknown }) => [
      token.kind,
      token.revokedAt !== null,
    ]),
    [
      ['named', false],
      ['login', true],
    ],
  );
  const anew = await world.signIn(username, password);
  await door.change(username, 'revoke');
  assert.equal(await statuses(), [401, 401]);
  assert.is((await world.call('GET', '/api/whoami', { token: anew })).status, 401);
  // Not even when the name has access again.
  await door.change(username, 'reinstate');
  await door.command('/api/users', { username, password, roles: ['auditor'] }, 201);
  assert.equal(await statuses(), [401, 401]);
  assert.ok(
    (await door.must(200, 'GET', `/api/tokens?username=${username}`)).body.items[1].revokedAt,
  );
  await door.must(204, 'DELETE', `/api/tokens/${tokenId}`);
  assert.is((await world.call('DELETE', `/api/tokens/${missingId}`)).status, 404);
});

test('keys rotate with overlap', async ({ door, world }) => {
  const before = await door.signedIn(newName());
  const { registrationToken } = await door.pending();
  const { keys } = (await door.command('/api/keys/rotate')).body;
  assert.equal(keys.map(({ use }: { use: string }) => use).slice(0, 2), ['sign', 'verify']);
  assert.ok(keys[1].until > new Date(Date.now() + 24 * 3_600_000).toISOString());
  assert.equal((await world.call('GET', '/.well-known/paseto', { token: null })).body.keys, keys);
  assert.is((await world.call('GET', '/api/whoami', { token: before })).status, 200);
  assert.is((await world.call('GET', '/api/whoami')).status, 200);
  assert.is(door.code(await door.self(registrationToken)), '202');
  const after = await door.signedIn(newName());
  const kidOf = (token: string) =>
    JSON.parse(Buffer.from(token.split('.')[3] ?? '', 'base64url').toString()).kid;
  assert.equal([kidOf(before), kidOf(after)], [keys[1].kid, keys[0].kid]);
  await world.restart();
  for (const token of [before, after])
    assert.is((await world.call('GET', '/api/whoami', { token })).status, 200);
});

test('a read that sends a position back sees what was done', async ({ door, world }) => {
  const { requestId, username } = await door.pending();
  const granted = await door.grant(requestId);
  const position = granted.headers.get('gatebook-position') ?? '';
  const read = (at: string) =>
    world.call('GET', `/api/users/${username}`, { headers: { 'Gatebook-Position': at } });
  assert.is((await read(position)).body.status, 'active');
  const idempotent = (await door.grant(requestId)).headers.get('gatebook-position') ?? '';
  assert.ok(idempotent >= position);
  const startedMs = performance.now();
  const ahead = await read('99999999999999999999'.slice(0, 4).padStart(20, '0'));
  assert.equal([ahead.status, ahead.body.code], [503, 'position-not-reached']);
  assert.ok(ahead.headers.has('retry-after'));
  assert.ok(performance.now() - startedMs > 1_900);
  assert.is((await read('yesterday')).status, 400);
});

test('personal fields are opened only for who may read them', async ({ door, world }) => {
  const context = { site: 'hall 4', serial: 'AB-1234' };
  const { username, requestId } = await door.pending(newName(), strong(), { context });
  const without = await door.signedIn(newName(), {
    permissions: ['/api/client-registry/#', '/api/audit/#'].map(mayAll),
  });
  const read = async (path: string, token: string) =>
    (await world.call('GET', path, { token })).body;
  const asked = `/api/client-registry/requests/${requestId}`;
  const history = `/api/audit/events?username=${username}`;
  const open = await read(asked, world.token);
  assert.equal([open.source, open.context], ['127.0.0.1', context]);
  const closed = await read(asked, without);
  assert.equal([closed.username, closed.source, closed.context], [username, null, null]);
  const listed = await read(`/api/client-registry/requests?q=${username}`, without);
  assert.equal([listed.items[0].source, listed.items[0].context], [null, null]);
  assert.equal((await read(history, world.token)).items[0].data.context, context);
  const { data } = (await read(history, without)).items[0];
  assert.equal([data.source, data.clientId, data.context], [null, null, null]);
  const granted = await world.call('POST', `${asked}/grant`, { token: without, body: {} });
  assert.equal([granted.body.status, granted.body.source], ['granted', null]);
});

test('live sessions are closed when the answer arrives, and history tells', async ({
  door,
  world,
}) => {
  const ways: Record<string, [status: string, types: string[]]> = {
    suspend: ['suspended', ['AccessSuspended', 'CredentialDeactivated']],
    revoke: ['revoked', ['AccessRevoked', 'CredentialDeactivated']],
    rotate: ['active', ['CredentialRotated', 'CredentialActivated']],
  };
  for (const [way, [status, types]] of Object.entries(ways)) {
    await door.unlock({ maxRequests: 10_000 });
    const device = await door.active();
    const live = [await session(world, device), await session(world, device)];
    const bystander = await door.active();
    await door.lock();
    const other = await session(world, bystander);
    assert.is((await door.user(device.username)).sessionCount, 2);
    await door.change(device.username, way, { reason: 'because' });
    assert.equal(await Promise.all(live.map(isClosed)), [true, true], way);
    const user = await door.user(device.username);
    assert.equal([user.status, user.sessionCount], [status, 0]);
    assert.is(await isClosed(other), false);
    other.end();
    assert.is(await knock(world, device), 5, way);
    const events = await door.events(device.username);
    assert.equal(events.map(({ type }: { type: string }) => type).slice(-2), types);
    const [change, acknowledged] = events.slice(-2);
    assert.equal(
      [change.actor, acknowledged.actor.kind, acknowledged.data.broker],
      [{ kind: 'user', name: 'admin' }, 'system', 'embedded'],
    );
    assert.is(acknowledged.causationId, change.eventId);
    assert.is(acknowledged.correlationId, change.correlationId);
    if (way !== 'rotate') assert.is(acknowledged.data.sessionsClosed, 2);
    const [activation] = (await door.user(device.username)).activations;
    assert.is(activation.status, way === 'rotate' ? 'active' : 'inactive');
  }
});

test('access that ends closes sessions by itself', async ({ door, world }) => {
  const device = await door.active({ expiresAt: new Date(Date.now() + 700).toISOString() });
  const live = await session(world, device);
  await door.lock();
  await live.closed;
  assert.is(await knock(world, device), 5);
  const user = await door.user(device.username);
  assert.equal([user.status, user.sessionCount], ['expired', 0]);
});

test('other rights hold for live sessions when the answer arrives', async ({ door, world }) => {
  const role = newName('line');
  const may = (operation: string, resource = 'plant/#') => ({
    context: 'mqtt',
    resource,
    operation,
  });
  await door.must(201, 'PUT', `/api/roles/${role}`, { body: { permissions: [may('read')] } });
  const reader = await session(world, await door.active({ roles: [role] }));
  const writing = await door.active({ permissions: [may('write')] });
  const writer = await session(world, writing);
  let messageId = 0;
  const send = async (payload: string) => {
    messageId += 1;
    writer.send(publish('plant/a', payload, { qos: 1, messageId }));
    return (await writer.take('puback')).reasonCode ?? 0;
  };
  assert.equal(await subscribed(reader, ['plant/+']), [1]);
  assert.is(await send('one'), 0);
  assert.is(String((await reader.take('publish')).payload), 'one');

  // A role that changes.
  await door.must(200, 'PUT', `/api/roles/${role}`, { body: { permissions: [] } });
  assert.is(await send('two'), 0);
  assert.equal(await subscribed(reader, ['plant/+'], { messageId: 2 }), [0x87]);
  await door.must(200, 'PUT', `/api/roles/${role}`, {
    body: { permissions: [may('read', 'plant/a')] },
  });
  assert.equal(await subscribed(reader, ['plant/a'], { messageId: 3 }), [1]);
  assert.is(await send('three'), 0);
  assert.is(String((await reader.take('publish')).payload), 'three', 'and nothing before it');

  // A user whose rights change.
  await door.must(200, 'PUT', `/api/users/${writing.username}/authorization`, { body: {} });
  assert.is(await send('four'), 0x87);
  assert.is(await isClosed(writer), false);
  writer.end();
  reader.end();
});

test('rights that change show in what the caller may do at once', async ({ door, world }) => {
  const username = newName('clerk');
  const token = await door.signedIn(username, { roles: ['registrar'] });
  const unlocks = async () =>
    (await world.call('POST', '/api/client-registry/unlock', { token, body: {} })).status;
  assert.is(await unlocks(), 200);
  const authorization = `/api/users/${username}/authorization`;
  await door.must(200, 'PUT', authorization, { body: { roles: ['auditor'] } });
  assert.is(await unlocks(), 403);
  await door.must(200, 'PUT', authorization, { body: { roles: ['registrar'] } });
  assert.is(await unlocks(), 200);
});

test('a role that is held stays, and none that is missing is given', async ({ door, world }) => {
  const role = newName('held');
  await door.must(201, 'PUT', `/api/roles/${role}`, { body: { permissions: [] } });
  const device = await door.active({ roles: [role] });
  assert.is((await world.call('DELETE', `/api/roles/${role}`)).body.code, 'role-in-use');
  await door.change(device.username, 'suspend');
  assert.is((await world.call('DELETE', `/api/roles/${role}`)).body.code, 'role-in-use');
  await door.change(device.username, 'revoke');
  assert.is((await world.call('DELETE', `/api/roles/${role}`)).status, 204);
  const { requestId } = await door.pending();
  const missing = await world.call('POST', `/api/client-registry/requests/${requestId}/grant`, {
    body: { roles: [role] },
  });
  assert.equal(
    [missing.status, missing.body.code, missing.body.errors[0].pointer],
    [404, 'role-not-found', '#/roles/0'],
  );
});

test('unlocking keeps the window while it is open, and time closes it', async ({ door, world }) => {
  await door.lock();
  const first = await door.unlock({ durationMs: 60_000, maxRequests: 5, note: 'hall 4' });
  const asked = await door.pending();
  const second = await door.unlock({ durationMs: 400 });
  assert.equal(
    [second.windowId, second.unlockedAt, second.requestCount, second.maxRequests, second.note],
    [first.windowId, first.unlockedAt, 1, 100, null],
  );
  await sleep(Math.max(0, Date.parse(second.until) - Date.now() + 1));
  assert.is(door.code(await door.ask(newName(), strong())), '423 registry-locked');
  assert.is(door.code(await door.ask(asked.username, asked.password)), '202');
  const over = (await world.call('GET', '/api/client-registry')).body;
  assert.equal([over.status, over.lockedAt, over.lockedBy], ['locked', second.until, null]);
  const third = await door.unlock();
  assert.is.not(third.windowId, first.windowId);
  assert.is(third.requestCount, 0);
  const locked = await door.lock();
  assert.equal([locked.status, locked.lockedBy], ['locked', 'admin']);
  const before = (await door.events()).length;
  assert.equal(await door.lock(), { ...locked });
  assert.is((await door.events()).length, before, 'locking twice records nothing');
});

test.run();
