/** Whoever loses access or a right in the middle of a request does nothing more with it. */
import { once } from 'node:events';
import { connect } from 'node:net';
import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { newCause } from '../../../../src/commands/handle.ts';
import { Refused } from '../../../../src/commands/refused.ts';
import { byChance } from '../../../../src/credentials/making.ts';
import { eventStream } from '../../../support/event-stream.ts';
import { assert, suite } from '../../../support/suite.ts';
import { type Running, running, strongPassword } from '../running-service.ts';

const test = suite<{ gatebook: Running }>('http: a caller who is revoked meanwhile');
test.before(async (world) => {
  world.gatebook = await running({ GATEBOOK_SOURCE_ATTEMPTS_PER_MINUTE: '0' });
});
test.after(({ gatebook }) => gatebook.stop());

let names = 0;
const newName = (kind: string) => `${kind}-${++names}`;

/** A POST whose last byte is held back until `meanwhile` is done; the answer's status and code. */
async function heldBack(
  { world }: Running,
  options: { method?: string; path: string; token: string; body: object },
  meanwhile: () => Promise<unknown>,
) {
  const { hostname, port } = new URL(world.url);
  const text = JSON.stringify(options.body);
  const socket = connect(Number(port), hostname);
  let got = '';
  socket.on('data', (chunk) => {
    got += chunk;
  });
  await once(socket, 'connect');
  socket.write(
    [
      `${options.method ?? 'POST'} ${options.path} HTTP/1.1`,
      `Host: ${hostname}:${port}`,
      `Authorization: Bearer ${options.token}`,
      'Content-Type: application/json',
      `Content-Length: ${Buffer.byteLength(text)}`,
      'Connection: close',
      `\r\n${text.slice(0, -1)}`,
    ].join('\r\n'),
  );
  await sleep(50);
  await meanwhile();
  socket.write(text.slice(-1));
  await once(socket, 'close');
  return {
    status: Number(got.split(' ')[1]),
    code: /"code":"([a-z-]+)"/.exec(got)?.[1],
  };
}

const eventsBy = async ({ must }: Running, actor: string): Promise<string[]> =>
  (await must(200, 'GET', `/api/audit/events?actor=${actor}&limit=1000`)).body.items.map(
    ({ type }: { type: string }) => type,
  );

const administrator = { roles: ['administrator'] };

for (const [change, status, code] of [
  ['revoke', 401, 'token-invalid'],
  ['suspend', 401, 'token-invalid'],
  ['authorization', 403, 'permission-missing'],
] as const)
  test(`a body that ends after ${change} makes nobody`, async ({ gatebook }) => {
    const mallory = newName('mallory');
    const token = await gatebook.signedIn(mallory, administrator);
    const username = newName('made');
    const got = await heldBack(
      gatebook,
      { path: '/api/users', token, body: { username, roles: ['administrator'] } },
      () =>
        change === 'authorization'
          ? gatebook.must(200, 'PUT', `/api/users/${mallory}/authorization`, {})
          : gatebook.must(200, 'POST', `/api/users/${mallory}/${change}`),
    );
    assert.equal([got.status, got.code], [status, code]);
    await gatebook.must(404, 'GET', `/api/users/${username}`);
    assert.equal(
      (await eventsBy(gatebook, mallory)).filter((type) => type !== 'TokenIssued'),
      [],
    );
  });

test('a body is not acted on either where nothing is decided', async ({ gatebook }) => {
  const mallory = newName('mallory');
  const token = await gatebook.signedIn(mallory, administrator);
  const path = '/api/brokers/embedded/reconcile';
  const got = await heldBack(gatebook, { path, token, body: { repair: true } }, () =>
    gatebook.must(200, 'POST', `/api/users/${mallory}/revoke`),
  );
  assert.equal([got.status, got.code], [401, 'token-invalid']);
});

test('the rights that a decision is made on are those of its moment', async ({ gatebook }) => {
  const helper = newName('helper');
  const users = { context: 'http', resource: '/api/users', operation: 'readWrite' };
  const roles = { context: 'http', resource: '/api/roles/#', operation: 'readWrite' };
  const token = await gatebook.signedIn(helper, { permissions: [users, roles] });
  const username = newName('made');
  const got = await heldBack(
    gatebook,
    { path: '/api/users', token, body: { username, permissions: [roles] } },
    () => gatebook.must(200, 'PUT', `/api/users/${helper}/authorization`, { permissions: [users] }),
  );
  assert.equal([got.status, got.code], [403, 'rights-exceed-own']);
});

/** A context whose caller loses access before its decision number `from`. */
async function contextUntil({ world, admin }: Running, from: number) {
  const caller = await world.running.app.authority.caller(admin);
  assert.ok(caller);
  let decisions = 0;
  return {
    ...{ caller, source: null, cause: newCause(), making: byChance },
    authorize() {
      if (++decisions >= from) throw new Refused('token-invalid');
      return caller;
    },
  };
}

const requestsOf = async (gatebook: Running, count: number): Promise<string[]> => {
  await gatebook.must(200, 'POST', '/api/client-registry/unlock', { maxRequests: 10_000 });
  const ids: string[] = [];
  for (let at = 0; at < count; at++) {
    const { body } = await gatebook.call('POST', '/api/client-registry/register', {
      body: { username: newName('device'), password: strongPassword() },
    });
    ids.push(body.requestId);
  }
  return ids;
};

// A grant asks twice: whether it may be made, and whether its rights may be given.
for (const [way, from] of [
  ['grantAll', 13],
  ['denyAll', 7],
] as const)
  test(`${way} asks again before each of its items`, async ({ gatebook }) => {
    const { administration, views } = gatebook.world.running.app;
    const ids = await requestsOf(gatebook, 10);
    const { results } = await administration[way](await contextUntil(gatebook, from), ids, {});
    const statuses = await Promise.all(
      ids.map(async (id) => (await views.request(id, false))?.status),
    );
    assert.is(statuses.filter((status) => status === 'pending').length, 4);
    const refused = results.filter((result) => 'error' in result);
    assert.is(refused.length, 4);
    for (const { error } of refused as { error: Refused }[]) assert.is(error.code, 'token-invalid');
  });

test('every kind of decision asks at its moment', async ({ gatebook }) => {
  const { administration } = gatebook.world.running.app;
  const [requestId = ''] = await requestsOf(gatebook, 1);
  const [active, suspended, revoked] = [newName('a'), newName('s'), newName('r')];
  for (const username of [active, suspended, revoked])
    await gatebook.must(201, 'POST', '/api/users', { username, password: strongPassword() });
  await gatebook.must(200, 'POST', `/api/users/${suspended}/suspend`);
  await gatebook.must(200, 'POST', `/api/users/${revoked}/revoke`);
  const role = newName('role');
  await gatebook.must(201, 'PUT', `/api/roles/${role}`, { permissions: [] });
  const issued = await gatebook.must(201, 'POST', '/api/tokens', { label: 'x' });
  const by = await contextUntil(gatebook, 1);
  const decisions = {
    unlock: () => administration.unlock(by, {}),
    lock: () => administration.lock(by),
    grant: () => administration.grant(by, requestId, {}),
    deny: () => administration.deny(by, requestId, {}),
    createUser: () =>
      administration.createUser(by, { username: newName('x'), password: 'long enough' }),
    rotate: () => administration.rotate(by, active, { password: 'long enough' }),
    setAuthorization: () => administration.setAuthorization(by, active, {}, 'y'),
    suspend: () => administration.suspend(by, active, null),
    resume: () => administration.resume(by, suspended, null),
    revoke: () => administration.revoke(by, active, null),
    reinstate: () => administration.reinstate(by, revoked, null),
    erase: () => administration.erase(by, active, null),
    putRole: () => administration.putRole(by, role, { permissions: [], description: 'y' }),
    removeRole: () => administration.removeRole(by, role),
    issueToken: () => administration.issueToken(by, { label: 'y' }),
    revokeToken: () => administration.revokeToken(by, issued.body.tokenId),
  };
  const before = (await gatebook.must(200, 'GET', '/api/audit/events?limit=1')).body.items[0].index;
  for (const [name, decide] of Object.entries(decisions)) {
    const error = await (decide() as Promise<unknown>).then(
      () => undefined,
      (reason: unknown) => reason,
    );
    assert.is((error as Refused | undefined)?.code, 'token-invalid', name);
  }
  const after = (await gatebook.must(200, 'GET', '/api/audit/events?limit=1')).body.items[0].index;
  assert.is(after, before, 'nothing was recorded');
});

/** What a streaming route gives a caller who loses it once the first portion was read. */
async function portionsUntilRevoked(gatebook: Running, operationId: string, more: object) {
  const route = gatebook.routes.find((one) => one.operationId === operationId);
  assert.ok(route);
  const caller = await gatebook.world.running.app.authority.caller(gatebook.admin);
  let isRevoked = false;
  const { body } = (await route.handle({
    ...{ query: {}, caller, signal: new AbortController().signal, ...more },
    seesPersonalData: () => true,
    authorize() {
      if (isRevoked) throw new Refused('token-invalid');
      return caller;
    },
  } as never)) as { body: Readable };
  assert.instance(body, Readable);
  const portions: string[] = [];
  let error: unknown;
  try {
    for await (const portion of body) {
      portions.push(String(portion));
      isRevoked = true;
    }
  } catch (thrown) {
    error = thrown;
  }
  return { portions, error };
}

test('an export ends at its next portion', async ({ gatebook }) => {
  const { audit } = gatebook.world.running.app;
  const { exportFrom } = audit;
  try {
    Object.assign(audit, {
      async *exportFrom() {
        for (let portion = 0; portion < 10; portion++) yield Buffer.from(`${portion}\n`);
      },
    });
    const { portions, error } = await portionsUntilRevoked(gatebook, 'exportEvents', {});
    assert.is((error as Refused | undefined)?.code, 'token-invalid');
    assert.ok(portions.length <= 2, `${portions.length}: what was read ahead, and no more`);
  } finally {
    Object.assign(audit, { exportFrom });
  }
});

test('a stream of events ends in the middle of what waits for its reader', async ({ gatebook }) => {
  const { items } = (await gatebook.must(200, 'GET', '/api/audit/events?limit=1')).body;
  for (let made = 0; made < 20; made++)
    await gatebook.must(201, 'POST', '/api/users', { username: newName('told') });
  const { portions, error } = await portionsUntilRevoked(gatebook, 'followEvents', {
    lastEventId: items[0].position,
  });
  assert.is(error, undefined);
  const told = portions.filter((portion) => portion.includes('event:')).length;
  assert.ok(told <= 2, `${told} of 20`);
});

test('an answer that is waited for is told to nobody who may have it no more', async ({
  gatebook,
}) => {
  const { world } = gatebook;
  const reader = newName('reader');
  const token = await gatebook.signedIn(reader, administrator);
  const stream = await eventStream(`${world.url}/api/events`, { Authorization: `Bearer ${token}` });
  const { app } = world.running;
  const whatIf = app.audit.whatIf;
  try {
    Object.assign(app.audit, {
      async whatIf(...asked: Parameters<typeof whatIf>) {
        await gatebook.must(200, 'POST', `/api/users/${reader}/revoke`);
        return await whatIf(...asked);
      },
    });
    const got = await gatebook.call('GET', '/api/audit/what-if?rule=limits', { token });
    assert.equal([got.status, got.code], [401, 'token-invalid']);
  } finally {
    Object.assign(app.audit, { whatIf });
  }
  await stream.ended();
});

test.run();
