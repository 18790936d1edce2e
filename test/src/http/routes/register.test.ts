/** The explicit door over HTTP: what each row of SPEC 4 looks like on the wire, tokens and long polls. */
import { randomUUID } from 'node:crypto';
import { takenRetryAfterSeconds } from '../../../../src/limits/http.ts';
import { assert, suite } from '../../../support/suite.ts';
import { type Got, type Running, running, strongPassword } from '../running-service.ts';

const register = '/api/client-registry/register';
const self = '/api/client-registry/requests/self';

const test = suite<{ gatebook: Running }>('http register');
test.before(async (world) => {
  world.gatebook = await running({ GATEBOOK_DOOR_PORT: '0' });
});
test.before.each(async ({ gatebook }) => {
  await gatebook.must(200, 'POST', '/api/client-registry/unlock', {});
});
test.after(({ gatebook }) => gatebook.stop());

const ask = ({ call }: Running, username: string, password: string, more: object = {}) =>
  call('POST', register, { body: { username, password, ...more } });
const lock = ({ must }: Running) => must(200, 'POST', '/api/client-registry/lock');
const decide = ({ must }: Running, { body }: Got, decision: 'grant' | 'deny', more: object = {}) =>
  must(200, 'POST', `/api/client-registry/requests/${body.requestId}/${decision}`, more);

let names = 0;
const newName = () => `press-${++names}`;

test('locked, every name is told the same bytes, and nothing is stored', async ({ gatebook }) => {
  const password = strongPassword();
  const known = newName();
  await decide(gatebook, await ask(gatebook, known, password), 'grant');
  await lock(gatebook);
  const before = await gatebook.must(200, 'GET', '/api/audit/events');
  const answers = await Promise.all(
    [known, 'admin', newName()].map((username) => ask(gatebook, username, strongPassword())),
  );
  for (const { status, text, headers } of answers) {
    assert.is(status, 423);
    assert.is(text, answers[0]?.text);
    assert.equal([...headers.keys()], [...(answers[0]?.headers.keys() ?? [])]);
    assert.ok(Number(headers.get('retry-after')) > 0);
  }
  const after = await gatebook.must(200, 'GET', '/api/audit/events');
  assert.equal(after.body, before.body);
  const { body } = await gatebook.must(200, 'GET', '/api/client-registry/knocks');
  assert.ok(body.items.some(({ username }: { username: string }) => username === known));
});

test('a request waits, is granted, and stays so', async ({ gatebook }) => {
  const [username, password] = [newName(), strongPassword()];
  const more = {
    pairingId: 'A1B2C3',
    context: { site: 'hall 4' },
    requestedRoles: ['press'],
    requestedPermissions: [{ context: 'mqtt', resource: 'plant/#', operation: 'read' }],
  };
  const asked = await ask(gatebook, username, password, more);
  assert.is(asked.status, 202);
  assert.is(asked.headers.get('retry-after'), '5');
  assert.match(asked.headers.get('gatebook-position') ?? '', /^\d{20}$/);
  const { requestId, registrationToken, expiresAt, ...rest } = asked.body;
  assert.equal(rest, { status: 'pending', username, pairingId: 'a1b2c3' });
  assert.match(registrationToken, /^v4\.public\./);
  assert.ok(expiresAt > new Date().toISOString());

  const shown = await gatebook.must(200, 'GET', `/api/client-registry/requests/${requestId}`);
  assert.is(shown.body.source, '127.0.0.1');
  assert.equal(shown.body.context, more.context);
  assert.equal(shown.body.requestedPermissions, more.requestedPermissions);

  await lock(gatebook);
  assert.is((await ask(gatebook, username, password)).body.requestId, requestId);
  const permissions = [{ context: 'mqtt', resource: 'plant/+', operation: 'readWrite' }];
  await decide(gatebook, asked, 'grant', { permissions, mqttPublishPrefix: 'plant/' });
  for (const granted of [
    await ask(gatebook, username, password),
    await ask(gatebook, username, password),
    await gatebook.call('GET', self, { token: registrationToken }),
  ]) {
    assert.is(granted.status, 201);
    assert.is(granted.body.username, username);
    assert.is(granted.body.requestId, requestId);
    assert.equal(granted.body.permissions, permissions);
    assert.equal(granted.body.effectivePermissions, permissions);
    assert.is(granted.body.mqttPublishPrefix, 'plant/');
    assert.is(granted.body.brokers[0]?.name, 'embedded');
    assert.match(granted.body.brokers[0]?.urls[0] ?? '', /^mqtt:\/\//);
    assert.ok(granted.headers.has('location'));
  }
});

test('another credential for a held name is told so, and it shows', async ({ gatebook }) => {
  const [username, password] = [newName(), strongPassword()];
  const asked = await ask(gatebook, username, password);
  const other = await ask(gatebook, username, strongPassword());
  assert.equal([other.status, other.code], [409, 'username-taken']);
  assert.is(other.body.requestId, undefined);
  const path = `/api/client-registry/requests/${asked.body.requestId}`;
  assert.is((await gatebook.must(200, 'GET', path)).body.contested, true);
});

test('a challenger waits with Retry-After, and is admitted instead', async ({ gatebook }) => {
  const username = newName();
  const [first, second] = [strongPassword(), strongPassword()];
  await decide(gatebook, await ask(gatebook, username, first), 'grant');
  assert.is((await ask(gatebook, username, second)).code, 'username-taken');
  const waiting = await ask(gatebook, username, second);
  assert.equal([waiting.status, waiting.code], [409, 'replacement-pending']);
  assert.is(waiting.headers.get('retry-after'), '5');
  const { body } = await gatebook.must(200, 'GET', '/api/client-registry/requests?status=pending');
  const [request] = body.items.filter((one: { username: string }) => one.username === username);
  assert.is(request.kind, 'replacement');
  await gatebook.must(200, 'POST', `/api/client-registry/requests/${request.requestId}/grant`);
  assert.is((await ask(gatebook, username, second)).status, 201);
  await lock(gatebook);
  assert.is((await ask(gatebook, username, first)).status, 423);
});

test('a held name is told when to ask once more, in the same bytes whether that makes a challenger or not', async ({
  gatebook,
}) => {
  const pendingName = newName();
  await ask(gatebook, pendingName, strongPassword());
  const activeName = newName();
  await decide(gatebook, await ask(gatebook, activeName, strongPassword()), 'grant');
  const suspendedName = newName();
  await decide(gatebook, await ask(gatebook, suspendedName, strongPassword()), 'grant');
  await gatebook.must(200, 'POST', `/api/users/${suspendedName}/suspend`, {});

  const challenger = strongPassword();
  const answers = [
    await ask(gatebook, pendingName, strongPassword()),
    await ask(gatebook, pendingName, strongPassword()),
    await ask(gatebook, activeName, challenger),
    await ask(gatebook, activeName, strongPassword()),
    await ask(gatebook, suspendedName, strongPassword()),
    await ask(gatebook, 'admin', strongPassword()),
  ];
  const seen = ({ status, text, headers }: Got) => {
    const fields = Object.fromEntries(headers);
    for (const field of ['date', 'x-correlation-id', 'correlation-id']) delete fields[field];
    return { status, text, fields };
  };
  for (const answer of answers) {
    assert.is(answer.code, 'username-taken');
    assert.is(answer.headers.get('retry-after'), String(takenRetryAfterSeconds));
    assert.equal(seen(answer), seen(answers[0] as Got));
  }
  assert.is((await ask(gatebook, activeName, challenger)).code, 'replacement-pending');
  // An administrator who makes a user of a held name is to choose another one, not to wait.
  const made = await gatebook.must(409, 'POST', '/api/users', { username: activeName });
  assert.equal([made.code, made.headers.get('retry-after')], ['username-taken', null]);
});

test('a denied one is told why, by its credential alone', async ({ gatebook }) => {
  const [username, password] = [newName(), strongPassword()];
  const asked = await ask(gatebook, username, password);
  const blockedUntil = '2999-01-01T00:00:00.000Z';
  await decide(gatebook, asked, 'deny', { reason: 'not ours', blockedUntil });
  const members = { username, requestId: asked.body.requestId, reason: 'not ours', blockedUntil };
  for (const denied of [
    await ask(gatebook, username, password),
    await gatebook.call('GET', self, { token: asked.body.registrationToken }),
  ]) {
    assert.equal([denied.status, denied.code], [403, 'registration-denied']);
    for (const [name, value] of Object.entries(members)) assert.is(denied.body[name], value, name);
  }
  const stranger = await ask(gatebook, username, strongPassword());
  assert.equal([stranger.status, stranger.code], [403, 'registration-denied']);
  assert.is(stranger.body.reason, undefined);
});

for (const [change, status, code] of [
  ['suspend', 403, 'access-suspended'],
  ['revoke', 410, 'access-revoked'],
] as const) {
  test(`after ${change} the owner is told ${status}`, async ({ gatebook }) => {
    const [username, password] = [newName(), strongPassword()];
    const asked = await ask(gatebook, username, password);
    await decide(gatebook, asked, 'grant');
    await gatebook.must(200, 'POST', `/api/users/${username}/${change}`, { reason: 'so' });
    for (const told of [
      await ask(gatebook, username, password),
      await gatebook.call('GET', self, { token: asked.body.registrationToken }),
    ]) {
      assert.equal([told.status, told.code], [status, code]);
      assert.is(told.body.username, username);
      assert.is(told.body.requestId, asked.body.requestId);
    }
  });
}

test('a full window turns away, also while somebody polls', async ({ gatebook }) => {
  await lock(gatebook);
  await gatebook.must(200, 'POST', '/api/client-registry/unlock', { maxRequests: 1 });
  const [username, password] = [newName(), strongPassword()];
  assert.is((await ask(gatebook, username, password)).status, 202);
  const full = await ask(gatebook, newName(), strongPassword());
  assert.equal([full.status, full.code], [429, 'window-full']);
  assert.ok(full.headers.has('retry-after'));
  assert.is((await ask(gatebook, username, password)).status, 202);
});

test('the window admits who it is for', async ({ gatebook }) => {
  await lock(gatebook);
  const limits = { usernamePattern: 'robot-*', sources: ['127.0.0.0/8'] };
  await gatebook.must(200, 'POST', '/api/client-registry/unlock', limits);
  assert.is((await ask(gatebook, newName(), strongPassword())).code, 'registry-locked');
  assert.is((await ask(gatebook, `robot-${++names}`, strongPassword())).status, 202);
});

test('a password of the policy is asked for before anything else', async ({ gatebook }) => {
  await lock(gatebook);
  for (const password of ['1234', 'x'.repeat(1_025), 'v4.public.abcdef']) {
    const { status, places } = await ask(gatebook, newName(), password);
    assert.equal([status, places], [400, ['#/password']]);
  }
  const { places, text } = await ask(gatebook, 'a/b', '1234');
  assert.equal(places, ['#/username', '#/password']);
  assert.not.match(text, /1234/);
});

test('a token of another kind is none', async ({ gatebook }) => {
  const wrong = await gatebook.call('GET', self, { token: gatebook.admin });
  assert.equal([wrong.status, wrong.code], [401, 'token-invalid']);
  const asked = await ask(gatebook, newName(), strongPassword());
  const { registrationToken: token } = asked.body;
  assert.is((await gatebook.call('GET', '/api/whoami', { token })).code, 'token-invalid');
});

test('a poll that waits is answered when it is decided', async ({ gatebook }) => {
  const [username, password] = [newName(), strongPassword()];
  const asked = await ask(gatebook, username, password);
  const headers = { Prefer: 'wait=60' };
  let answered = 0;
  const polls = [
    gatebook.call('POST', register, { body: { username, password }, headers }),
    gatebook.call('GET', self, { token: asked.body.registrationToken, headers }),
  ].map(async (poll) => {
    const got = await poll;
    answered++;
    return got;
  });
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.is(answered, 0);
  await decide(gatebook, asked, 'grant');
  for (const { status } of await Promise.all(polls)) assert.is(status, 201);
});

test('a poll that waits in vain is told the same as before', async ({ gatebook }) => {
  const [username, password] = [newName(), strongPassword()];
  await ask(gatebook, username, password);
  const got = await gatebook.call('POST', register, {
    body: { username, password },
    headers: { Prefer: 'wait=1' },
  });
  assert.is(got.status, 202);
});

test('a poll that waits until its request has expired is answered as one that asks then', async () => {
  const gatebook = await running({ GATEBOOK_PENDING_TTL: '1s' });
  const headers = { Prefer: 'wait=20' };
  const expired = async (then: () => Promise<unknown>) => {
    await gatebook.must(200, 'POST', '/api/client-registry/unlock', {});
    const body = { username: newName(), password: strongPassword() };
    const first = await gatebook.call('POST', register, { body });
    const poll = gatebook.call('POST', register, { body, headers });
    await then();
    return { first: first.body.requestId, got: await poll };
  };
  const open = await expired(async () => undefined);
  assert.is(open.got.status, 202);
  assert.is.not(open.got.body.requestId, open.first, 'asked anew');
  const locked = await expired(() => lock(gatebook));
  assert.equal([locked.got.status, locked.got.code], [423, 'registry-locked']);
  await gatebook.stop();
});

test('the door listens alone, too', async ({ gatebook }) => {
  const on = gatebook.world.door;
  assert.ok(on);
  const [username, password] = [newName(), strongPassword()];
  const body = { username, password };
  assert.is((await gatebook.call('POST', register, { body, on })).status, 202);
  assert.is((await gatebook.call('GET', '/healthz', { on })).status, 200);
  for (const path of ['/api/client-registry', '/metrics', '/docs', '/'])
    assert.is((await fetch(`${on}${path}`)).status, 404);
});

test('a source that guesses is slowed down, one that is known is not', async () => {
  const gatebook = await running({ GATEBOOK_SOURCE_ATTEMPTS_PER_MINUTE: '3' });
  await gatebook.must(200, 'POST', '/api/client-registry/unlock', {});
  const [username, password] = [newName(), strongPassword()];
  await decide(gatebook, await ask(gatebook, username, password), 'grant');
  await lock(gatebook);
  const codes: (string | undefined)[] = [];
  for (let attempt = 0; attempt < 6; attempt++)
    codes.push((await ask(gatebook, newName(), strongPassword())).code);
  assert.ok(codes.includes('source-throttled'), codes.join());
  const slowed = await ask(gatebook, newName(), strongPassword());
  assert.is(slowed.status, 429);
  assert.ok(Number(slowed.headers.get('retry-after')) >= 1);
  assert.is((await ask(gatebook, username, password)).status, 201);
  await gatebook.stop();
});

test('too many that wait turn others away', async () => {
  const gatebook = await running({ GATEBOOK_PENDING_MAX: '1' });
  await gatebook.must(200, 'POST', '/api/client-registry/unlock', {});
  assert.is((await ask(gatebook, newName(), strongPassword())).status, 202);
  const full = await ask(gatebook, newName(), strongPassword());
  assert.equal([full.status, full.code], [429, 'pending-full']);
  await gatebook.stop();
});

test('what a stopping service is asked ends, and a long poll with it', async () => {
  const gatebook = await running();
  await gatebook.must(200, 'POST', '/api/client-registry/unlock', {});
  const body = { username: newName(), password: strongPassword() };
  const first = await gatebook.call('POST', register, { body });
  assert.is(first.status, 202);
  const polled = gatebook.call('POST', register, { body, headers: { Prefer: 'wait=60' } });
  await new Promise((resolve) => setTimeout(resolve, 50));
  await gatebook.stop();
  assert.is((await polled).status, 202);
});

test('no password and no token of all this is in the log', ({ gatebook }) => {
  const text = gatebook.world.lines.join('');
  assert.not.match(text, /v4\.public\.[A-Za-z0-9_-]{20}|[0-9a-f]{32}"/);
  assert.not.ok(text.includes(randomUUID()));
});

test.run();
