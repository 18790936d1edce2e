import { adminPassword } from '../../../support/service.ts';
import { assert, suite } from '../../../support/suite.ts';
import { type Running, running, strongPassword } from '../running-service.ts';

const base = '/api/tokens';
const hourMs = 3_600_000;

const test = suite<{ gatebook: Running }>('http tokens');
test.before(async (world) => {
  world.gatebook = await running({ GATEBOOK_MQTT_PORT: 'off' });
});
test.after(({ gatebook }) => gatebook.stop());

const login = ({ call }: Running, body: object) => call('POST', '/api/login', { body });
const lasts = ({ issuedAt, expiresAt }: { issuedAt: string; expiresAt: string }) =>
  (Date.parse(expiresAt) - Date.parse(issuedAt)) / hourMs;

test('signing in gives a token for twelve hours, or as long as one says', async ({ gatebook }) => {
  const { status, body } = await login(gatebook, { username: 'admin', password: adminPassword });
  assert.is(status, 200);
  assert.equal(
    [body.username, body.kind, body.label, body.issuedBy, body.revokedAt, lasts(body)],
    ['admin', 'login', null, 'admin', null, 12],
  );
  const longer = await login(gatebook, {
    username: 'admin',
    password: adminPassword,
    expireTimeInHours: 100,
    label: 'console',
  });
  assert.equal([longer.body.label, lasts(longer.body)], ['console', 100]);
});

test('every cause of a failed sign-in is told alike', async ({ gatebook }) => {
  await gatebook.must(200, 'POST', '/api/client-registry/unlock');
  const password = strongPassword();
  const register = { body: { username: 'waiting-one', password } };
  await gatebook.call('POST', '/api/client-registry/register', register);
  await gatebook.signedIn('gone-one');
  await gatebook.must(200, 'POST', '/api/users/gone-one/suspend');
  const answers = [
    await login(gatebook, { username: 'admin', password: 'wrong' }),
    await login(gatebook, { username: 'stranger', password: 'wrong' }),
    await login(gatebook, { username: 'waiting-one', password }),
    await login(gatebook, { username: 'gone-one', password: 'wrong' }),
  ];
  for (const { status, text, headers } of answers) {
    assert.is(status, 401);
    assert.is(headers.get('www-authenticate'), 'Bearer');
    assert.is(text, answers[0]?.text);
  }
  assert.is(answers[0]?.code, 'credentials-invalid');
});

test('who fails too often waits', async ({ gatebook }) => {
  const fail = () => login(gatebook, { username: 'guessed', password: strongPassword() });
  let got = await fail();
  for (let attempt = 0; attempt < 100 && got.status === 401; attempt++) got = await fail();
  assert.equal([got.status, got.code], [429, 'login-throttled']);
  assert.ok(Number(got.headers.get('retry-after')) >= 1);
  const other = await login(gatebook, { username: 'admin', password: adminPassword });
  assert.is(other.status, 200);
});

test('who one is', async ({ gatebook }) => {
  const permissions = [{ context: 'mqtt', resource: 'a/#', operation: 'read' }];
  const token = await gatebook.signedIn('me-myself', { permissions });
  const { body } = await gatebook.call('GET', '/api/whoami', { token });
  assert.equal([body.username, body.effectivePermissions], ['me-myself', permissions]);
  const { body: list } = await gatebook.call('GET', base, { token });
  assert.equal(
    [body.tokenId, body.tokenExpiresAt],
    [list.items[0].tokenId, list.items[0].expiresAt],
  );
});

test('a named token is one’s own, lasts a year, and ends when it is revoked', async ({
  gatebook,
}) => {
  const token = await gatebook.signedIn('token-owner');
  const own = (method: string, path: string, body?: object) =>
    gatebook.call(method, path, { token, body });
  const issued = await own('POST', base, { label: 'sensor' });
  assert.is(issued.status, 201);
  assert.is(issued.headers.get('location'), `${base}/${issued.body.tokenId}`);
  assert.equal(
    [issued.body.kind, issued.body.label, lasts(issued.body)],
    ['named', 'sensor', 8760],
  );

  const named = { token: issued.body.token };
  assert.is((await gatebook.call('GET', '/api/whoami', named)).status, 200);
  const { items } = (await own('GET', base)).body;
  assert.equal(
    items.map(({ kind }: { kind: string }) => kind),
    ['named', 'login'],
  );
  assert.not.ok('token' in items[0]);

  const path = `${base}/${issued.body.tokenId}`;
  assert.is((await own('DELETE', path)).status, 204);
  assert.is((await own('DELETE', path)).status, 204);
  assert.is((await gatebook.call('GET', '/api/whoami', named)).code, 'token-invalid');
  assert.ok((await own('GET', base)).body.items[0].revokedAt);
});

test('another’s tokens need the permission', async ({ gatebook }) => {
  const token = await gatebook.signedIn('token-nobody');
  const { tokenId } = (await gatebook.must(200, 'GET', '/api/whoami')).body;
  for (const [method, path, body] of [
    ['GET', `${base}?username=admin`, undefined],
    ['POST', base, { label: 'x', username: 'admin' }],
    ['DELETE', `${base}/${tokenId}`, undefined],
    // Whether there is such a token is not told either.
    ['DELETE', `${base}/0e9c5a48-5a5f-4c55-9b3f-6f3f2b1a7c11`, undefined],
  ] as const) {
    const got = await gatebook.call(method, path, { token, body });
    assert.equal([got.status, got.code], [403, 'permission-missing'], `${method} ${path}`);
  }
  const listed = await gatebook.must(200, 'GET', `${base}?username=token-nobody`);
  assert.is(listed.body.items[0].username, 'token-nobody');
  const made = await gatebook.must(201, 'POST', base, { label: 'x', username: 'token-nobody' });
  assert.equal([made.body.username, made.body.issuedBy], ['token-nobody', 'admin']);
  await gatebook.must(204, 'DELETE', `${base}/${made.body.tokenId}`);
  const missing = { label: 'x', username: 'never-heard-of' };
  assert.is((await gatebook.must(404, 'POST', base, missing)).code, 'user-not-found');
  await gatebook.must(200, 'POST', '/api/users/token-nobody/suspend');
  const stopped = await gatebook.must(409, 'POST', base, { label: 'x', username: 'token-nobody' });
  assert.is(stopped.code, 'user-not-active');
});

test('nobody issues a token that may more than they', async ({ gatebook }) => {
  const permissions = [{ context: 'http', resource: '/api/tokens', operation: 'write' }];
  const token = await gatebook.signedIn('token-maker', { permissions });
  const body = { label: 'x', username: 'admin' };
  const got = await gatebook.call('POST', base, { token, body });
  assert.equal([got.status, got.code], [403, 'rights-exceed-own']);
});

test('after a new key, old tokens go on, and both keys are public', async ({ gatebook }) => {
  const before = await gatebook.call('GET', '/.well-known/paseto');
  assert.is(before.body.issuer, 'gatebook');
  assert.is(before.body.keys[0].use, 'sign');
  const rotated = await gatebook.must(200, 'POST', '/api/keys/rotate');
  assert.equal(
    rotated.body.keys.map(({ use }: { use: string }) => use),
    ['sign', 'verify'],
  );
  assert.is(rotated.body.keys[1].kid, before.body.keys[0].kid);
  assert.equal((await gatebook.call('GET', '/.well-known/paseto')).body, rotated.body);
  await gatebook.must(200, 'GET', '/api/whoami');
  const { body } = await login(gatebook, { username: 'admin', password: adminPassword });
  const footer = Buffer.from(body.token.split('.')[3], 'base64url').toString();
  assert.is(JSON.parse(footer).kid, rotated.body.keys[0].kid);
});

test.run();
