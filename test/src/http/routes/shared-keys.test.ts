/** A key that stands under several names is shown at each of them: who asks with it, and who has it. */

import { runCommandLine } from '../../../../src/cli/run.ts';
import { callOverTls, certifiedClient, certify } from '../../../support/certificate-in-hand.ts';
import { keyPairs, newCsr } from '../../../support/csr.ts';
import { type Door, newName, registerPath, strong } from '../../../support/door.ts';
import { doorSuite } from '../../../support/door-suite.ts';
import type { World } from '../../../support/service.ts';
import { assert } from '../../../support/suite.ts';

const test = doorSuite('keys under several names');

type Keys = ReturnType<typeof keyPairs.p256>;
interface Here {
  door: Door;
  world: World;
}

const ask = async ({ world }: Here, keys: Keys, username = newName(), more = {}) => {
  const { csr } = newCsr(username, keys);
  const { body } = await world.call('POST', registerPath, {
    ...{ token: null, body: { username, csr, ...more } },
  });
  return { username, csr, requestId: body.requestId as string };
};

const askedWith = async ({ door }: Here, requestId: string) =>
  (await door.must(200, 'GET', `/api/client-registry/requests/${requestId}`)).body.csr.otherNames;

const heldWith = async ({ door }: Here, username: string) =>
  (await door.user(username)).credentials.map(
    ({ otherNames }: { otherNames?: string[] }) => otherNames,
  );

test('two that ask, then one that has it and one that asks', async (here) => {
  const keys = keyPairs.p256();
  const alone = await ask(here, keys);
  assert.is(await askedWith(here, alone.requestId), undefined);
  const second = await ask(here, keys);
  assert.equal(await askedWith(here, alone.requestId), [second.username]);
  assert.equal(await askedWith(here, second.requestId), [alone.username]);
  await here.door.grant(alone.requestId);
  await ask(here, keys, alone.username);
  assert.equal(await heldWith(here, alone.username), [[second.username]]);
  assert.equal(await askedWith(here, second.requestId), [alone.username]);

  await here.door.deny(second.requestId);
  assert.equal(await heldWith(here, alone.username), [undefined]);
});

test('a challenger, an added key and a renewal with a key of somebody else', async (here) => {
  const { door, world } = here;
  const keys = keyPairs.p256();
  const { username: held } = await door.active();
  const challenger = await ask(here, keys, held);
  const mine = await ask(here, keys);
  assert.equal(await askedWith(here, mine.requestId), [held]);
  assert.is(challenger.requestId, undefined);
  const [waiting] = await door.requestsOf(held);
  await door.deny(waiting.requestId);

  const password = strong();
  const { username: added } = await door.active({}, newName(), password);
  await ask(here, keys, added, { password });
  assert.equal(await askedWith(here, mine.requestId), [added]);
  await door.change(added, 'rotate');
  assert.is(await askedWith(here, mine.requestId), undefined);

  const renewing = await certify(here);
  const { csr } = newCsr(renewing.username, keys);
  const path = '/api/client-registry/certificate';
  const { status, body } = await callOverTls(world, renewing, path, { body: { csr } });
  assert.is(status, 201);
  assert.equal(await askedWith(here, mine.requestId), [renewing.username]);
  // The old key is not held any more once the new one is taken.
  const next = certifiedClient(renewing.username, keys, body.certificate);
  assert.is((await callOverTls(world, next, '/api/client-registry/requests/self')).status, 201);
  assert.equal(await heldWith(here, renewing.username), [[mine.username]]);
});

test('who is revoked, expired or erased has it no more; who is suspended has', async (here) => {
  const { door } = here;
  const keys = keyPairs.p256();
  const mine = await ask(here, keys);
  const other = await ask(here, keys);
  await door.grant(other.requestId);
  await door.change(other.username, 'suspend');
  assert.equal(await askedWith(here, mine.requestId), [other.username]);
  await door.change(other.username, 'revoke');
  assert.is(await askedWith(here, mine.requestId), undefined);
});

test('of very many names some are shown', async (here) => {
  const keys = keyPairs.p256();
  await here.door.unlock({ maxRequests: 1_000 });
  const first = await ask(here, keys);
  for (let count = 0; count < 40; count++) await ask(here, keys);
  const names = await askedWith(here, first.requestId);
  assert.is(names.length, 32);
});

test('the command line says it, at the request and at the user', async (here) => {
  const { door, world } = here;
  const keys = keyPairs.p256();
  const [one, other] = [await ask(here, keys), await ask(here, keys)];
  const run = async (...words: string[]) => {
    let output = '';
    const write = (text: string) => (output += text);
    const args = [...words, '--url', world.url, '--token', world.token];
    assert.is(await runCommandLine(args, {}, { stdout: { write }, stderr: { write } }), 0, output);
    return output;
  };
  assert.match(await run('requests', '--query', one.username), `same key as ${other.username}`);
  await door.grant(one.requestId);
  await ask(here, keys, one.username);
  assert.match(await run('users', 'show', one.username), `same key as ${other.username}`);
});

test.run();
