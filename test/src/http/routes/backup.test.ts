/** Who is given a backup by HTTP, and over what. */

import { checkedBackup } from '../../../../src/backup/encrypt.ts';
import { unlockWith } from '../../../../src/backup/passphrase.ts';
import { readBackup } from '../../../../src/backup/read.ts';
import { chunksOf } from '../../../support/backups.ts';
import { startRegistry, type World } from '../../../support/service.ts';
import { assert, suite } from '../../../support/suite.ts';

const test = suite('http backup');
let world: World;

test.before(async () => {
  world = await startRegistry({ GATEBOOK_TRUSTED_PROXIES: '127.0.0.1/32' });
});
test.after(() => world.stop());

const permission = (resource: string) => ({ context: 'http', resource, operation: 'write' });
const write = (resource: string) => ({ permissions: [permission(resource)] });

async function tokenOf(username: string, rights: object): Promise<string> {
  const password = 'a password of a person';
  const { status } = await world.call('POST', '/api/users', {
    body: { username, password, ...rights },
  });
  assert.is(status, 201);
  return await world.signIn(username, password);
}

const codeOf = async (options: Parameters<World['call']>[2]) => {
  const { status, body } = await world.call('POST', '/api/backup', options);
  return [status, body.code];
};

test('it is a right of its own', async () => {
  const clerk = await tokenOf('clerk', write('/api/client-registry/#'));
  assert.equal(await codeOf({ token: clerk, body: {} }), [403, 'permission-missing']);
  assert.equal(await codeOf({ token: null, body: {} }), [401, 'token-missing']);
  const keeper = await tokenOf('keeper', write('/api/backup'));
  const { status } = await world.call('POST', '/api/backup', { token: keeper, body: {} });
  assert.is(status, 200);
});

test('not over a network without TLS, also where a proxy on this machine passes it on', async () => {
  const headers = { 'X-Forwarded-For': '192.0.2.7' };
  assert.equal(await codeOf({ headers, body: {} }), [403, 'transport-insecure']);
  const { body } = await world.call('GET', '/api/audit/events?type=BackupTaken&limit=1');
  assert.is(body.items[0].actor.name, 'keeper', 'what was refused is not told as taken');
});

test('malformed', async () =>
  assert.equal(await codeOf({ body: { withKeys: true } }), [400, 'request-malformed']));

test('one at a time; one that is broken off makes room for the next, and is seen to be cut off', async () => {
  const wanted = () =>
    fetch(`${world.url}/api/backup`, {
      method: 'POST',
      headers: { Authorization: `Bearer ${world.token}`, 'Content-Type': 'application/json' },
      body: '{}',
    });
  const answers = await Promise.all([wanted(), wanted(), wanted()]);
  const statuses = answers.map(({ status }) => status).sort();
  assert.ok(statuses[0] === 200 && statuses.every((status) => [200, 409].includes(status)));
  const whole = answers.find(({ status }) => status === 200) as Response;
  const bytes = Buffer.from(await whole.arrayBuffer());
  const { end } = await readBackup(chunksOf(bytes), unlockWith(null), () => undefined);
  assert.ok(end.checkpoint?.includes(`\n${end.events}\n`), 'signed, of just these events');
  assert.is(end.readModels.events, end.events);

  const gone = new AbortController();
  const left = world.call('POST', '/api/backup', { body: {}, signal: gone.signal });
  gone.abort();
  await left.catch(() => undefined);
  for (let attempt = 0; attempt < 100; attempt++)
    if ((await world.call('POST', '/api/backup', { body: {} })).status === 200) return;
  assert.unreachable('the one that was left holds up all others');
});

test('one that was changed on its way is not written', async () => {
  const response = await fetch(`${world.url}/api/backup`, {
    method: 'POST',
    headers: { Authorization: `Bearer ${world.token}`, 'Content-Type': 'application/json' },
    body: '{"withoutKeys":true}',
  });
  const bytes = Buffer.from(await response.arrayBuffer());
  bytes[bytes.length - 30] = (bytes[bytes.length - 30] ?? 0) ^ 4;
  let reason = '';
  try {
    for await (const _ of checkedBackup(chunksOf(bytes), null));
  } catch (error) {
    reason = (error as { reason: string }).reason;
  }
  assert.is(reason, 'damaged');
});

test('where decisions need several people nobody is given the keys', async () => {
  const several = await startRegistry({ GATEBOOK_APPROVALS: '2' });
  try {
    const refused = await several.call('POST', '/api/backup', { body: {} });
    assert.equal([refused.status, refused.body.code], [403, 'rights-exceed-own']);
    const given = await several.call('POST', '/api/backup', { body: { withoutKeys: true } });
    assert.is(given.status, 200);
  } finally {
    await several.stop();
  }
});

test.run();
