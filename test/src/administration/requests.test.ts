/** Requests granted and denied: again, at once, too late and in bulk. */
import { setTimeout as sleep } from 'node:timers/promises';
import { strong } from '../../support/door.ts';
import { knockAt } from '../../support/door-at-mqtt.ts';
import { doorSuite } from '../../support/door-suite.ts';
import { assert } from '../../support/suite.ts';
import { missingId } from './sample-rights.ts';

const test = doorSuite('administration: requests', { limits: { maxRequests: 10_000 } });

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
  for (const device of some.slice(0, 5)) assert.is(await knockAt(world, device), 0);
  const tooMany = await world.call('POST', path, { body: { ids: [...ids, missingId] } });
  assert.equal([tooMany.status, tooMany.body.errors[0].pointer], [400, '#/ids']);
});

test.run();
