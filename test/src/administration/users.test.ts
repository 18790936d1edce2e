/** Users: nobody gives more than they have, one administrator stays, and passwords are made and shown once. */

import { setTimeout as sleep } from 'node:timers/promises';
import { newCause } from '../../../src/commands/handle.ts';
import { byChance } from '../../../src/credentials/making.ts';
import { doorOf, newName, strong } from '../../support/door.ts';
import { knockAt } from '../../support/door-at-mqtt.ts';
import { doorSuite } from '../../support/door-suite.ts';
import { madeBefore } from '../../support/made-before.ts';
import { startRegistry } from '../../support/service.ts';
import { assert } from '../../support/suite.ts';
import { administratorToo, mayAll } from './sample-rights.ts';

const test = doorSuite('administration: users', { limits: { maxRequests: 10_000 } });

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

test('who becomes the second administrator while it is suspended is no way round it', async () => {
  for (let round = 0; round < 3; round++) {
    const world = await startRegistry();
    try {
      const { administration, authority, views } = world.running.app;
      const caller = await authority.caller(world.token);
      assert.ok(caller);
      const authorize = () => caller;
      const by = () => ({ caller, authorize, source: null, cause: newCause(), making: byChance });
      const username = newName('rising');
      await administration.createUser(by(), { username });
      const rights = { roles: ['administrator'], permissions: [] };
      const raised = administration.setAuthorization(by(), username, rights, null);
      const suspended = administration.suspend(by(), username, null);
      const left = raised.then(() => administration.revoke(by(), 'admin', null));
      await Promise.allSettled([raised, suspended, left]);
      const standing = ['admin', username].filter((name) => {
        const user = views.user(name);
        return user?.status === 'active' && user.roles.includes('administrator');
      });
      assert.ok(standing.length > 0, 'nobody is left');
    } finally {
      await world.stop();
    }
  }
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
  const { made: expired, endsAt } = await madeBefore(600, (expiresAt) =>
    door.active({ expiresAt }),
  );
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
  await sleep(Math.max(0, Date.parse(endsAt) - Date.now()) + 1_200);
  for (const username of [newName(), ...[denied, blocked, expired, again].map((d) => d.username)]) {
    assert.is(await make(username), 'active', username);
    assert.is((await door.user(username)).origin, 'created');
    assert.is(await knockAt(world, { username, password }), 0);
  }
  // The old password of a name that was made anew is nobody's.
  assert.is(await knockAt(world, denied), 5);
  assert.is(await knockAt(world, active), 0, 'who was there was not disturbed');
});

test('a password is made where none is sent, and shown once', async ({ door, world }) => {
  const username = newName();
  const { body } = await door.command('/api/users', { username }, 201);
  assert.match(body.password, /^gbs_[\w-]{38}$/);
  assert.is(await knockAt(world, { username, password: body.password }), 0);
  assert.is((await door.user(username)).password, undefined);
  const rotated = (await door.change(username, 'rotate')).body.password;
  assert.is.not(rotated, body.password);
  assert.equal(
    [
      await knockAt(world, { username, password: body.password }),
      await knockAt(world, { username, password: rotated }),
    ],
    [5, 0],
  );
  assert.is((await door.change(username, 'rotate', { password: strong() })).body.password, null);
  const other = await door.command('/api/users', { username: newName(), password: strong() }, 201);
  assert.is(other.body.password, null);
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

test.run();
