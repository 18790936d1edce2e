import { assert, suite } from '../../../support/suite.ts';
import { type Running, running, strongPassword } from '../running-service.ts';

const base = '/api/users';

const test = suite<{ gatebook: Running }>('http users');
test.before(async (world) => {
  world.gatebook = await running();
});
test.after(({ gatebook }) => gatebook.stop());

let names = 0;
const newName = () => `user-${++names}`;

const made = async ({ must }: Running, more: object = {}): Promise<string> => {
  const username = newName();
  await must(201, 'POST', base, { username, password: strongPassword(), ...more });
  return username;
};
const login = ({ call }: Running, username: string, password: string) =>
  call('POST', '/api/login', { body: { username, password } });

const topic = (resource: string) => ({ context: 'mqtt', resource, operation: 'readWrite' });
const http = (resource: string, operation = 'readWrite') => ({
  context: 'http',
  resource,
  operation,
});

test('a user is made with a password of its own, or is given one', async ({ gatebook }) => {
  const username = newName();
  const own = await gatebook.must(201, 'POST', base, {
    username,
    password: 'five5',
    permissions: [topic('a/#')],
    reason: 'new',
  });
  assert.is(own.headers.get('location'), `${base}/${username}`);
  assert.equal(
    [own.body.username, own.body.status, own.body.origin, own.body.password],
    [username, 'active', 'created', null],
  );
  assert.equal(own.body.permissions, [topic('a/#')]);
  assert.equal(own.body.roles, []);
  assert.is((await login(gatebook, username, 'five5')).status, 200);

  const other = newName();
  const { password } = (await gatebook.must(201, 'POST', base, { username: other })).body;
  assert.match(password, /^gbs_/);
  assert.is((await login(gatebook, other, password)).status, 200);
  assert.is((await gatebook.must(200, 'GET', `${base}/${other}`)).text.includes(password), false);
});

test('a name that is held is taken, one that is free again is not', async ({ gatebook }) => {
  const username = await made(gatebook);
  const taken = await gatebook.must(409, 'POST', base, { username });
  assert.is(taken.code, 'username-taken');
  await gatebook.must(200, 'POST', `${base}/${username}/revoke`);
  assert.is((await gatebook.must(409, 'POST', base, { username })).code, 'username-taken');
  await gatebook.must(200, 'POST', `${base}/${username}/reinstate`);
  await gatebook.must(201, 'POST', base, { username });
});

test('the policy, the clock and the roles are looked at', async ({ gatebook }) => {
  const username = newName();
  const body = { username, password: '1234', expiresAt: '2020-01-01T00:00:00Z' };
  const got = await gatebook.must(400, 'POST', base, body);
  assert.equal(got.places, ['#/password', '#/expiresAt']);
  const role = await gatebook.must(404, 'POST', base, { username, roles: ['no-such-role'] });
  assert.equal([role.code, role.places], ['role-not-found', ['#/roles/0']]);
});

test('users are listed by status, role and name', async ({ gatebook }) => {
  await gatebook.must(201, 'PUT', '/api/roles/lister', { permissions: [] });
  const prefix = `${newName()}-`;
  for (const name of ['a', 'b', 'c'])
    await gatebook.must(201, 'POST', base, { username: prefix + name, roles: ['lister'] });
  await gatebook.must(200, 'POST', `${base}/${prefix}b/suspend`);
  const list = async (query: string) =>
    (await gatebook.must(200, 'GET', `${base}?${query}`)).body.items.map(
      ({ username }: { username: string }) => username.slice(prefix.length),
    );
  assert.equal(await list(`q=${prefix}`), ['c', 'b', 'a']);
  assert.equal(await list(`q=${prefix}&status=active`), ['c', 'a']);
  assert.equal(await list(`q=${prefix}&status=suspended&role=lister`), ['b']);
  assert.equal(await list(`q=${prefix}&role=administrator`), []);
  assert.equal(await list(`q=${prefix}&limit=1`), ['c']);
});

test('users are listed oldest first and by name, page by page, with their total', async ({
  gatebook,
}) => {
  const prefix = `${newName()}-`;
  for (const name of ['b', 'c', 'a'])
    await gatebook.must(201, 'POST', base, { username: prefix + name });
  await gatebook.must(200, 'POST', `${base}/${prefix}c/suspend`);
  const list = async (query: string) => {
    const { body } = await gatebook.must(200, 'GET', `${base}?q=${prefix}&${query}`);
    const names = body.items.map((one: { username: string }) => one.username.slice(prefix.length));
    return { names: names.join(''), cursor: body.nextCursor, total: body.total };
  };
  assert.equal(await list('sort=newest'), { names: 'acb', cursor: null, total: undefined });
  assert.is((await list('sort=oldest')).names, 'bca');
  assert.is((await list('sort=name')).names, 'abc');
  assert.is((await list('sort=name&status=active')).names, 'ab');
  for (const [sort, pages] of Object.entries({ oldest: ['bc', 'a'], name: ['ab', 'c'] })) {
    const first = await list(`sort=${sort}&limit=2&total=true`);
    const second = await list(`sort=${sort}&limit=2&cursor=${first.cursor}`);
    assert.equal([first.names, second.names, second.cursor], [...pages, null], sort);
    assert.is(first.total, 3);
  }
  assert.is((await list('total=true&status=suspended')).total, 1);
  assert.is((await list('total=true&connected=true')).total, 0);
  assert.is((await list('total=true&endsWithinDays=3')).total, null);
  const all = (await gatebook.must(200, 'GET', `${base}?total=true&limit=1000`)).body;
  assert.is(all.total, all.items.length);
  for (const query of [
    'sort=size',
    'sort=name&connected=true',
    'sort=name&stale=true',
    'total=2',
  ]) {
    const { places } = await gatebook.must(400, 'GET', `${base}?${query}`);
    assert.equal(places, [query.includes('sort') ? 'sort' : 'total'], query);
  }
});

test('every name with a history is shown, a stranger is not', async ({ gatebook }) => {
  await gatebook.must(200, 'POST', '/api/client-registry/unlock');
  const username = newName();
  await gatebook.call('POST', '/api/client-registry/register', {
    body: { username, password: strongPassword() },
  });
  assert.is((await gatebook.must(200, 'GET', `${base}/${username}`)).body.status, 'pending');
  const { body } = await gatebook.must(200, 'GET', `${base}?q=${username}`);
  assert.equal(body.items, []);
  await gatebook.must(404, 'GET', `${base}/${newName()}`);
});

test('authorization is set whole', async ({ gatebook }) => {
  const username = await made(gatebook, { permissions: [topic('a')], mqttPublishPrefix: 'p/' });
  const path = `${base}/${username}/authorization`;
  const expiresAt = '2999-01-01T00:00:00.000Z';
  const set = await gatebook.must(200, 'PUT', path, { mqttClientId: 'c', expiresAt });
  assert.equal(set.body.permissions, []);
  assert.equal(
    [set.body.mqttPublishPrefix, set.body.mqttClientId, set.body.expiresAt],
    [null, 'c', expiresAt],
  );
  const again = await gatebook.must(200, 'PUT', path, { mqttClientId: 'c', expiresAt });
  assert.is(again.body.changedAt, set.body.changedAt);
  await gatebook.must(404, 'PUT', path, { roles: ['no-such-role'] });
  await gatebook.must(200, 'POST', `${base}/${username}/revoke`);
  assert.is((await gatebook.must(409, 'PUT', path, {})).code, 'user-not-active');
});

// ── From state to state: what each change answers in each state. ──────────────────────────────────

const states: Record<string, readonly string[]> = {
  active: [],
  suspended: ['suspend'],
  revoked: ['revoke'],
  unknown: ['revoke', 'reinstate'],
};
const [no, not, never] = ['user-not-active', 'user-not-suspended', 'user-not-revoked'];

// biome-ignore format: a table reads as a table
const table: [change: string, ...string[]][] = [
  //            active      suspended    revoked    unknown
  ['suspend',   'suspended', 'suspended', no,        no       ],
  ['resume',    'active',    'active',    not,       not      ],
  ['revoke',    'revoked',   'revoked',   'revoked', no       ],
  ['reinstate', never,       never,       'unknown', 'unknown'],
] as [string, ...string[]][];

for (const [change, ...answers] of table)
  for (const [column, [state, way]] of Object.entries(states).entries()) {
    const answer = answers[column] ?? '';
    test(`${change} when ${state} is ${answer}`, async ({ gatebook }) => {
      const username = await made(gatebook);
      for (const step of way) await gatebook.must(200, 'POST', `${base}/${username}/${step}`);
      const got = await gatebook.call('POST', `${base}/${username}/${change}`, {
        token: gatebook.admin,
        body: { reason: 'so' },
      });
      assert.equal(
        [got.status, got.code ?? got.body.status],
        [answer.startsWith('user-') ? 409 : 200, answer],
      );
    });
  }

test('a suspended user keeps its rights, and they can be changed', async ({ gatebook }) => {
  const username = await made(gatebook, { permissions: [topic('a')] });
  await gatebook.must(200, 'POST', `${base}/${username}/suspend`);
  const set = await gatebook.must(200, 'PUT', `${base}/${username}/authorization`, {
    permissions: [topic('b')],
  });
  assert.equal([set.body.status, set.body.permissions], ['suspended', [topic('b')]]);
});

test('a suspended user’s token stops, and goes on after it is resumed', async ({ gatebook }) => {
  const username = newName();
  const token = await gatebook.signedIn(username);
  const whoami = async () => (await gatebook.call('GET', '/api/whoami', { token })).status;
  assert.is(await whoami(), 200);
  await gatebook.must(200, 'POST', `${base}/${username}/suspend`);
  assert.is(await whoami(), 401);
  await gatebook.must(200, 'POST', `${base}/${username}/resume`);
  assert.is(await whoami(), 200);
  await gatebook.must(200, 'POST', `${base}/${username}/revoke`);
  assert.is(await whoami(), 401);
});

test('rotating gives another password, and ends logins', async ({ gatebook }) => {
  const username = newName();
  const token = await gatebook.signedIn(username);
  // One’s own needs no permission.
  const rotated = await gatebook.call('POST', `${base}/${username}/rotate`, { token, body: {} });
  assert.is(rotated.status, 200);
  assert.match(rotated.body.password, /^gbs_/);
  assert.is((await gatebook.call('GET', '/api/whoami', { token })).status, 401);
  assert.is((await login(gatebook, username, rotated.body.password)).status, 200);

  const path = `${base}/${username}/rotate`;
  const given = await gatebook.must(200, 'POST', path, { password: 'another', reason: 'lost' });
  assert.is(given.body.password, null);
  assert.is((await login(gatebook, username, rotated.body.password)).status, 401);
  assert.is((await login(gatebook, username, 'another')).status, 200);
  const short = await gatebook.must(400, 'POST', path, { password: '1234' });
  assert.equal(short.places, ['#/password']);
  await gatebook.must(200, 'POST', `${base}/${username}/suspend`);
  assert.is((await gatebook.must(409, 'POST', path)).code, 'user-not-active');
});

test('nobody gives rights that they lack', async ({ gatebook }) => {
  const permissions = [http('/api/users/#'), http('/api/users')];
  const token = await gatebook.signedIn(newName(), { permissions });
  const post = (method: string, path: string, body: object) =>
    gatebook.call(method, path, { token, body });
  const username = newName();
  const refused = await post('POST', base, { username, roles: ['administrator'] });
  assert.equal([refused.status, refused.code], [403, 'rights-exceed-own']);
  const more = { username, permissions: [http('/api/roles/#', 'read')] };
  assert.is((await post('POST', base, more)).code, 'rights-exceed-own');
  const own = { username, permissions: [http('/api/users/+', 'read'), topic('#')] };
  assert.is((await post('POST', base, own)).status, 201);
  const path = `${base}/${username}/authorization`;
  const raised = await post('PUT', path, { permissions: [http('/#')] });
  assert.is(raised.code, 'rights-exceed-own');
  assert.is((await post('POST', `${base}/admin/rotate`, {})).code, 'rights-exceed-own');
});

test('the last administrator without an end stays', async ({ gatebook }) => {
  for (const change of ['suspend', 'revoke']) {
    const got = await gatebook.must(409, 'POST', `${base}/admin/${change}`);
    assert.is(got.code, 'last-administrator');
  }
  const path = `${base}/admin/authorization`;
  for (const rights of [{}, { roles: ['administrator'], expiresAt: '2999-01-01T00:00:00Z' }])
    assert.is((await gatebook.must(409, 'PUT', path, rights)).code, 'last-administrator');
  const second = await made(gatebook, { roles: ['administrator'] });
  await gatebook.must(200, 'POST', `${base}/${second}/revoke`);
});

test.run();
