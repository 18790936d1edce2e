/**
 * The identity provider is gone, slow, half-open or answers wrong, before anybody knew it, at sign-ins, and on the way back:
 * callers are told 503 and when to come again, nobody is let in by what was not said, everybody else goes on, and people
 * sign in again by themselves when it is back.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { registerPath } from '../../support/door.ts';
import { freePort } from '../../support/free-port.ts';
import {
  type IdentityProvider,
  type Jar,
  request,
  signInThere,
  startIdentityProvider,
} from '../../support/identity-provider.ts';
import { newFolder, removeFolder, type Served, serve } from '../../support/process.ts';
import type { Given, Told, Trial } from '../../trials/trial.ts';

const roundsWhole = 36;
/** Its own patience is 5 s; after a failure it leaves the provider alone for 2 s. */
const backMs = 30_000;
/** Longer than the registry waits. */
const slowMs = 7_000;
/** Rounds in which a command line waits for its person: of one source ten may. */
const waitsEvery = 5;

type Answering = (request: IncomingMessage, response: ServerResponse, passOn: () => void) => void;
const says =
  (status: number, text: string, type = 'application/json'): Answering =>
  (_request, response) =>
    void response.writeHead(status, { 'Content-Type': type }).end(text);

/** Null: nobody listens. */
const faults: Readonly<Record<string, Answering | null>> = {
  gone: null,
  slow: (_request, _response, passOn) => void setTimeout(passOn, slowMs).unref(),
  'half-open': () => undefined,
  'hanging up': (request) => void request.socket.destroy(),
  'breaking off in the middle': (_request, response) => {
    response.writeHead(200, { 'Content-Type': 'application/json', 'Content-Length': '10000' });
    response.write('{"iss', () => response.destroy());
  },
  'answering 500': says(500, '{}'),
  'answering 429': says(429, '{}'),
  'a page instead': says(200, '<h1>Down for maintenance</h1>', 'text/html'),
  'JSON of another kind': says(200, '[1,2,3]'),
  'nothing in it': says(200, '{}'),
  'an answer without end': (_request, response) => {
    response.writeHead(200, { 'Content-Type': 'application/json' });
    const timer = setInterval(() => response.write(' '.repeat(20_000)), 5).unref();
    response.once('close', () => clearInterval(timer));
  },
  'no HTTP': (request) => void request.socket.end('220 mail.example ESMTP\r\n'),
};

interface Plant {
  readonly served: Served;
  readonly provider: IdentityProvider;
  readonly violations: string[];
  /** Sessions that were given out. */
  signedIn: number;
}

const json = { headers: { Accept: 'application/json' }, redirect: 'manual' as const };

async function toldLater(plant: Plant, what: string, path: string, options: RequestInit) {
  const response = await fetch(plant.served.url + path, { ...json, ...options });
  const { code } = (await response.json().catch(() => ({}))) as { code?: string };
  const isLater = response.status === 503 && code === 'sso-unavailable';
  if (!isLater) plant.violations.push(`${what} is told ${response.status} ${code}`);
  else if (!response.headers.has('retry-after'))
    plant.violations.push(`${what} is told 503, and not when to come again`);
}

/** Local people, devices and who is signed in already go on. */
async function othersGoOn({ served, violations }: Plant, token: string | null, round: number) {
  const signedIn = await served.signIn().catch(() => null);
  if (signedIn === null) violations.push('a local administrator cannot sign in');
  const ready = await served.call('GET', '/readyz');
  if (ready.status !== 200) violations.push(`it is not ready: ${ready.status}`);
  const username = `beside-${round}`;
  const body = { username, password: `${username}0123456789abcdef0123456789abcdef` };
  const asked = await served.call('POST', registerPath, { body });
  if (asked.status !== 202) violations.push(`a device is told ${asked.status}`);
  if (token === null) return;
  const { status } = await served.call('GET', '/api/whoami', { token });
  if (status !== 200) violations.push(`who was signed in is told ${status}`);
}

/** To the provider, and back with a code that was not shown yet. */
async function wayBack({ served }: Plant): Promise<{ jar: Jar; url: URL }> {
  const jar: Jar = new Map();
  const { to } = await request(jar, `${served.url}/page/sso/start`);
  if (to === null || to.href.startsWith(served.url)) throw new Error(`no way there: ${to}`);
  return { jar, url: await signInThere(jar, to, 'bob', `${served.url}/page/sso/callback`) };
}

const cookiesOf = (jar: Jar, origin: string): string =>
  [...(jar.get(origin) ?? [])].map((pair) => pair.join('=')).join('; ');

async function signIn(plant: Plant): Promise<string | null> {
  const { jar, url } = await wayBack(plant);
  await request(jar, url);
  const session = [...(jar.get(url.origin) ?? [])].find(([name]) => /^gatebook-\d+$/.test(name));
  if (session !== undefined) plant.signedIn++;
  return session?.[1] ?? null;
}

/** Until somebody signs in, with nobody's help. */
async function isBack(plant: Plant, what: string): Promise<string | null> {
  for (const late = performance.now() + backMs; performance.now() < late; await delay(250)) {
    const token = await signIn(plant).catch(() => null);
    if (token !== null) return token;
  }
  plant.violations.push(`after ${what} nobody can sign in`);
  return null;
}

async function failing(provider: IdentityProvider, fault: Answering | null) {
  provider.interfere = fault;
  if (fault === null) await provider.away();
}

async function mended(provider: IdentityProvider, fault: Answering | null) {
  provider.interfere = null;
  if (fault === null) await provider.back();
}

async function round(plant: Plant, number: number, what: string, token: string | null) {
  const fault = faults[what] as Answering | null;
  const { jar, url } = await wayBack(plant);
  const waits = number % waitsEvery === 1 && (await plant.served.call('POST', '/api/login/sso'));
  await failing(plant.provider, fault);
  const headers = { ...json.headers, Cookie: cookiesOf(jar, url.origin) };
  const posted = { 'Content-Type': 'application/json', ...json.headers };
  await Promise.all([
    toldLater(plant, `${what}: the way back`, url.pathname + url.search, { headers }),
    toldLater(plant, `${what}: a command line`, '/api/login/sso', { method: 'POST' }),
    waits &&
      toldLater(plant, `${what}: one that waits`, '/api/login/sso/token', {
        ...{ method: 'POST', headers: posted },
        body: JSON.stringify({ deviceCode: waits.body.deviceCode }),
      }),
    othersGoOn(plant, token, number),
  ]);
  await mended(plant.provider, fault);
  return await isBack(plant, what);
}

/** Before anything is known of it: each way in waits, and the first one after finds it. */
async function neverKnown(plant: Plant, what: string) {
  const fault = faults[what] as Answering | null;
  await toldLater(plant, `${what}: the way there`, '/page/sso/start', {});
  await othersGoOn(plant, null, 0);
  await mended(plant.provider, fault);
  return await isBack(plant, what);
}

/** Each sign-in that was told of stands in the history once, and no other. */
async function recorded({ served, signedIn, violations }: Plant): Promise<void> {
  const token = await served.signIn();
  const path = '/api/audit/events?type=PersonSignedIn&limit=1000';
  const { body } = await served.call('GET', path, { token });
  if (body.items.length !== signedIn)
    violations.push(`${signedIn} signed in, and the history has ${body.items.length}`);
}

async function run({ chance, share }: Given): Promise<Told> {
  const rounds = Math.max(2, Math.round(roundsWhole * share));
  const names = Object.keys(faults);
  const first = chance.below(names.length);
  const at = (number: number) => names[(first + number) % names.length] as string;
  const port = await freePort();
  const provider = await startIdentityProvider(port);
  provider.people.set('bob', { preferred_username: 'bob', groups: ['plant-admins'] });
  const dataDir = await newFolder();
  try {
    await failing(provider, faults[at(0)] as Answering | null);
    const served = await serve(dataDir, {
      ...{ GATEBOOK_SOURCE_ATTEMPTS_PER_MINUTE: '0', GATEBOOK_MQTT_PORT: 'off' },
      ...{ GATEBOOK_MQTT_WS_PORT: 'off', GATEBOOK_LOG_LEVEL: 'error' },
      ...provider.environment(port),
    });
    const plant: Plant = { served, provider, violations: [], signedIn: 0 };
    const { violations } = plant;
    const admin = await served.signIn();
    const window = { maxRequests: 10_000, durationMs: 20 * 3_600_000 };
    await served.call('POST', '/api/client-registry/unlock', { token: admin, body: window });
    let token = await neverKnown(plant, at(0));
    for (let number = 1; number < rounds && violations.length === 0; number++)
      token = await round(plant, number, at(number), token);
    await recorded(plant);
    served.kill('SIGTERM');
    if ((await served.ended) !== 0) violations.push('SIGTERM did not end it with 0');
    return { rounds, figures: `${plant.signedIn} signed in again, by themselves`, violations };
  } finally {
    await provider.stop();
    await removeFolder(dataDir);
  }
}

export const identity: Trial = {
  name: 'identity',
  title: 'identity provider gone, slow, wrong',
  inTurn: true,
  run,
};
