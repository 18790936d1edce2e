/** The registry's own routes: the window, requests, decisions one by one and in bulk. */
import { assert, suite } from '../../../support/suite.ts';
import { type Got, type Running, running, strongPassword } from '../running-service.ts';

const base = '/api/client-registry';

const test = suite<{ gatebook: Running }>('http client registry');
test.before(async (world) => {
  world.gatebook = await running();
  await world.gatebook.must(201, 'PUT', '/api/roles/press', {
    permissions: [{ context: 'mqtt', resource: 'press/$' + '{username}', operation: 'readWrite' }],
  });
});
test.before.each(async ({ gatebook }) => {
  await gatebook.must(200, 'POST', `${base}/lock`);
  await gatebook.must(200, 'POST', `${base}/unlock`, {});
});
test.after(({ gatebook }) => gatebook.stop());

let names = 0;
const newName = () => `machine-${++names}`;

async function asked(gatebook: Running, username = newName()): Promise<Got> {
  const body = { username, password: strongPassword() };
  const got = await gatebook.call('POST', `${base}/register`, { body });
  assert.is(got.status, 202, got.text);
  return got;
}

const decision = (gatebook: Running, { body }: Got, name: 'grant' | 'deny', sent: object = {}) =>
  gatebook.call('POST', `${base}/requests/${body.requestId}/${name}`, {
    token: gatebook.admin,
    body: sent,
  });

// ── The window. ───────────────────────────────────────────────────────────────────────────────────

test('unlock says how it is unlocked, lock that it is locked', async ({ gatebook }) => {
  await gatebook.must(200, 'POST', `${base}/lock`);
  const limits = {
    maxRequests: 7,
    usernamePattern: 'press-*',
    sources: ['10.0.0.0/8', 'fd00::/8'],
    note: 'line 4',
  };
  const unlocked = await gatebook.must(200, 'POST', `${base}/unlock`, {
    durationMs: 60_000,
    ...limits,
  });
  const { windowId, unlockedAt, until, ...rest } = unlocked.body;
  assert.equal(rest, {
    status: 'unlocked',
    unlockedBy: 'admin',
    lockedAt: null,
    lockedBy: null,
    requestCount: 0,
    pendingCount: rest.pendingCount,
    knockCount: rest.knockCount,
    ...limits,
  });
  assert.is(Date.parse(until) - Date.parse(unlockedAt), 60_000);
  assert.equal((await gatebook.must(200, 'GET', base)).body, unlocked.body);

  const locked = (await gatebook.must(200, 'POST', `${base}/lock`)).body;
  assert.is(locked.status, 'locked');
  assert.is(locked.windowId, windowId);
  assert.is(locked.lockedBy, 'admin');
  assert.equal((await gatebook.must(200, 'POST', `${base}/lock`)).body, locked);
});

test('unlocking again keeps the window and replaces limits and end', async ({ gatebook }) => {
  const first = (await gatebook.must(200, 'POST', `${base}/unlock`, { note: 'a' })).body;
  const second = await gatebook.must(200, 'POST', `${base}/unlock`, { durationMs: 86_400_000 });
  assert.is(second.body.windowId, first.windowId);
  assert.is(second.body.unlockedAt, first.unlockedAt);
  assert.is(second.body.note, null);
  assert.is(second.body.maxRequests, 100);
  assert.ok(second.body.until > first.until);
});

test('a command without a body is one with none of its fields', async ({ gatebook }) => {
  await gatebook.must(200, 'POST', `${base}/lock`);
  const { body } = await gatebook.must(200, 'POST', `${base}/unlock`);
  assert.is(Date.parse(body.until) - Date.parse(body.unlockedAt), 300_000);
});

// ── Requests. ─────────────────────────────────────────────────────────────────────────────────────

test('requests are listed newest first, by status and by name, page by page', async ({
  gatebook,
}) => {
  const prefix = `${newName()}-`;
  const ids: string[] = [];
  for (const name of ['a', 'b', 'c'])
    ids.unshift((await asked(gatebook, prefix + name)).body.requestId);
  await gatebook.must(200, 'POST', `${base}/requests/${ids[0]}/grant`);

  const list = async (query: string) =>
    (await gatebook.must(200, 'GET', `${base}/requests?${query}`)).body;
  const idsOf = ({ items }: { items: { requestId: string }[] }) =>
    items.map(({ requestId }) => requestId);

  const all = await list(`q=${prefix}`);
  assert.equal(idsOf(all), ids);
  assert.is(all.nextCursor, null);
  assert.equal(idsOf(await list(`q=${prefix}&status=pending`)), ids.slice(1));
  assert.equal(idsOf(await list(`q=${prefix}&status=granted`)), ids.slice(0, 1));
  assert.equal(idsOf(await list('q=no-such-name-anywhere')), []);

  const first = await list(`q=${prefix}&limit=2`);
  assert.equal(idsOf(first), ids.slice(0, 2));
  const second = await list(`q=${prefix}&limit=2&cursor=${first.nextCursor}`);
  assert.equal(idsOf(second), ids.slice(2));
  assert.is(second.nextCursor, null);
});

for (const list of [
  'client-registry/requests',
  'client-registry/knocks',
  'users',
  'roles',
  'tokens',
  'audit/events',
]) {
  test(`a cursor that ${list} did not give is refused`, async ({ gatebook }) => {
    const path = `/api/${list}?cursor=xyz`;
    const got = await gatebook.call('GET', path, { token: gatebook.admin });
    assert.equal([got.status, got.places], [400, ['cursor']]);
  });
}

test('personal fields are shown to those who may see them', async ({ gatebook }) => {
  const { body } = await asked(gatebook);
  const token = await gatebook.signedIn(newName(), {
    permissions: [{ context: 'http', resource: '/api/client-registry/#', operation: 'read' }],
  });
  const path = `${base}/requests/${body.requestId}`;
  assert.is((await gatebook.call('GET', path, { token })).body.source, null);
  assert.is((await gatebook.must(200, 'GET', path)).body.source, '127.0.0.1');
});

// ── Decisions. ────────────────────────────────────────────────────────────────────────────────────

test('a grant says what was given, and works at the broker', async ({ gatebook }) => {
  const request = await asked(gatebook);
  const rights = {
    roles: ['press'],
    permissions: [{ context: 'mqtt', resource: 'plant/#', operation: 'read' }],
    mqttPublishPrefix: 'plant/',
    mqttClientId: 'c-1',
    expiresAt: '2999-01-01T00:00:00+01:00',
  };
  const { status, body, headers } = await decision(gatebook, request, 'grant', {
    ...rights,
    reason: 'new press',
  });
  assert.is(status, 200);
  assert.is(body.status, 'granted');
  const { at, ...told } = body.decision;
  assert.ok(at);
  assert.equal(told, {
    ...rights,
    expiresAt: '2998-12-31T23:00:00.000Z',
    by: 'admin',
    reason: 'new press',
    blockedUntil: null,
    preauthorizationId: null,
  });
  assert.equal(
    body.activations.map(({ broker, status: state }: Record<string, string>) => [broker, state]),
    [['embedded', 'active']],
  );
  const user = await gatebook.call('GET', `/api/users/${request.body.username}`, {
    token: gatebook.admin,
    headers: { 'Gatebook-Position': headers.get('gatebook-position') ?? '' },
  });
  assert.is(user.body.status, 'active');
  assert.equal(user.body.effectivePermissions.at(-1), {
    context: 'mqtt',
    resource: `press/${request.body.username}`,
    operation: 'readWrite',
  });
});

test('a grant repeated is one grant, with other rights it is refused', async ({ gatebook }) => {
  const request = await asked(gatebook);
  const first = await decision(gatebook, request, 'grant', { roles: ['press'] });
  for (const same of [{ roles: ['press'] }, {}]) {
    const again = await decision(gatebook, request, 'grant', same);
    assert.equal([again.status, again.body], [200, first.body]);
  }
  const query = `username=${request.body.username}&type=RegistrationGranted`;
  const { body } = await gatebook.must(200, 'GET', `/api/audit/events?${query}`);
  assert.is(body.items.length, 1);
  const other = await decision(gatebook, request, 'grant', { mqttPublishPrefix: 'x/' });
  assert.equal([other.status, other.code], [409, 'request-already-granted']);
  const denied = await decision(gatebook, request, 'deny');
  assert.equal([denied.status, denied.code], [409, 'request-already-granted']);
});

test('a deny repeated is one deny, with other words it is refused', async ({ gatebook }) => {
  const request = await asked(gatebook);
  const first = await decision(gatebook, request, 'deny', { reason: 'no' });
  assert.equal([first.status, first.body.status], [200, 'denied']);
  assert.is(first.body.decision.reason, 'no');
  assert.is((await decision(gatebook, request, 'deny', { reason: 'no' })).status, 200);
  const other = await decision(gatebook, request, 'deny', { reason: 'never' });
  assert.equal([other.status, other.code], [409, 'request-already-denied']);
  const granted = await decision(gatebook, request, 'grant');
  assert.equal([granted.status, granted.code], [409, 'request-already-denied']);
});

test('a contested request wants to be confirmed', async ({ gatebook }) => {
  const request = await asked(gatebook);
  const { username } = request.body;
  const other = { username, password: strongPassword() };
  await gatebook.call('POST', `${base}/register`, { body: other });
  const refused = await decision(gatebook, request, 'grant');
  assert.equal([refused.status, refused.code], [409, 'request-contested']);
  const granted = await decision(gatebook, request, 'grant', { confirmContested: true });
  assert.is(granted.body.status, 'granted');
});

test('a grant to nobody any more is refused', async ({ gatebook }) => {
  const request = await asked(gatebook);
  await decision(gatebook, request, 'grant');
  await gatebook.must(200, 'POST', `/api/users/${request.body.username}/suspend`);
  const got = await decision(gatebook, request, 'grant');
  assert.equal([got.status, got.code], [409, 'user-not-active']);
});

test('what lies behind is no end', async ({ gatebook }) => {
  const request = await asked(gatebook);
  for (const [name, field] of [
    ['grant', 'expiresAt'],
    ['deny', 'blockedUntil'],
  ] as const) {
    const got = await decision(gatebook, request, name, { [field]: '2020-01-01T00:00:00Z' });
    assert.equal([got.status, got.places], [400, [`#/${field}`]]);
  }
});

test('a role that does not exist is named', async ({ gatebook }) => {
  const request = await asked(gatebook);
  const got = await decision(gatebook, request, 'grant', { roles: ['press', 'no-such-role'] });
  assert.equal([got.status, got.code, got.places], [404, 'role-not-found', ['#/roles/1']]);
  const { requestId } = request.body;
  const roles = ['no-such-role'];
  const bulk = { ids: [requestId], roles };
  const many = await gatebook.must(200, 'POST', `${base}/requests/grant`, bulk);
  const rule = { roles, usernamePattern: 'press-*', until: '2090-01-01T00:00:00Z' };
  const made = await gatebook.must(404, 'POST', `${base}/preauthorizations`, rule);
  const { code } = many.body.results[0].problem;
  assert.equal([code, made.code], ['role-not-found', 'role-not-found']);
});

test('nobody grants rights that they lack', async ({ gatebook }) => {
  const request = await asked(gatebook);
  const token = await gatebook.signedIn(newName(), { roles: ['registrar'] });
  const path = `${base}/requests/${request.body.requestId}/grant`;
  const refused = await gatebook.call('POST', path, { token, body: { roles: ['administrator'] } });
  assert.equal([refused.status, refused.code], [403, 'rights-exceed-own']);
  const body = { ids: [request.body.requestId], roles: ['administrator'] };
  const many = await gatebook.call('POST', `${base}/requests/grant`, { token, body });
  assert.is(many.body.results[0].problem.code, 'rights-exceed-own');
  assert.is((await gatebook.call('POST', path, { token, body: { roles: ['press'] } })).status, 200);
});

test('in bulk, each has an outcome, and what needs a look is left alone', async ({ gatebook }) => {
  const [plain, contested, replaced] = [
    await asked(gatebook),
    await asked(gatebook),
    await asked(gatebook),
  ];
  const elsewhere = (username: string) =>
    gatebook.call('POST', `${base}/register`, { body: { username, password: strongPassword() } });
  await elsewhere(contested.body.username);
  await decision(gatebook, replaced, 'grant');
  await elsewhere(replaced.body.username);
  const { body: waiting } = await gatebook.must(200, 'GET', `${base}/requests?status=pending`);
  const replacement = waiting.items.find(({ kind }: { kind: string }) => kind === 'replacement');
  const unknown = '0e9c5a48-5a5f-4c55-9b3f-6f3f2b1a7c11';
  const ids = [plain.body.requestId, contested.body.requestId, replacement.requestId, unknown];
  const { body } = await gatebook.must(200, 'POST', `${base}/requests/grant`, {
    ids,
    roles: ['press'],
    confirmContested: true,
  });
  assert.equal(
    body.results.map(
      (result: { status?: string; problem?: { code: string; status: number } }) =>
        result.status ?? result.problem?.code,
    ),
    ['granted', 'request-contested', 'replacement-not-in-bulk', 'request-not-found'],
  );
  assert.equal(
    body.results.map(({ requestId }: { requestId: string }) => requestId),
    ids,
  );
  assert.is(body.results[1].problem.status, 409);

  const denied = await gatebook.must(200, 'POST', `${base}/requests/deny`, {
    ids: [contested.body.requestId, unknown],
    reason: 'no',
  });
  assert.is(denied.body.results[1].problem.code, 'request-not-found');
});

test.run();
