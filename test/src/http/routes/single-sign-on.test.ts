/** Single sign-on by HTTP: who comes from the provider is let in as what it says, and every forgery is not. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { freePort } from '../../../support/free-port.ts';
import {
  type IdentityProvider,
  type Jar,
  request,
  signInThere,
  startIdentityProvider,
} from '../../../support/identity-provider.ts';
import { startRegistry, type World } from '../../../support/service.ts';

interface Plant {
  world: World;
  provider: IdentityProvider;
}

const test = suite<Plant>('single sign-on');
test.before(async (context) => {
  const port = await freePort();
  context.provider = await startIdentityProvider(port);
  context.world = await startRegistry(context.provider.environment(port));
});
test.before.each(({ provider }) => {
  provider.tamper = null;
  provider.people.clear();
  provider.people.set('bob', { preferred_username: 'bob', groups: ['plant-admins', 'else'] });
});
test.after(async ({ world, provider }) => {
  await world.stop();
  await provider.stop();
});

const back = ({ world }: Plant) => `${world.url}/page/sso/callback`;

/** From the button to the way back, which is not taken yet. */
async function wayBack(plant: Plant, login: string, jar: Jar = new Map()) {
  const started = await request(jar, `${plant.world.url}/page/sso/start`);
  assert.is(started.status, 303, started.text);
  assert.ok(started.to);
  return { jar, url: await signInThere(jar, started.to as URL, login, back(plant)) };
}

/** The whole way; the page’s session, or why there is none. */
async function signIn(plant: Plant, login: string, jar: Jar = new Map()) {
  const { url } = await wayBack(plant, login, jar);
  return await arrive(plant, jar, url);
}

async function arrive(plant: Plant, jar: Jar, url: URL) {
  const arrived = await request(jar, url);
  assert.is(arrived.status, 303, arrived.text);
  const token = [...(jar.get(plant.world.url) ?? [])].find(([name]) =>
    /^gatebook-\d+$/.test(name),
  )?.[1];
  const refused = /refused=([a-z-]+)/.exec(arrived.to?.hash ?? '')?.[1] ?? null;
  assert.is(refused === null, token !== undefined);
  return { token: token ?? '', refused };
}

const whoami = async ({ world }: Plant, token: string) =>
  await world.call('GET', '/api/whoami', { token });

test('somebody with a group that has a role comes in, for a while', async (plant) => {
  const { token } = await signIn(plant, 'bob');
  const { body, status } = await whoami(plant, token);
  assert.is(status, 200);
  assert.equal([body.username, body.origin, body.roles], ['bob@sso', 'sso', ['administrator']]);
  assert.is(body.tokenExpiresAt, body.expiresAt);
  const lastsMs = Date.parse(body.expiresAt) - Date.now();
  assert.ok(lastsMs > 7.9 * 3_600_000 && lastsMs <= 8 * 3_600_000);
  assert.equal(body.credentials, []);
});

test.run();
