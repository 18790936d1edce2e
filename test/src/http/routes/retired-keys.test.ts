/** A signing key that was stolen: it ends at once, with every token, whoever signed it. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pasetoSigner } from '../../../../src/credentials/keys/paseto-signer.ts';
import { adminPassword } from '../../../support/service.ts';
import { assert, suite } from '../../../support/suite.ts';
import { type Running, running } from '../running-service.ts';

const test = suite<{ gatebook: Running }>('http: retired keys');
test.before.each(async (world) => {
  world.gatebook = await running();
});
test.after.each(({ gatebook }) => gatebook.stop());

const rotate = '/api/keys/rotate';

/** A token as a thief makes it: with the key from the folder, and the id of a token that the log knows. */
async function forged({ world, must }: Running): Promise<string> {
  const dir = join(world.dataDir, 'keys');
  const [file = ''] = readdirSync(dir).filter((name) => name.startsWith('paseto-'));
  const { kid, secretKey } = JSON.parse(readFileSync(join(dir, file), 'utf8'));
  const { tokenId } = (await must(200, 'GET', '/api/whoami')).body;
  const [token] = await pasetoSigner(
    secretKey,
    JSON.stringify({ kid }),
  )([
    {
      ...{ sub: 'admin', jti: tokenId, iss: 'gatebook', aud: 'gatebook' },
      ...{ iat: new Date().toISOString(), exp: '2999-01-01T00:00:00.000Z' },
    },
  ]);
  return token as string;
}

test('a stolen key is retired at once, and every token ends', async ({ gatebook }) => {
  const { call, must, world } = gatebook;
  const stolen = await forged(gatebook);
  const clerk = await gatebook.signedIn('clerk', { roles: ['auditor'] });
  const named = (await must(201, 'POST', '/api/tokens', { label: 'service' })).body.token;
  const whoami = async (token: string) => (await call('GET', '/api/whoami', { token })).status;
  const all = [gatebook.admin, clerk, named, stolen];

  await must(200, 'POST', rotate);
  assert.equal(await Promise.all(all.map(whoami)), [200, 200, 200, 200], 'keys overlap');

  const retired = await must(200, 'POST', rotate, { retireNow: true });
  assert.equal(
    retired.body.keys.map(({ use }: { use: string }) => use),
    ['sign'],
  );
  assert.equal(await Promise.all(all.map(whoami)), [401, 401, 401, 401]);
  const files = readdirSync(join(world.dataDir, 'keys'));
  assert.equal(
    files.filter((name) => name.startsWith('paseto-')),
    ['paseto-0003.json'],
  );

  const token = await world.signIn('admin', adminPassword);
  assert.is(await whoami(token), 200);
  const { items } = (await call('GET', '/api/tokens?username=clerk', { token })).body;
  assert.equal(
    items.map(({ revokedAt }: { revokedAt: string | null }) => typeof revokedAt),
    ['string'],
  );
  const told = (await call('GET', '/api/audit/events?type=TokenRevoked', { token })).body.items;
  assert.is(told.length, 3);
  for (const { actor } of told) assert.equal(actor, { kind: 'user', name: 'admin' });
});

test('without it, or with false, keys overlap; anything else is malformed', async ({
  gatebook,
}) => {
  const { body } = await gatebook.must(200, 'POST', rotate, { retireNow: false });
  assert.is(body.keys.length, 2);
  await gatebook.must(400, 'POST', rotate, { retireNow: 'yes' });
  await gatebook.must(400, 'POST', rotate, { now: true });
});

test.run();
