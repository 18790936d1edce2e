/** Single sign-on by HTTP: who comes from the provider is let in as what it says, and every forgery is not. */

import { deviceSignInsPerSourceMax } from '../../../../src/limits/sign-on.ts';
import { freePort } from '../../../support/free-port.ts';
import {
  enterCode,
  type IdentityProvider,
  type Jar,
  newKey,
  request,
  signInThere,
  startIdentityProvider,
} from '../../../support/identity-provider.ts';
import { adminPassword, startRegistry, type World } from '../../../support/service.ts';
import { assert, suite } from '../../../support/suite.ts';

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
  provider.interfere = null;
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

test('the history tells who was bound and signed in, and holds no secret', async (plant) => {
  await signIn(plant, 'bob');
  const { body } = await plant.world.call('GET', '/api/audit/events?username=bob@sso&limit=1000');
  const types = body.items.map(({ type }: { type: string }) => type);
  for (const type of ['PersonBound', 'PersonSignedIn', 'TokenIssued'])
    assert.ok(types.includes(type), type);
  assert.is(types.filter((type: string) => type === 'PersonBound').length, 1);
  const kept = JSON.stringify(body) + plant.world.lines.join('');
  assert.not.match(kept, new RegExp(`${plant.provider.clientSecret}|code_verifier|eyJ`));
});

test('a way back is good once, in its own browser, and as it was given', async (plant) => {
  const { jar, url } = await wayBack(plant, 'bob');
  const [cookies] = [new Map([...jar].map(([origin, all]) => [origin, new Map(all)]))];
  const other = await wayBack(plant, 'bob');
  assert.is((await arrive(plant, new Map(), url)).refused, 'credentials-invalid');
  const changed = new URL(url);
  changed.searchParams.set('state', 'x'.repeat(43));
  assert.is((await arrive(plant, other.jar, changed)).refused, 'credentials-invalid');
  assert.is((await arrive(plant, jar, url)).refused, null);
  // The same browser again, and one that kept its cookie.
  assert.is(
    (await arrive(plant, new Map([...jar].map(([at]) => [at, new Map()])), url)).refused,
    'credentials-invalid',
  );
  assert.is((await arrive(plant, cookies, url)).refused, 'credentials-invalid');
});

test('a code that was used is none, also beside a new state', async (plant) => {
  const first = await wayBack(plant, 'bob');
  assert.is((await arrive(plant, first.jar, first.url)).refused, null);
  const second = await wayBack(plant, 'bob');
  second.url.searchParams.set('code', first.url.searchParams.get('code') ?? '');
  assert.is((await arrive(plant, second.jar, second.url)).refused, 'credentials-invalid');
});

test('an answer of another provider is refused (RFC 9207), and one that does not say whose it is', async (plant) => {
  for (const change of [
    (url: URL) => url.searchParams.set('iss', 'https://evil.example'),
    (url: URL) => url.searchParams.delete('iss'),
  ]) {
    const { jar, url } = await wayBack(plant, 'bob');
    assert.ok(url.searchParams.has('iss'));
    change(url);
    assert.is((await arrive(plant, jar, url)).refused, 'credentials-invalid');
  }
});

test('a browser that comes back with a parameter twice, or with one that is no UTF-8, is told on the page', async (plant) => {
  for (const more of ['code=x', 'state=x', 'iss=x', 'other=%ff&other=1&code=%ff']) {
    const { jar, url } = await wayBack(plant, 'bob');
    url.search += `&${more}`;
    assert.is((await arrive(plant, jar, url)).refused, 'credentials-invalid', more);
  }
});

test('a person who says no is told so, and no error of the provider breaks anything', async (plant) => {
  for (const error of ['access_denied', 'server_error', 'x'.repeat(2_000)]) {
    const { jar, url } = await wayBack(plant, 'bob');
    url.searchParams.delete('code');
    url.searchParams.set('error', error);
    url.searchParams.set('error_description', '<script>alert(1)</script>');
    assert.is((await arrive(plant, jar, url)).refused, 'credentials-invalid');
  }
});

const nowS = () => Math.floor(Date.now() / 1_000);
const forgeries: Record<string, NonNullable<IdentityProvider['tamper']>> = {
  'for another audience': (claims) => ({ claims: { ...claims, aud: 'another' } }),
  'for several, by somebody else': (claims) => ({
    claims: { ...claims, aud: ['gatebook', 'another'], azp: 'another' },
  }),
  'of another issuer': (claims) => ({ claims: { ...claims, iss: 'https://evil.example' } }),
  ended: (claims) => ({ claims: { ...claims, iat: nowS() - 7_200, exp: nowS() - 3_600 } }),
  'without an end': ({ exp: _, ...claims }) => ({ claims }),
  'with another nonce': (claims) => ({ claims: { ...claims, nonce: 'another' } }),
  'without a nonce': ({ nonce: _, ...claims }) => ({ claims }),
  'without a subject': ({ sub: _, ...claims }) => ({ claims }),
  'with an empty subject': (claims) => ({ claims: { ...claims, sub: '' } }),
  'signed with another key': () => ({ key: newKey() }),
  'not signed': () => ({ alg: 'none' }),
  'of another subject than the rest': (claims) => ({ claims: { ...claims, sub: 'eve' } }),
};
for (const [name, tamper] of Object.entries(forgeries))
  test(`an ID token ${name} opens nothing`, async (plant) => {
    plant.provider.tamper = tamper;
    assert.is((await signIn(plant, 'bob')).refused, 'credentials-invalid');
  });

test('a changed claim changes no name: it is bound to the person', async (plant) => {
  const { people } = plant.provider;
  people.set('carla', { preferred_username: 'carla', groups: ['shift'] });
  await signIn(plant, 'carla');
  people.set('carla', { preferred_username: 'bob', groups: ['shift'] });
  const { token } = await signIn(plant, 'carla');
  assert.is((await whoami(plant, token)).body.username, 'carla@sso');
});

test('two first sign-ins at once, with two claims, come to one name', async (plant) => {
  plant.provider.people.set('kim', { groups: ['shift'] });
  const ways = [await wayBack(plant, 'kim'), await wayBack(plant, 'kim')];
  let count = 0;
  plant.provider.tamper = (claims) => ({
    claims: { ...claims, preferred_username: `kim${++count}` },
  });
  const came = await Promise.all(ways.map(({ jar, url }) => arrive(plant, jar, url)));
  const tokens = came.filter(({ refused }) => refused === null).map(({ token }) => token);
  const names = await Promise.all(
    tokens.map(async (one) => (await whoami(plant, one)).body.username),
  );
  assert.is(new Set(names).size, 1, names.join());
  const { body } = await plant.world.call('GET', '/api/users?q=kim');
  assert.is(body.items.length, 1);
});

test('a second subject with the same claim is not let in, nor bound', async (plant) => {
  await signIn(plant, 'bob');
  const { people } = plant.provider;
  people.set('eve', { preferred_username: 'bob', groups: ['plant-admins'] });
  assert.is((await signIn(plant, 'eve')).refused, 'sso-username-taken');
  people.set('eve', { preferred_username: 'eve', groups: ['shift'] });
  const { token } = await signIn(plant, 'eve');
  assert.equal((await whoami(plant, token)).body.roles, ['registrar']);
});

test('a name that a device had before is no person’s', async (plant) => {
  const { world, provider } = plant;
  await world.restart({ GATEBOOK_OIDC_REALM: 'other' });
  const made = await world.call('POST', '/api/users', { body: { username: 'pump@sso' } });
  assert.is(made.status, 201);
  await world.restart();
  provider.people.set('pump', { preferred_username: 'pump', groups: ['plant-admins'] });
  assert.is((await signIn(plant, 'pump')).refused, 'sso-username-taken');
});

test('roles follow the groups at each sign-in, and end with the last group', async (plant) => {
  const { people } = plant.provider;
  people.set('dora', { preferred_username: 'dora', groups: ['plant-admins', 'shift'] });
  const { token } = await signIn(plant, 'dora');
  assert.equal((await whoami(plant, token)).body.roles, ['administrator', 'registrar']);
  people.set('dora', { preferred_username: 'dora', groups: 'shift' });
  const second = await signIn(plant, 'dora');
  assert.equal((await whoami(plant, token)).body.roles, ['registrar']);
  people.set('dora', { preferred_username: 'dora', groups: ['else'] });
  assert.is((await signIn(plant, 'dora')).refused, 'sso-not-permitted');
  for (const one of [token, second.token]) assert.is((await whoami(plant, one)).status, 401);
  const { body } = await plant.world.call('GET', '/api/users/dora@sso');
  assert.equal([body.status, /no group/.test(body.reason)], ['expired', true]);
});

const odd = {
  'no groups': { preferred_username: 'odd' },
  'groups of another kind': { preferred_username: 'odd', groups: { 'plant-admins': true } },
  'groups of numbers': { preferred_username: 'odd', groups: [1, null, ['plant-admins']] },
  'a group by another case': { preferred_username: 'odd', groups: ['Plant-Admins'] },
  'no name': { groups: ['plant-admins'] },
  'an empty name': { preferred_username: '', groups: ['plant-admins'] },
  'a name of Cyrillic letters': { preferred_username: 'b\u043eb', groups: ['plant-admins'] },
  'a name with a zero width joiner': { preferred_username: 'bob\u200d', groups: ['plant-admins'] },
  'a name from right to left': { preferred_username: '\u202ebob', groups: ['plant-admins'] },
  'a name with a slash': { preferred_username: 'bob/..', groups: ['plant-admins'] },
  'a name of 10 kB': { preferred_username: 'b'.repeat(10_240), groups: ['plant-admins'] },
  'a name that is a list': { preferred_username: ['bob'], groups: ['plant-admins'] },
};
for (const [name, claims] of Object.entries(odd))
  test(`${name}: nothing gives access`, async (plant) => {
    plant.provider.people.set('odd', claims);
    assert.is((await signIn(plant, 'odd')).refused, 'sso-not-permitted');
  });

test('a group of 10 kB beside a good one is only not known', async (plant) => {
  plant.provider.people.set('fay', {
    preferred_username: 'fay',
    groups: ['x'.repeat(10_240), 'shift'],
  });
  assert.is((await signIn(plant, 'fay')).refused, null);
});

test('an answer that never ends is not read', async (plant) => {
  plant.provider.people.set('gus', { preferred_username: 'gus', groups: ['x'.repeat(300_000)] });
  assert.is((await signIn(plant, 'gus')).refused, 'sso-unavailable');
});

test('suspended or revoked beats any group', async (plant) => {
  const { world, provider } = plant;
  provider.people.set('hal', { preferred_username: 'hal', groups: ['plant-admins'] });
  const { token } = await signIn(plant, 'hal');
  const act = async (verb: string) =>
    assert.is((await world.call('POST', `/api/users/hal@sso/${verb}`)).status, 200, verb);
  await act('suspend');
  assert.is((await whoami(plant, token)).status, 401);
  assert.is((await signIn(plant, 'hal')).refused, 'sso-not-permitted');
  await act('resume');
  assert.is((await signIn(plant, 'hal')).refused, null);
  await act('revoke');
  assert.is((await signIn(plant, 'hal')).refused, 'sso-not-permitted');
  await act('erase');
  assert.is((await signIn(plant, 'hal')).refused, 'sso-not-permitted');
  await act('reinstate');
  assert.is((await signIn(plant, 'hal')).refused, null);
});

test('no password, no other rights, no name of a person for anybody else', async (plant) => {
  const { world } = plant;
  await signIn(plant, 'bob');
  const rotated = await world.call('POST', '/api/users/bob@sso/rotate');
  assert.equal([rotated.status, rotated.body.code], [409, 'user-from-sso']);
  const path = '/api/users/bob@sso/authorization';
  const given = await world.call('PUT', path, { body: { roles: ['auditor'] } });
  assert.equal([given.status, given.body.code], [409, 'user-from-sso']);
  const renewed = await world.call('POST', '/api/users/bob@sso/renew', {
    body: { expiresAt: null },
  });
  assert.equal([renewed.status, renewed.body.code], [409, 'user-from-sso']);

  const refused = async (to: string, body: object, token?: null) => {
    const answer = await world.call('POST', to, { body, ...(token === null && { token }) });
    assert.is(answer.status, 400, JSON.stringify(answer.body));
    return answer.body.errors.map(({ pointer }: { pointer: string }) => pointer);
  };
  const registry = '/api/client-registry';
  await world.call('POST', `${registry}/unlock`);
  for (const username of ['boss@sso', 'boss@SSO', 'bob@sso']) {
    const password = `0123456789abcdef0123456789abcdef`;
    assert.equal(await refused(`${registry}/register`, { username, password }, null), [
      '#/username',
    ]);
    assert.equal(await refused('/api/users', { username }), ['#/username']);
    await assertRefusedAtMqtt(world, username, password);
    assert.is(
      (await world.call('GET', `/api/client-registry/requests?q=${username}`)).body.items.length,
      0,
    );
  }
  const until = new Date(Date.now() + 3_600_000).toISOString();
  const rule = { usernamePattern: '*@sso', until };
  assert.equal(await refused(`${registry}/preauthorizations`, rule), ['#/usernamePattern']);
  await world.call('POST', `${registry}/preauthorizations`, {
    body: { usernamePattern: 'b*', until },
  });
  await assertRefusedAtMqtt(world, 'boss@sso', '0123456789abcdef0123456789abcdef');
});

async function assertRefusedAtMqtt({ mqtt }: World, username: string, password: string) {
  const { connectAsync } = await import('mqtt');
  const url = `mqtt://${mqtt.host}:${mqtt.port}`;
  await connectAsync(url, { username, password, reconnectPeriod: 0 }).then(
    (client) => {
      client.end(true);
      assert.unreachable('it was let in');
    },
    ({ code }: { code?: number }) => assert.is(code, 5),
  );
}

test('what a person makes ends with the sign-in that it was made in', async (plant) => {
  const { world } = plant;
  const { token } = await signIn(plant, 'bob');
  const { body: me } = await whoami(plant, token);
  const body = { label: 'line', expireTimeInHours: 100_000 };
  const made = await world.call('POST', '/api/tokens', { token, body });
  assert.is(made.body.expiresAt, me.tokenExpiresAt);
  const forOther = await world.call('POST', '/api/tokens', {
    body: { ...body, username: 'bob@sso' },
  });
  assert.ok(forOther.body.expiresAt <= (await whoami(plant, token)).body.expiresAt);
});

test('a sign-in that has ended opens nothing, and the next one does', async (plant) => {
  await plant.world.restart({ GATEBOOK_OIDC_SESSION: '1500ms' });
  plant.provider.people.set('ivy', { preferred_username: 'ivy', groups: ['shift'] });
  const { token } = await signIn(plant, 'ivy');
  assert.is((await whoami(plant, token)).status, 200);
  await new Promise((resolve) => setTimeout(resolve, 1_600));
  assert.is((await whoami(plant, token)).status, 401);
  assert.is((await signIn(plant, 'ivy')).refused, null);
  assert.is((await whoami(plant, token)).status, 401);
  await plant.world.restart();
});

test('the provider is away from the start: the service is there, and so is its administrator', async (plant) => {
  const { world, provider } = plant;
  await provider.away();
  await world.restart();
  assert.is((await world.call('GET', '/readyz')).status, 200);
  const json = { headers: { Accept: 'application/json' }, token: null };
  const started = await world.call('GET', '/page/sso/start', json);
  assert.equal([started.status, started.body.code], [503, 'sso-unavailable']);
  assert.ok(started.headers.has('retry-after'));
  assert.is(
    (await world.call('POST', '/api/login/sso', { token: null })).body.code,
    'sso-unavailable',
  );
  assert.ok(await world.signIn('admin', adminPassword));
  await provider.back();
  await new Promise((resolve) => setTimeout(resolve, 2_100));
  assert.is((await signIn(plant, 'bob')).refused, null);
});

const wrongAnswers = {
  'a page': ['text/html', '<h1>Down for maintenance</h1>'],
  'no JSON': ['application/json', 'Down for maintenance'],
  'a list': ['application/json', '[1,2,3]'],
  'nothing in it': ['application/json', '{}'],
} as const;
for (const [what, [type, text]] of Object.entries(wrongAnswers))
  test(`the provider answers with ${what}: it is away, and nobody's sign-in was wrong`, async (plant) => {
    const { world, provider } = plant;
    const { jar, url } = await wayBack(plant, 'bob');
    provider.interfere = (_request, response) =>
      void response.writeHead(200, { 'Content-Type': type }).end(text);
    const cookies = [...(jar.get(world.url) ?? [])].map((pair) => pair.join('=')).join('; ');
    const headers = { Accept: 'application/json', Cookie: cookies };
    const asked = { headers, token: null };
    for (const answer of [
      await world.call('GET', url.pathname + url.search, asked),
      await world.call('POST', '/api/login/sso', { token: null }),
    ])
      assert.equal([answer.status, answer.body.code], [503, 'sso-unavailable']);
  });

test('refused by HTTP, with a status', async (plant) => {
  plant.provider.people.set('jan', { preferred_username: 'jan', groups: [] });
  const { jar, url } = await wayBack(plant, 'jan');
  const cookies = [...(jar.get(plant.world.url) ?? [])].map((pair) => pair.join('=')).join('; ');
  const headers = { Accept: 'application/json', Cookie: cookies };
  const answer = await plant.world.call('GET', url.pathname + url.search, { headers, token: null });
  assert.equal([answer.status, answer.body.code], [403, 'sso-not-permitted']);
});

// ── The command line’s way ────────────────────────────────────────────────────────────────────────

const begin = ({ world }: Plant) => world.call('POST', '/api/login/sso', { token: null });
const ask = ({ world }: Plant, deviceCode: string) =>
  world.call('POST', '/api/login/sso/token', { token: null, body: { deviceCode } });

test('a command line is let in by a code, once', async (plant) => {
  const { body: begun, status } = await begin(plant);
  assert.is(status, 200);
  assert.equal(Object.keys(begun).sort(), [
    'deviceCode',
    'intervalS',
    'userCode',
    'verificationUri',
  ]);
  const waiting = await ask(plant, begun.deviceCode);
  assert.equal(
    [waiting.status, waiting.headers.get('retry-after')],
    [202, String(begun.intervalS)],
  );
  await enterCode(begun.verificationUri, begun.userCode, 'bob');
  // Too soon again: the provider is not asked.
  assert.is((await ask(plant, begun.deviceCode)).status, 202);
  const answer = async () => {
    await new Promise((resolve) => setTimeout(resolve, begun.intervalS * 1_000 + 50));
    return await ask(plant, begun.deviceCode);
  };
  let { body, status: done } = await answer();
  for (let left = 10; done === 202 && left > 0; left--) ({ body, status: done } = await answer());
  assert.is(done, 200);
  assert.equal([body.username, body.kind], ['bob@sso', 'login']);
  assert.is((await whoami(plant, body.token)).status, 200);
  const again = await ask(plant, begun.deviceCode);
  assert.equal([again.status, again.body.code], [401, 'credentials-invalid']);
});

test('a code of nobody’s, and what was sealed for something else, open nothing', async (plant) => {
  const { jar } = await wayBack(plant, 'bob');
  const kept = [...(jar.get(plant.world.url) ?? [])].find(([name]) => name.includes('sso'))?.[1];
  for (const deviceCode of ['x', 'A'.repeat(200), kept ?? '']) {
    const { status, body } = await ask(plant, deviceCode);
    assert.equal([status, body.code], [401, 'credentials-invalid']);
  }
});

test('few wait at once from one source', async (plant) => {
  const statuses = [];
  for (let n = 0; n < deviceSignInsPerSourceMax + 1; n++)
    statuses.push((await begin(plant)).status);
  assert.is(statuses.at(-1), 429);
  assert.is(statuses[0], 200);
});

test('without single sign-on there is none of it', async () => {
  const world = await startRegistry();
  const offer = await world.call('GET', '/page/sso', { token: null });
  assert.equal(offer.body, { name: null, url: null });
  for (const [method, path] of [
    ['GET', '/page/sso/start'],
    ['GET', '/page/sso/callback'],
    ['POST', '/api/login/sso'],
  ] as const)
    assert.is((await world.call(method, path, { token: null })).status, 404);
  await world.stop();
});

test.run();
