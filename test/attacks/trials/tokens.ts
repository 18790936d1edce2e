/**
 * Tokens that are not good, each in its way: forged, altered, of another key, purpose or time, and also by somebody who
 * has the signing key. Each is answered 401 in the same words at every route, so that nobody learns what was wrong.
 */
import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { registerPath, selfPath } from '../../support/door.ts';
import { connected } from '../../support/mqtt-peers.ts';
import { newFolder, removeFolder, type Served, serve } from '../../support/process.ts';
import { adminPassword } from '../../support/service.ts';
import type { Chance } from '../../trials/random.ts';
import type { Given, Told, Trial } from '../../trials/trial.ts';
import {
  anotherKey,
  claimsOf,
  type ForgersKey,
  footerOf,
  signingKeyIn,
  tokenOf,
} from '../forger.ts';

const alteredWhole = 4_000;
const hourMs = 3_600_000;

/** Where a token is shown; each by another way through the service. */
const doors = [
  ['GET', '/api/whoami'],
  ['GET', '/api/users'],
  ['POST', '/api/client-registry/unlock'],
  ['GET', '/api/audit/export'],
  ['GET', '/api/events'],
  ['POST', '/api/tokens'],
  ['GET', selfPath],
] as const;
type Door = (typeof doors)[number];

interface Place {
  readonly served: Served;
  readonly violations: string[];
  /** How many tokens were shown, at all doors together. */
  shown: number;
}

/** All that an answer tells, without what is another in every answer. */
async function toldAt({ served }: Place, [method, path]: Door, headers: Record<string, string>) {
  const response = await fetch(served.url + path, {
    method,
    headers: { ...(method === 'POST' && { 'Content-Type': 'application/json' }), ...headers },
    ...(method === 'POST' && { body: '{}' }),
    signal: AbortSignal.timeout(10_000),
  });
  const body = await response.text().then(
    (text) => text,
    () => 'an answer without end',
  );
  const said = [...response.headers]
    .filter(([name]) => !['date', 'gatebook-correlation-id'].includes(name))
    .map((pair) => pair.join(': '));
  const bare = body.replaceAll(/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f]{32}/g, 'ID');
  return { status: response.status, all: [response.status, ...said.sort(), bare].join('\n') };
}

const bearer = (token: string) => ({ Authorization: `Bearer ${token}` });

/** 401, in the words that a token of nobody's is told at this door. */
async function refused(place: Place, what: string, token: string, at: readonly Door[] = doors) {
  for (const door of at) {
    const found = await toldAt(place, door, bearer(token));
    const expected = await toldAt(place, door, bearer('v4.public.AAAA'));
    place.shown++;
    if (found.status !== 401)
      place.violations.push(`${what}: ${door.join(' ')} answers ${found.status}`);
    else if (found.all !== expected.all)
      place.violations.push(`${what}: ${door.join(' ')} tells ${found.all}`);
  }
}

async function refusedByMqtt(place: Place, what: string, password: string) {
  const { code, end } = await connected(place.served.mqttPort, {
    ...{ username: 'admin', password, clientId: randomBytes(8).toString('hex') },
  });
  end();
  place.shown++;
  if (![4, 5].includes(code)) place.violations.push(`${what}: CONNECT is told ${code}`);
}

async function isGood({ served, violations }: Place, what: string, token: string) {
  const { status } = await served.call('GET', '/api/whoami', { token });
  if (status !== 200) violations.push(`${what}: a good token is told ${status}`);
}

/** With a good key or another one, and what beside the claims and the key is not as it must be. */
function forged(token: string, own: ForgersKey): Record<string, string> {
  const claims = claimsOf(token);
  const footer = footerOf(own.kid);
  const { key } = own;
  const other = anotherKey();
  const without = (name: string) =>
    Object.fromEntries(Object.entries(claims).filter(([one]) => one !== name));
  const said = (over: object) => tokenOf({ claims: { ...claims, ...over }, footer, key });
  const at = (hours: number) => new Date(Date.now() + hours * hourMs).toISOString();
  const footers = [
    ...['', '{}', '[]', 'null', '{"kid":null}', '{"kid":[]}', `{"kid":"${own.kid}"`, own.kid],
    ...[footerOf(other.kid), footerOf('../../etc/passwd'), footerOf('__proto__')],
    ...[footerOf(`${own.kid} `), footerOf(own.kid.toUpperCase()), footerOf({ kid: own.kid })],
  ];
  return {
    'another implicit assertion': tokenOf({ claims, footer, key, assertion: 'admin' }),
    'an implicit assertion of one zero': tokenOf({ claims, footer, key, assertion: '\0' }),
    'signed for v4.local': tokenOf({ claims, footer, key, header: 'v4.local.' }),
    'v4.local for v4.public': token.replace('v4.public.', 'v4.local.'),
    'local, of chance': `v4.local.${randomBytes(160).toString('base64url')}.${token.split('.')[3]}`,
    ...Object.fromEntries(
      ['v1.public.', 'v2.public.', 'v3.public.', 'v4.', 'V4.PUBLIC.', ''].map((header) => [
        `signed as ${header}`,
        tokenOf({ claims, footer, key, header }),
      ]),
    ),
    ...Object.fromEntries(
      footers.map((one) => [`the footer ${one}`, tokenOf({ claims, footer: one, key })]),
    ),
    'another key by its own id': tokenOf({ claims, footer: footerOf(other.kid), key: other.key }),
    'another key by the right id': tokenOf({ claims, footer, key: other.key }),
    'another issuer': said({ iss: 'another' }),
    'no issuer': tokenOf({ claims: without('iss'), footer, key }),
    'for registration': said({ aud: 'gatebook:registration' }),
    'for another audience': said({ aud: 'gatebook:other' }),
    'for several audiences': said({ aud: ['gatebook', 'gatebook:registration'] }),
    'of another name': said({ sub: 'somebody' }),
    'of no name': said({ sub: '' }),
    'of another case': said({ sub: 'ADMIN' }),
    'of an id that was never issued': said({ jti: '00000000-0000-4000-8000-000000000000' }),
    'without an id': tokenOf({ claims: without('jti'), footer, key }),
    'without an end': tokenOf({ claims: without('exp'), footer, key }),
    'with an end that is over': said({ exp: at(-0.01) }),
    'with an end that is no time': said({ exp: 4_102_444_800 }),
    'issued in an hour': said({ iat: at(1) }),
    'good from in an hour': said({ nbf: at(1) }),
    'claims that are none': tokenOf({ claims: '[]', footer, key }),
    'claims that are a text': tokenOf({ claims: '"admin"', footer, key }),
    'claims that are no JSON': tokenOf({ claims: '{"sub":"admin"', footer, key }),
    'claims by a prototype': tokenOf({
      ...{ footer, key },
      claims: JSON.stringify(without('sub')).replace('{', '{"__proto__":{"sub":"admin"},'),
    }),
    'JWT, alg none': ['{"alg":"none"}', JSON.stringify(claims), '']
      .map((part) => Buffer.from(part).toString('base64url'))
      .join('.'),
  };
}

/** A good token with one thing changed that chance chooses. */
function altered(token: string, chance: Chance): string {
  const at = 'v4.public.'.length + chance.below(token.length - 'v4.public.'.length);
  switch (chance.below(5)) {
    case 0:
      return token.slice(0, at);
    case 1: {
      const letters = [...'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~+/'];
      const other = letters.filter((letter) => letter !== token[at]);
      return token.slice(0, at) + chance.pick(other) + token.slice(at + 1);
    }
    case 2:
      return token.slice(0, at) + token.slice(at + 1 + chance.below(8));
    case 3:
      return token.slice(0, at) + chance.pick(['.', '=', '-', 'A', 'AAAA', '..']) + token.slice(at);
    default:
      return `${token}${chance.pick(['.', '=', '==', 'A', 'AAAA', '.AAAA'])}`;
  }
}

/** Good for something else, shown where it is not for. */
async function forOtherPurposes(place: Place, admin: string) {
  const { served, violations } = place;
  await served.call('POST', '/api/client-registry/unlock', { token: admin, body: {} });
  const device = { username: 'asks', password: randomBytes(16).toString('hex') };
  const { body } = await served.call('POST', registerPath, { body: device });
  const waiting = body.registrationToken as string;
  const own = await served.call('GET', selfPath, { token: waiting });
  if (own.status !== 202) violations.push(`a registration token is told ${own.status}`);
  const { body: described } = await served.call('GET', '/openapi.json');
  for (const [path, methods] of Object.entries(described.paths as Record<string, object>))
    for (const method of Object.keys(methods)) {
      if (!path.startsWith('/api/')) continue;
      const open = /^\/api\/login|\/register$|\/self$|certificate$/.test(path);
      if (open || method === 'parameters') continue;
      const at = [method.toUpperCase(), path.replaceAll(/\{\w+\}/g, 'admin')] as unknown as Door;
      const { status } = await toldAt(place, at, bearer(waiting));
      place.shown++;
      if (status !== 401)
        violations.push(`a registration token: ${at.join(' ')} is told ${status}`);
    }
  await refused(place, 'a sign-in token at the door', admin, [['GET', selfPath]]);
  await refusedByMqtt(place, 'a registration token as a password', waiting);
  await refused(place, 'a password', adminPassword);
  const everywhere = { Cookie: `gatebook-${new URL(served.url).port}=${admin}` };
  const elsewhere: readonly (readonly [string, string, Record<string, string>])[] = [
    ['in the query', `/api/whoami?access_token=${admin}&token=${admin}`, {}],
    ['in a cookie without the page', '/api/whoami', everywhere],
    ['by Basic', '/api/whoami', { Authorization: `Basic ${btoa(`admin:${admin}`)}` }],
    ['by Token', '/api/whoami', { Authorization: `Token ${admin}` }],
    ['bare', '/api/whoami', { Authorization: admin }],
    ['twice', '/api/whoami', { Authorization: `Bearer ${admin}, Bearer ${admin}` }],
    ['in a header of its own', '/api/whoami', { 'X-Access-Token': admin, 'X-Api-Key': admin }],
  ];
  for (const [what, path, headers] of elsewhere) {
    const { status } = await toldAt(place, ['GET', path as '/api/whoami'], headers);
    place.shown++;
    // A parameter that no route knows is malformed, once somebody is known.
    if (status !== 401) violations.push(`a token ${what} is told ${status}`);
  }
}

/** Ended by somebody, and by the clock; also where whoever has the key writes a later end. */
async function over(place: Place, admin: string, keysDir: string, clockFile: string) {
  const { served } = place;
  const made = async (body: object) =>
    (await served.call('POST', '/api/tokens', { token: admin, body })).body;
  const revoked = await made({ label: 'revoked' });
  await served.call('DELETE', `/api/tokens/${revoked.tokenId}`, { token: admin });
  await refused(place, 'a revoked one', revoked.token);
  await refusedByMqtt(place, 'a revoked one', revoked.token);
  const person = { username: 'clerk', password: randomBytes(16).toString('hex') };
  await served.call('POST', '/api/users', {
    token: admin,
    body: { ...person, roles: ['administrator'] },
  });
  for (const verb of ['suspend', 'revoke']) {
    const signedIn = await served.call('POST', '/api/login', { body: person });
    await isGood(place, 'before', signedIn.body.token);
    await served.call('POST', `/api/users/clerk/${verb}`, { token: admin, body: {} });
    await refused(place, `of a name after ${verb}`, signedIn.body.token);
    if (verb === 'suspend')
      await served.call('POST', '/api/users/clerk/resume', { token: admin, body: {} });
  }
  const short = await made({ label: 'an hour', expireTimeInHours: 1 });
  const { key, kid } = signingKeyIn(keysDir);
  const claims = { ...claimsOf(short.token), exp: '2999-01-01T00:00:00.000Z' };
  const longer = tokenOf({ claims, footer: footerOf(kid), key });
  for (const token of [short.token, longer]) await isGood(place, 'within its hour', token);
  writeFileSync(clockFile, String(1.01 * hourMs));
  await refused(place, 'ended by the clock', short.token);
  await refused(place, 'ended by the clock, with a later end of its own', longer);
  await refusedByMqtt(place, 'ended by the clock', short.token);
  writeFileSync(clockFile, '0');
}

/** Signed by a key that another one has followed, or by the one under the name of the other. */
async function rotated(place: Place, before: string, keysDir: string) {
  const { served } = place;
  const rotate = async (body: object, token: string) =>
    await served.call('POST', '/api/keys/rotate', { token, body });
  const old = signingKeyIn(keysDir);
  await rotate({}, before);
  await isGood(place, 'of the key before', before);
  const now = signingKeyIn(keysDir);
  const [token, claims] = [await served.signIn(), claimsOf(before)];
  await refused(
    place,
    'the old key under the new id',
    tokenOf({ claims, footer: footerOf(now.kid), key: old.key }),
  );
  await refused(
    place,
    'the new key under the old id',
    tokenOf({ claims: claimsOf(token), footer: footerOf(old.kid), key: now.key }),
  );
  await rotate({ retireNow: true }, token);
  await refused(place, 'of a key that was retired', before);
  await refused(place, 'of another key that was retired', token);
  const last = await served.signIn();
  const again = { claims: claimsOf(last), footer: footerOf(old.kid), key: old.key };
  await refused(place, 'a retired key, and an id that is good', tokenOf(again));
  await isGood(place, 'of the newest key', last);
}

async function run({ chance, share }: Given): Promise<Told> {
  const count = Math.max(60, Math.round(alteredWhole * share));
  const folder = await newFolder();
  const [dataDir, clockFile] = [join(folder, 'data'), join(folder, 'clock')];
  const keysDir = join(dataDir, 'keys');
  const preload = pathToFileURL(join(import.meta.dirname, '../../support/moved-clock.ts')).href;
  try {
    const served = await serve(dataDir, {
      ...{ GATEBOOK_LOG_LEVEL: 'error', GATEBOOK_HTTPS_PORT: 'off' },
      ...{ NODE_OPTIONS: `--import=${preload}`, MOVED_CLOCK: clockFile },
    });
    const place: Place = { served, violations: [], shown: 0 };
    const token = await served.signIn();
    const own = signingKeyIn(keysDir);
    const copy = { claims: claimsOf(token), footer: footerOf(own.kid), key: own.key };
    // What a forger writes is right but for what is changed in it.
    if (tokenOf(copy) !== token) place.violations.push('the forger does not know the format');
    for (const [what, bad] of Object.entries(forged(token, own))) await refused(place, what, bad);
    for (let number = 0; number < count; number++) {
      const bad = altered(token, chance);
      await refused(place, `altered to ${bad}`, bad, [chance.pick(doors)]);
    }
    await forOtherPurposes(place, token);
    await over(place, token, keysDir, clockFile);
    await rotated(place, token, keysDir);
    served.kill('SIGTERM');
    if ((await served.ended) !== 0) place.violations.push('SIGTERM did not end it with 0');
    const figures = `${count} altered; forged, of other keys, purposes and times`;
    return { rounds: place.shown, figures, violations: place.violations };
  } finally {
    await removeFolder(folder);
  }
}

export const tokens: Trial = {
  name: 'tokens',
  title: 'tokens that are not good',
  inTurn: true,
  run,
};
