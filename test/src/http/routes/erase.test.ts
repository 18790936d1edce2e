import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseCheckpoint } from '../../../../src/audit/transparency-log/checkpoint.ts';
import { isConsistent } from '../../../../src/audit/transparency-log/merkle.ts';
import { noteOf } from '../../../../src/audit/transparency-log/signed-note.ts';
import { assert, suite } from '../../../support/suite.ts';
import { type Running, running, strongPassword } from '../running-service.ts';

const test = suite<{ gatebook: Running }>('http erase');
test.before(async (world) => {
  world.gatebook = await running();
  await world.gatebook.must(200, 'POST', '/api/client-registry/unlock');
});
test.after(({ gatebook }) => gatebook.stop());

async function granted(gatebook: Running, username: string, password = strongPassword()) {
  const asked = await gatebook.call('POST', '/api/client-registry/register', {
    body: { username, password, context: { owner: 'Ada Lovelace' } },
  });
  const path = `/api/client-registry/requests/${asked.body.requestId}`;
  await gatebook.must(200, 'POST', `${path}/grant`);
  return { path, password };
}
const head = async ({ must }: Running) =>
  parseCheckpoint(noteOf((await must(200, 'GET', '/api/audit/checkpoint')).text).text);

test('what was personal is gone from history and requests, and proofs stay whole', async ({
  gatebook,
}) => {
  const { must, call } = gatebook;
  const { path, password } = await granted(gatebook, 'ada');
  const before = await head(gatebook);
  const old = (await must(200, 'GET', '/api/audit/export')).text;
  assert.equal((await must(200, 'GET', path)).body.context, { owner: 'Ada Lovelace' });

  const { body } = await must(200, 'POST', '/api/users/ada/erase', { reason: 'asked for it' });
  assert.equal([body.status, body.roles, body.credentials], ['unknown', [], []]);
  const request = (await must(200, 'GET', path)).body;
  assert.equal([request.source, request.clientId, request.context], [null, null, null]);
  const { items } = (await must(200, 'GET', '/api/audit/events?username=ada&order=asc')).body;
  assert.equal([items[0].data.source, items[0].data.context], [null, null]);
  assert.is(items.at(-1).type, 'CredentialDeactivated');
  assert.ok(items.some(({ type }: { type: string }) => type === 'ClientErased'));

  // The log itself did not change: what was exported before is how the export begins now.
  assert.ok((await must(200, 'GET', '/api/audit/export')).text.startsWith(old));
  const after = await head(gatebook);
  const proof = await must(
    200,
    'GET',
    `/api/audit/proofs/consistency?from=${before.size}&to=${after.size}`,
  );
  const hashes = proof.body.hashes.map((hash: string) => Buffer.from(hash, 'base64'));
  assert.ok(isConsistent(before, after, hashes));

  // Nothing of before opens the name again; whoever comes now is somebody new.
  const again = await call('POST', '/api/client-registry/register', {
    body: { username: 'ada', password },
  });
  assert.is(again.status, 202);
  assert.is((await must(200, 'POST', '/api/users/ada/erase')).body.status, 'unknown');
});

test('erasing again changes nothing', async ({ gatebook }) => {
  await granted(gatebook, 'twice');
  const count = async () =>
    (await gatebook.must(200, 'GET', '/api/audit/events?username=twice&type=ClientErased')).body
      .items.length;
  await gatebook.must(200, 'POST', '/api/users/twice/erase');
  await gatebook.must(200, 'POST', '/api/users/twice/erase');
  assert.is(await count(), 1);
});

test('a waiting request ends with it, and its own fields go too', async ({ gatebook }) => {
  const { must, call } = gatebook;
  const asked = await call('POST', '/api/client-registry/register', {
    body: { username: 'waiting', password: strongPassword(), context: { owner: 'B' } },
  });
  const path = `/api/client-registry/requests/${asked.body.requestId}`;
  await must(200, 'POST', '/api/users/waiting/erase');
  const { body } = await must(200, 'GET', path);
  assert.equal([body.status, body.context], ['expired', null]);
  const late = await call('POST', `${path}/grant`, { token: gatebook.admin, body: {} });
  assert.is(late.code, 'request-expired');
});

test('tokens and sessions of an erased user are over', async ({ gatebook }) => {
  const token = await gatebook.signedIn('clerk-1', { roles: ['auditor'] });
  assert.is((await gatebook.call('GET', '/api/whoami', { token })).status, 200);
  await gatebook.must(200, 'POST', '/api/users/clerk-1/erase');
  assert.is((await gatebook.call('GET', '/api/whoami', { token })).code, 'token-invalid');
});

test('the registration token of an erased client has ended, whatever came of its request', async ({
  gatebook,
}) => {
  const { must, call } = gatebook;
  const asks = async (username: string) => {
    const body = { username, password: strongPassword() };
    return (await call('POST', '/api/client-registry/register', { body })).body;
  };
  const toldBy = async ({ registrationToken: token }: { registrationToken: string }) => {
    const { status, code } = await call('GET', '/api/client-registry/requests/self', { token });
    return `${status} ${code ?? ''}`.trim();
  };
  const decided = async (username: string, decision?: 'grant' | 'deny') => {
    const asked = await asks(username);
    const path = `/api/client-registry/requests/${asked.requestId}`;
    if (decision !== undefined) await must(200, 'POST', `${path}/${decision}`, { reason: 'known' });
    return asked;
  };
  const [active, denied, pending] = [
    await decided('gone-active', 'grant'),
    await decided('gone-denied', 'deny'),
    await decided('gone-pending'),
  ];
  assert.equal(await Promise.all([active, denied, pending].map(toldBy)), [
    ...['201', '403 registration-denied', '202'],
  ]);
  for (const name of ['gone-active', 'gone-denied', 'gone-pending'])
    await must(200, 'POST', `/api/users/${name}/erase`);
  const ended = ['401 token-invalid', '401 token-invalid', '401 token-invalid'];
  assert.equal(await Promise.all([active, denied, pending].map(toldBy)), ended);

  // Who comes under the name now has a token of their own, whatever is decided; the old one stays what it is.
  const next = await decided('gone-active');
  assert.is(await toldBy(next), '202');
  await must(200, 'POST', `/api/client-registry/requests/${next.requestId}/deny`);
  assert.is(await toldBy(next), '403 registration-denied');
  assert.is(await toldBy(active), '401 token-invalid');
});

test('a poll that waits while the client is erased hears that its token has ended', async ({
  gatebook,
}) => {
  const { must, call } = gatebook;
  const body = { username: 'gone-waiting', password: strongPassword() };
  const asked = (await call('POST', '/api/client-registry/register', { body })).body;
  const polls = call('GET', '/api/client-registry/requests/self', {
    token: asked.registrationToken,
    headers: { Prefer: 'wait=30' },
  });
  await must(200, 'POST', '/api/users/gone-waiting/erase');
  assert.is((await polls).code, 'token-invalid');
});

test('a name nobody knows, and the last administrator, stay', async ({ gatebook }) => {
  const { call, admin: token } = gatebook;
  const nobody = await call('POST', '/api/users/nobody/erase', { token, body: {} });
  assert.equal([nobody.status, nobody.code], [404, 'user-not-found']);
  const last = await call('POST', '/api/users/admin/erase', { token, body: {} });
  assert.equal([last.status, last.code], [409, 'last-administrator']);
});

test('keys and verifiers are gone from the disk', async ({ gatebook }) => {
  const { must, world } = gatebook;
  await granted(gatebook, 'erased-7');
  const secretsOnDisk = () =>
    ['verifier', 'key'].filter((secret) =>
      readdirSync(world.dataDir)
        .filter((name) => name.startsWith('log.sqlite'))
        .some((name) =>
          readFileSync(join(world.dataDir, name)).includes(`"username":"erased-7","${secret}"`),
        ),
    );
  assert.equal(secretsOnDisk(), ['verifier', 'key']);
  await must(200, 'POST', '/api/users/erased-7/erase');
  assert.equal(secretsOnDisk(), []);
});

test.run();
