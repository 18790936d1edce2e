/** Row 4 of the doors: who is let in, kept out or may ask by a rule that was made beforehand. */
import { setTimeout as sleep } from 'node:timers/promises';
import { readCsr } from '../../../src/credentials/certificates/csr.ts';
import { newCsr } from '../../support/csr.ts';
import { type Door, doorOf, newName, registerPath, strong } from '../../support/door.ts';
import { doorSuite } from '../../support/door-suite.ts';
import { connected } from '../../support/mqtt-peers.ts';
import { startRegistry, type World } from '../../support/service.ts';
import { assert } from '../../support/suite.ts';

const base = '/api/client-registry/preauthorizations';
const until = '2999-01-01T00:00:00.000Z';
const plant = { context: 'mqtt', resource: 'plant/#', operation: 'readWrite' };

const test = doorSuite('preauthorizations at the doors');

const rule = async (door: Door, body: object) =>
  (await door.must(201, 'POST', base, { body: { until, ...body } })).body;
const useCount = async (door: Door, { preauthorizationId }: { preauthorizationId: string }) =>
  (await door.must(200, 'GET', `${base}/${preauthorizationId}`)).body.useCount;

/** A rule that ends as soon as one can that the service still takes for one of the future. */
async function endedRule({ call }: World) {
  for (let forMs = 150; ; forMs *= 2) {
    const ends = Date.now() + forMs;
    const body = { enrolmentCode: true, until: new Date(ends).toISOString() };
    const answer = await call('POST', base, { body });
    if (answer.status === 400 && Date.now() >= ends) continue;
    assert.is(answer.status, 201, JSON.stringify(answer.body));
    while (Date.now() <= ends) await sleep(10);
    return answer.body;
  }
}

async function lockedRule(door: Door, body: object = {}) {
  const made = await rule(door, { enrolmentCode: true, permissions: [plant], ...body });
  await door.lock();
  return made;
}

const connects = async (world: World, username: string, password: string) => {
  const client = await connected(world.mqtt.port, { clientId: newName('c'), username, password });
  client.end();
  return client.code;
};

test('a code lets a free name in while locked, once, with the rights of its rule', async ({
  door,
  world,
}) => {
  const made = await lockedRule(door);
  const { enrolmentCode } = made;
  assert.match(enrolmentCode, /^gbe_[\w-]{43}$/);
  const [username, password] = [newName(), strong()];
  assert.is((await door.ask(username, password)).status, 423);
  const { status, body } = await door.ask(username, password, { enrolmentCode });
  assert.is(status, 201, JSON.stringify(body));
  assert.equal(body.permissions, [plant]);
  assert.is(await connects(world, username, password), 0);
  // Later polls, with the code or without, take no further use.
  assert.is((await door.ask(username, password, { enrolmentCode })).status, 201);
  assert.is((await door.ask(username, password)).status, 201);
  assert.is(await useCount(door, made), 1);
  assert.is((await door.ask(newName(), strong(), { enrolmentCode })).status, 423);
  assert.equal(await door.types(username), [
    'PreauthorizationUsed',
    'RegistrationRequested',
    'RegistrationGranted',
    'CredentialActivated',
  ]);
  const [request] = await door.requestsOf(username);
  assert.is(request.decision.preauthorizationId, made.preauthorizationId);
  assert.equal(
    [request.status, request.windowId, request.decision.by],
    ['granted', null, 'gatebook'],
  );
});

test('a wrong code is told like a locked gate, in an open window too', async ({ door }) => {
  await lockedRule(door);
  const locked = await door.ask(newName(), strong());
  for (const enrolmentCode of [`gbe_${'A'.repeat(43)}`, 'no code', '', 'gbe_'])
    assert.equal(
      (await door.ask(newName(), 'a slow password', { enrolmentCode })).body,
      locked.body,
      enrolmentCode,
    );
  await door.unlock();
  const wrong = { enrolmentCode: `gbe_${'B'.repeat(43)}` };
  assert.is((await door.ask(newName(), 'a slow password', wrong)).status, 423);
});

test('a code that is typed in groups or lines, or pasted with what is around it, is the code', async ({
  door,
}) => {
  const made = await lockedRule(door, { maxUses: 2 });
  const code: string = made.enrolmentCode;
  const groups = code.match(/.{1,5}/g) ?? [];
  const told = async (enrolmentCode: string) =>
    (await door.ask(newName(), strong(), { enrolmentCode })).status;
  assert.is(
    await told(` \t${groups.slice(0, 5).join(' ')}\r\n${groups.slice(5).join('\u00a0')}\n`),
    201,
  );
  // A dash may belong to a code, so one too many makes another of it; so do letters of another case.
  for (const other of [groups.join('-'), code.toUpperCase(), `${code} ${code}`])
    assert.is(await told(other), 423, other);
  assert.is(await told(code), 201);
});

test('at MQTT nothing is left out of the string: with white space in front it is no code', async ({
  door,
  world,
}) => {
  const { enrolmentCode } = await lockedRule(door);
  const username = newName();
  const typed = `${enrolmentCode.slice(0, 9)} ${enrolmentCode.slice(9)}`;
  for (const wrong of [` ${enrolmentCode}`, typed])
    assert.is(await connects(world, username, `${wrong}:own secret`), 5, wrong);
  assert.is(await connects(world, username, `${enrolmentCode}:own secret `), 0);
  assert.is(await connects(world, username, `${enrolmentCode}:own secret`), 5);
});

test('name, source and pairing ID narrow a rule, all of them', async ({ door }) => {
  const made = await lockedRule(door, {
    ...{ usernamePattern: 'oven-*', sources: ['10.1.0.0/16'], pairingId: 'a1b2c3', maxUses: 5 },
  });
  const { enrolmentCode } = made;
  const ask = async (username: string, source: string, pairingId?: string) =>
    (await door.ask(username, strong(), { enrolmentCode, source, pairingId })).status;
  assert.is(await ask(newName('press'), '10.1.2.3', 'a1b2c3'), 423);
  assert.is(await ask(newName('oven'), '10.2.2.3', 'a1b2c3'), 423);
  assert.is(await ask(newName('oven'), '10.1.2.3', 'a1b2c4'), 423);
  assert.is(await ask(newName('oven'), '10.1.2.3'), 423);
  assert.is(await ask(newName('oven'), '10.1.2.3', 'a1b2c3'), 201);
  assert.is(await useCount(door, made), 1);
});

test('a rule without a proof works through an open window alone', async ({ door }) => {
  const name = newName();
  await rule(door, { usernamePattern: name });
  await door.lock();
  const password = strong();
  assert.is((await door.ask(name, password)).status, 423);
  await door.unlock({ usernamePattern: 'nobody-*' });
  assert.is((await door.ask(name, password)).status, 423);
  await door.unlock();
  assert.is((await door.ask(name, password)).status, 201);
});

test('the fingerprint of a key admits that key alone, never a password that came along', async ({
  door,
  world,
}) => {
  const username = newName();
  const { csr } = newCsr(username);
  const { key } = readCsr(csr, username);
  await rule(door, { csrFingerprint: key?.fingerprint.toUpperCase(), permissions: [plant] });
  await door.lock();
  const thief = strong();
  assert.is((await door.ask(username, thief)).status, 423);
  assert.is((await door.ask(username, thief, { csr: newCsr(username).csr })).status, 423);
  const { status, body } = await door.ask(username, thief, { csr });
  assert.is(status, 201);
  // What anybody who saw the CSR may know.
  assert.equal([body.permissions, body.effectivePermissions], [[], []]);
  assert.match(body.certificate, /BEGIN CERTIFICATE/);
  assert.is(await connects(world, username, thief), 5);
  const again = await door.ask(username, thief, { csr });
  assert.equal([again.status, again.body.permissions], [201, []]);
  assert.is((await door.ask(username, thief)).status, 423);
  const keyOnly = { username, csr };
  const told = await world.call('POST', registerPath, { token: null, body: keyOnly });
  assert.is(told.body.certificate, body.certificate);
});

test('at MQTT the whole string is the password, and the code part proves', async ({
  door,
  world,
}) => {
  const { enrolmentCode } = await lockedRule(door);
  const username = newName();
  assert.is(await connects(world, username, enrolmentCode), 5);
  assert.is(await connects(world, username, `${enrolmentCode}:abc`), 5);
  const password = `${enrolmentCode}:own secret`;
  assert.is(await connects(world, username, password), 0);
  assert.is(await connects(world, username, password), 0);
  assert.is(await connects(world, username, 'own secret'), 5);
  assert.is((await door.ask(username, password)).status, 201);
});

test('only free names are reached: who was denied, has expired or is held asks a person', async ({
  door,
}) => {
  const denied = await door.pending();
  await door.deny(denied.requestId);
  const revoked = await door.active();
  await door.change(revoked.username, 'revoke');
  const active = await door.active();
  const made = await lockedRule(door, { maxUses: 100 });
  const { enrolmentCode } = made;
  for (const { username } of [denied, revoked, active])
    assert.is((await door.ask(username, strong(), { enrolmentCode })).status, 423, username);
  assert.is(await useCount(door, made), 0);
  await door.change(revoked.username, 'reinstate');
  assert.is((await door.ask(revoked.username, strong(), { enrolmentCode })).status, 201);
});

test('a reinstated name takes a use of its own, though its credential is the same', async ({
  door,
}) => {
  const made = await lockedRule(door);
  const { enrolmentCode } = made;
  const [username, password] = [newName(), strong()];
  assert.is((await door.ask(username, password, { enrolmentCode })).status, 201);
  await door.change(username, 'revoke');
  await door.change(username, 'reinstate');
  assert.is((await door.ask(username, password, { enrolmentCode })).status, 423);
});

test('a deny rule is a window that does not admit', async ({ door }) => {
  const name = newName('evil');
  await rule(door, { effect: 'deny', usernamePattern: 'evil-*' });
  const { enrolmentCode } = await rule(door, { enrolmentCode: true });
  const refused = await door.ask(name, strong());
  await door.lock();
  assert.equal(refused.body, (await door.ask(newName(), strong())).body);
  assert.is((await door.ask(name, strong(), { enrolmentCode })).status, 423);
});

test('effect ask lets a proof ask while locked, for a person to decide', async ({ door }) => {
  const made = await rule(door, { effect: 'ask', enrolmentCode: true });
  await door.lock();
  const { enrolmentCode } = made;
  const [username, password] = [newName(), strong()];
  const asked = await door.ask(username, password, { enrolmentCode });
  assert.is(asked.status, 202);
  assert.is((await door.ask(username, password, { enrolmentCode })).status, 202);
  assert.is(await useCount(door, made), 1);
  await door.grant(asked.body.requestId);
  assert.is((await door.ask(username, password)).status, 201);
  assert.is((await door.ask(newName(), strong(), { enrolmentCode })).status, 423);
});

test('a rule never gives HTTP rights, also where its role has grown since', async ({ door }) => {
  const role = newName('role');
  await door.must(201, 'PUT', `/api/roles/${role}`, { body: { permissions: [plant] } });
  const { enrolmentCode } = await lockedRule(door, { roles: [role], permissions: [] });
  assert.is((await door.must(409, 'DELETE', `/api/roles/${role}`)).body.code, 'role-in-use');
  const http = { context: 'http', resource: '/api/users', operation: 'read' };
  await door.must(200, 'PUT', `/api/roles/${role}`, { body: { permissions: [plant, http] } });
  const [username, password] = [newName(), strong()];
  assert.is((await door.ask(username, password, { enrolmentCode })).status, 423);
  await door.must(200, 'PUT', `/api/roles/${role}`, { body: { permissions: [plant] } });
  assert.is((await door.ask(username, password, { enrolmentCode })).status, 201);
});

test('withdrawn, used up and ended rules open nothing, and stay in the history', async ({
  door,
  world,
}) => {
  const withdrawn = await lockedRule(door);
  await door.must(204, 'DELETE', `${base}/${withdrawn.preauthorizationId}`);
  await door.must(204, 'DELETE', `${base}/${withdrawn.preauthorizationId}`);
  const ended = await endedRule(world);
  for (const { enrolmentCode } of [withdrawn, ended])
    assert.is((await door.ask(newName(), strong(), { enrolmentCode })).status, 423);
  const statusOf = async ({ preauthorizationId }: { preauthorizationId: string }) =>
    (await door.must(200, 'GET', `${base}/${preauthorizationId}`)).body.status;
  assert.equal([await statusOf(withdrawn), await statusOf(ended)], ['withdrawn', 'ended']);
  const listed = async (status: string) =>
    (await door.must(200, 'GET', `${base}?status=${status}`)).body.items.map(
      ({ preauthorizationId }: { preauthorizationId: string }) => preauthorizationId,
    );
  assert.ok((await listed('withdrawn')).includes(withdrawn.preauthorizationId));
  assert.ok((await listed('ended')).includes(ended.preauthorizationId));
  assert.not.ok((await listed('active')).includes(ended.preauthorizationId));
});

test('many at once, one use: one is let in', async ({ door }) => {
  const made = await lockedRule(door);
  const { enrolmentCode } = made;
  const answers = await Promise.all(
    Array.from({ length: 16 }, () => door.ask(newName(), strong(), { enrolmentCode })),
  );
  assert.is(answers.filter(({ status }) => status === 201).length, 1);
  assert.is(answers.filter(({ status }) => status === 423).length, 15);
  assert.is(await useCount(door, made), 1);
});

test('no secret of a code reaches the history', async ({ door, world }) => {
  const { enrolmentCode } = await lockedRule(door);
  await door.ask(newName(), strong(), { enrolmentCode });
  const text = JSON.stringify(await door.events()) + world.lines.join('\n');
  assert.not.ok(text.includes(enrolmentCode));
  assert.not.ok(text.includes(enrolmentCode.slice(4)));
});

test('what contradicts itself is 400, field by field', async ({ world }) => {
  const faults = async (body: object) => {
    const answer = await world.call('POST', base, { body: { until, ...body } });
    assert.is(answer.status, 400, JSON.stringify(answer.body));
    return answer.body.errors.map(({ pointer }: { pointer: string }) => pointer).sort();
  };
  assert.equal(await faults({ until: '2001-01-01T00:00:00Z' }), ['#/until']);
  assert.equal(await faults({ until: undefined }), ['#/until']);
  assert.equal(await faults({ effect: 'deny', roles: ['a'], maxUses: 2, enrolmentCode: true }), [
    '#/enrolmentCode',
    '#/maxUses',
    '#/roles',
  ]);
  assert.equal(await faults({ effect: 'ask', permissions: [plant] }), ['#/permissions']);
  for (const usernamePattern of ['a b', '-x', 'ab', 'x'.repeat(129)])
    assert.equal(await faults({ usernamePattern }), ['#/usernamePattern']);
  assert.equal(await faults({ sources: ['10.0.0.1'], csrFingerprint: 'xyz', pairingId: 'q' }), [
    '#/csrFingerprint',
    '#/pairingId',
    '#/sources/0',
  ]);
  const http = { context: 'http', resource: '/api/#', operation: 'read' };
  for (const body of [{ permissions: [http] }, { roles: ['auditor'] }]) {
    const answer = await world.call('POST', base, { body: { until, ...body } });
    assert.equal([answer.status, answer.body.code], [403, 'rights-exceed-own']);
  }
});

test('a wrong code costs no slow hash, and counts for the throttle', async () => {
  const environment = { GATEBOOK_SOURCE_ATTEMPTS_PER_MINUTE: '60' };
  const world = await startRegistry(environment, { waitingMax: 1, concurrency: 1 });
  try {
    const door = doorOf(world);
    const many = async (count: number, more: object) =>
      (
        await Promise.all(
          Array.from({ length: count }, () => door.ask(newName(), 'a slow password', { ...more })),
        )
      ).map(({ status }) => status);
    const wrong = { enrolmentCode: `gbe_${'A'.repeat(43)}` };
    assert.equal(new Set(await many(20, wrong)), new Set([423]));
    // The queue holds one: it would have been full.
    assert.ok((await many(30, {})).includes(503));
    // Far more than come back in the time that this takes.
    assert.equal(new Set(await many(150, wrong)), new Set([423, 429]));
  } finally {
    await world.stop();
  }
});

test.run();
