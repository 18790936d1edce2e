/** Clients that move in: with the verifiers of another broker, until they show their passwords. */
import { createHash, pbkdf2Sync, randomBytes } from 'node:crypto';
import { foreignIterationsMax } from '../../../../domain/client/foreign-hash.ts';
import { doorOf } from '../../../support/door.ts';
import { connected } from '../../../support/mqtt-peers.ts';
import { assert, suite } from '../../../support/suite.ts';
import { secretsKept, sweepInDays } from '../../../support/vault-look.ts';
import { type Running, running, strongPassword } from '../running-service.ts';

const route = '/api/users/import';

const plain = (bytes: Buffer) => bytes.toString('base64').replaceAll('=', '');

const pbkdf2Verifier = (password: string, iterations = 101): string => {
  const salt = randomBytes(12);
  const hash = pbkdf2Sync(password, salt, iterations, 64, 'sha512');
  return `$pbkdf2-sha512$i=${iterations},l=64$${plain(salt)}$${plain(hash)}`;
};
const digestVerifier = (password: string): string => {
  const salt = randomBytes(12);
  const hash = createHash('sha512').update(password).update(salt).digest();
  return `$mosquitto-sha512$${plain(salt)}$${plain(hash)}`;
};

const test = suite<{ gatebook: Running }>('http users import');
test.before(async (world) => {
  world.gatebook = await running();
});
test.after(({ gatebook }) => gatebook.stop());

let names = 0;
const newName = () => `moved-${++names}`;
const topic = { context: 'mqtt', resource: 'plant/#', operation: 'readWrite' };

const importing = async ({ must }: Running, ...users: object[]) =>
  (await must(200, 'POST', route, { users })).body;
const login = ({ call }: Running, username: string, password: string) =>
  call('POST', '/api/login', { body: { username, password } });
/** How many have not shown their password yet. */
const waitingCount = async ({ world }: Running): Promise<number> => {
  const { body } = await world.call('GET', '/metrics', { token: null });
  return Number(/^gatebook_foreign_verifiers (\d+)$/m.exec(body)?.[1]);
};
const replaced = async (gatebook: Running, left: number) => {
  while ((await waitingCount(gatebook)) !== left) await new Promise((next) => setImmediate(next));
};
const connectCode = async ({ world }: Running, username: string, password: string) => {
  const client = await connected(world.mqtt.port, { username, password });
  client.end();
  return client.connack.returnCode;
};

for (const [kind, password] of [
  ['weak', 'tr0ub4dor & three'],
  ['strong', strongPassword()],
] as const)
  for (const [how, verifier] of [
    ['PBKDF2', pbkdf2Verifier(password)],
    ['PBKDF2 of more rounds', pbkdf2Verifier(password, 1_000)],
    ['SHA-512', digestVerifier(password)],
  ] as const)
    test(`a ${kind} password of ${how} opens, and then has a verifier of ours`, async ({
      gatebook,
    }) => {
      const username = newName();
      const made = await importing(gatebook, { username, verifier, permissions: [topic] });
      assert.equal(made, { created: 1, failed: 0, items: [{ username }] });
      assert.is(await waitingCount(gatebook), 1);
      assert.is(await connectCode(gatebook, username, `${password}!`), 5);
      assert.is(await waitingCount(gatebook), 1);
      assert.is(await connectCode(gatebook, username, password), 0);
      await replaced(gatebook, 0);
      assert.is(await connectCode(gatebook, username, password), 0);
      assert.is(await connectCode(gatebook, username, `${password}!`), 5);
      assert.is((await login(gatebook, username, password)).status, 200);
      const user = await gatebook.must(200, 'GET', `/api/users/${username}`);
      assert.equal(user.body.permissions, [topic]);
    });

test('a sign-in replaces it as well; the restart knows who is left', async ({ gatebook }) => {
  const [one, other] = [newName(), newName()];
  await importing(
    gatebook,
    { username: one, verifier: pbkdf2Verifier('first password') },
    { username: other, verifier: digestVerifier('other password') },
  );
  assert.is((await login(gatebook, one, 'other password')).status, 401);
  assert.is((await login(gatebook, one, 'first password')).status, 200);
  await replaced(gatebook, 1);
  await gatebook.world.restart();
  assert.is(await waitingCount(gatebook), 1);
  assert.is((await login(gatebook, one, 'first password')).status, 200);
  assert.is((await login(gatebook, other, 'other password')).status, 200);
  await replaced(gatebook, 0);
});

test('a password known in plain text, and none at all', async ({ gatebook }) => {
  const [given, none] = [newName(), newName()];
  const { created } = await importing(
    gatebook,
    { username: given, password: 'in plain text' },
    { username: none, permissions: [topic] },
  );
  assert.is(created, 2);
  assert.is(await connectCode(gatebook, given, 'in plain text'), 0);
  assert.is((await gatebook.must(200, 'GET', `/api/users/${none}`)).body.status, 'active');
  const rotated = await gatebook.must(200, 'POST', `/api/users/${none}/rotate`);
  assert.is(await connectCode(gatebook, none, rotated.body.password), 0);
});

test('what ends a client ends what it moved in with', async ({ gatebook }) => {
  const ways = ['revoke', 'erase', 'rotate'] as const;
  const users = ways.map((way) => ({
    ...{ username: newName(), way, verifier: pbkdf2Verifier('the same password') },
  }));
  await importing(gatebook, ...users.map(({ way: _way, ...user }) => user));
  for (const { username, way } of users) {
    await gatebook.must(200, 'POST', `/api/users/${username}/${way}`);
    assert.is(await connectCode(gatebook, username, 'the same password'), 5, way);
  }
  assert.is(await waitingCount(gatebook), 0);
  const suspended = newName();
  await importing(gatebook, { username: suspended, verifier: pbkdf2Verifier('suspended one') });
  await gatebook.must(200, 'POST', `/api/users/${suspended}/suspend`);
  assert.is(await connectCode(gatebook, suspended, 'suspended one'), 5);
  await gatebook.must(200, 'POST', `/api/users/${suspended}/resume`);
  assert.is(await connectCode(gatebook, suspended, 'suspended one'), 0);
  await replaced(gatebook, 0);
});

test('names that somebody held are left alone, and so is what they moved in with', async ({
  gatebook,
}) => {
  const [held, revoked, denied, free] = [newName(), newName(), newName(), newName()];
  const door = doorOf(gatebook.world);
  await door.unlock();
  const { requestId } = await door.pending(denied, strongPassword());
  await door.deny(requestId);
  await door.lock();
  await importing(gatebook, { username: held, verifier: pbkdf2Verifier('the first one') });
  await gatebook.must(201, 'POST', '/api/users', { username: revoked });
  await gatebook.must(200, 'POST', `/api/users/${revoked}/revoke`);
  const again = await importing(
    gatebook,
    ...[held, revoked, denied, 'admin', free].map((username) => ({
      ...{ username, verifier: pbkdf2Verifier('another one') },
    })),
  );
  assert.equal([again.created, again.failed], [1, 4]);
  assert.equal(
    again.items.map(({ problem }: { problem?: { code: string } }) => problem?.code),
    [...Array(4).fill('username-taken'), undefined],
  );
  assert.is((await login(gatebook, held, 'another one')).status, 401);
  assert.is((await login(gatebook, held, 'the first one')).status, 200);
});

test('of a name that stands there twice the first place counts', async ({ gatebook }) => {
  const [weak, refused] = [newName(), newName()];
  const [first, second] = ['weak and slow to hash', strongPassword()];
  const made = await importing(
    gatebook,
    { username: weak, password: first, permissions: [topic] },
    { username: weak, password: second },
    { username: refused, roles: ['no-such-role'] },
    { username: refused, password: second },
  );
  assert.equal(
    made.items.map(({ problem }: { problem?: { code: string } }) => problem?.code),
    [undefined, 'username-taken', 'role-not-found', 'username-taken'],
  );
  assert.equal((await gatebook.must(200, 'GET', `/api/users/${weak}`)).body.permissions, [topic]);
  assert.is((await login(gatebook, weak, second)).status, 401);
  assert.is((await login(gatebook, weak, first)).status, 200);
});

test('HTTP rights, unknown roles and faults are named; nobody else may', async ({ gatebook }) => {
  const http = { context: 'http', resource: '/api/#', operation: 'read' };
  const items = (
    await importing(
      gatebook,
      { username: newName(), permissions: [http] },
      { username: newName(), roles: ['administrator'] },
      { username: newName(), roles: ['no-such-role'] },
    )
  ).items as { problem: { code: string } }[];
  assert.equal(
    items.map(({ problem }) => problem.code),
    ['rights-exceed-own', 'rights-exceed-own', 'role-not-found'],
  );
  const verifiers = [
    pbkdf2Verifier('too many rounds', foreignIterationsMax + 1),
    '$argon2id$v=19$m=47104,t=1,p=1$c2FsdA$aGFzaA',
    `${pbkdf2Verifier('cut')}=`,
    pbkdf2Verifier('short').slice(0, -1),
  ];
  const bad = await gatebook.must(400, 'POST', route, {
    users: [
      ...verifiers.map((verifier) => ({ username: newName(), verifier })),
      { username: newName(), password: 'both of them', verifier: pbkdf2Verifier('x') },
      { username: newName(), password: '1234' },
      { username: 'a b', verifier: '' },
    ],
  });
  assert.equal(
    [...bad.places].sort(),
    [
      ...[0, 1, 2, 3, 4, 6].map((at) => `#/users/${at}/verifier`),
      ...['#/users/5/password', '#/users/6/username'],
    ].sort(),
  );
  assert.is((await gatebook.must(400, 'POST', route, { users: [] })).code, 'request-malformed');
  assert.is((await gatebook.call('POST', route, { body: { users: [] } })).code, 'token-missing');
  const token = await gatebook.signedIn(newName());
  const body = { users: [{ username: newName() }] };
  assert.is((await gatebook.call('POST', route, { token, body })).code, 'permission-missing');
});

test('no verifier and no password is in the log, and the vault keeps only ours', async () => {
  const gatebook = await running({ GATEBOOK_MQTT_PORT: 'off' });
  try {
    const [shown, waiting, rotated, erased] = [newName(), newName(), newName(), newName()];
    const verifiers = [pbkdf2Verifier('shown once'), pbkdf2Verifier('never shown')];
    await importing(
      gatebook,
      { username: shown, verifier: verifiers[0] },
      { username: waiting, verifier: verifiers[1] },
      { username: rotated, verifier: pbkdf2Verifier('never shown') },
      { username: erased, verifier: pbkdf2Verifier('never shown') },
    );
    await gatebook.must(200, 'POST', `/api/users/${rotated}/rotate`);
    await gatebook.must(200, 'POST', `/api/users/${erased}/erase`);
    assert.is((await login(gatebook, shown, 'shown once')).status, 200);
    await replaced(gatebook, 1);
    const log = await gatebook.call('GET', '/api/audit/export', { token: gatebook.admin });
    for (const verifier of verifiers)
      assert.not(
        [log.text, ...gatebook.world.lines].some((text) => text.includes(verifier.slice(-40))),
      );
    await gatebook.world.running.stop();
    // Before the sweep: what is replaced is destroyed at once.
    assert.equal((await secretsKept(gatebook.world)).get(rotated), ['verifier']);
    // Neither is an orphan: the one that stands for its credential is named by its event.
    await sweepInDays(gatebook.world, 2);
    const kept = await secretsKept(gatebook.world);
    assert.equal(
      [shown, waiting, rotated, erased].map((name) => kept.get(name)),
      [['verifier'], ['verifier'], ['verifier'], undefined],
    );
  } finally {
    await gatebook.stop();
  }
});

test('where several people decide, it waits for them, with its verifiers in the vault', async () => {
  const gatebook = await running({ GATEBOOK_MQTT_PORT: 'off' });
  try {
    const { world } = gatebook;
    const [second, password] = ['second', strongPassword()];
    const roles = ['administrator'];
    await gatebook.must(201, 'POST', '/api/users', { username: second, password, roles });
    await world.restart({ GATEBOOK_MQTT_PORT: 'off', GATEBOOK_APPROVALS: '2' });
    const names = [newName(), newName(), newName()];
    const users = [
      { username: names[0], verifier: pbkdf2Verifier('moved in one') },
      { username: names[1], password: 'moved in two' },
      { username: names[2] },
    ];
    const http = { users: [{ username: newName(), roles: ['registrar'] }] };
    assert.is((await gatebook.must(403, 'POST', route, http)).code, 'rights-exceed-own');
    const waits = await world.call('POST', route, { body: { users } });
    assert.is(waits.status, 202);
    assert.equal(
      waits.body.body.users,
      names.map((username) => ({ username })),
    );
    assert.is(
      (await gatebook.call('GET', `/api/users/${names[0]}`, { token: gatebook.admin })).status,
      404,
    );
    const token = await world.signIn(second, password);
    const { proposalId, hash } = waits.body;
    const approve = `/api/approvals/${proposalId}/approve`;
    assert.is((await gatebook.call('POST', approve, { token, body: { hash } })).status, 200);
    const collected = await gatebook.must(200, 'POST', `/api/approvals/${proposalId}/collect`);
    assert.equal([collected.body.created, collected.body.failed], [3, 0]);
    assert.is((await login(gatebook, names[0] ?? '', 'moved in one')).status, 200);
    assert.is((await login(gatebook, names[1] ?? '', 'moved in two')).status, 200);

    // A client may be called as what every object of JavaScript has.
    const none = await world.call('POST', route, {
      body: { users: [{ username: 'constructor' }] },
    });
    const approveNone = `/api/approvals/${none.body.proposalId}/approve`;
    const body = { hash: none.body.hash };
    assert.is((await gatebook.call('POST', approveNone, { token, body })).status, 200);
    assert.is((await gatebook.must(200, 'GET', '/api/users/constructor')).body.status, 'active');
    assert.is((await login(gatebook, 'constructor', 'any password')).status, 401);

    const twice = newName();
    const lines = [{ username: twice }, { username: twice, password: 'of the second place' }];
    const both = await world.call('POST', route, { body: { users: lines } });
    const approveBoth = `/api/approvals/${both.body.proposalId}/approve`;
    await gatebook.call('POST', approveBoth, { token, body: { hash: both.body.hash } });
    assert.is((await gatebook.must(200, 'GET', `/api/users/${twice}`)).body.status, 'active');
    assert.is((await login(gatebook, twice, 'of the second place')).status, 401);
    await world.running.stop();
    await sweepInDays(world, 2);
    assert.equal((await secretsKept(world)).get('constructor'), ['verifier']);
    assert.not(world.lines.some((line) => line.includes('cannot be opened')));
  } finally {
    await gatebook.stop();
  }
});

test.run();
