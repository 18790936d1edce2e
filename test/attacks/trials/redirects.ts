/**
 * Whoever the registry calls (webhook, ntfy, SIEM, broker, identity provider) leads it elsewhere: to another port of this machine,
 * and to the metadata service of a cloud. It connects to nobody but whom its operator named, and says that it was not heard.
 */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { registerPath } from '../../support/door.ts';
import { freePort } from '../../support/free-port.ts';
import { jwt, newKey } from '../../support/identity-provider.ts';
import { newFolder, removeFolder, type Served, serve } from '../../support/process.ts';
import type { Given, Told, Trial } from '../../trials/trial.ts';

const statuses = [301, 302, 303, 307, 308] as const;
/** Those who are called, by the beginning of the path that each is known by. */
const called = ['webhook', 'ntfy', 'siem', 'broker', 'oidc'] as const;
type Called = (typeof called)[number];
/** What an identity provider is asked, of which another one leads elsewhere each time. */
const questions = ['discovery', 'token', 'keys', 'device'] as const;
const ledMs = 30_000;

/** Where it is led: each as it would work, were it followed. */
const traps = (port: number) => [
  `http://127.0.0.1:${port}/latest/meta-data/`,
  'http://169.254.169.254/latest/meta-data/iam/security-credentials/',
  `//127.0.0.1:${port}/`,
  `http://[::1]:${port}/`,
  `http://0.0.0.0:${port}/`,
  'http://[fd00:ec2::254]/latest/meta-data/',
  `https://127.0.0.1:${port}/`,
  `http://2130706433:${port}/`,
];

interface Led {
  status: (typeof statuses)[number];
  /** What of the provider leads elsewhere; what comes before it is answered right. */
  question: (typeof questions)[number];
  /** Of the sign-in that is under way: without it no key is asked for. */
  nonce: string;
  /** Ways on that were shown. */
  readonly shown: Map<Called, Set<string>>;
  /** By its path, each thing that the provider was asked and led elsewhere. */
  readonly asked: Set<string>;
}

async function listening(answer: (request: IncomingMessage, response: ServerResponse) => void) {
  const server = createServer(answer).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}

/** The provider's own answers, up to the one that leads elsewhere. */
function providersAnswer(question: string, issuer: string, nonce: string): object | null {
  if (question === 'discovery')
    return {
      issuer,
      authorization_endpoint: `${issuer}/authorize`,
      token_endpoint: `${issuer}/token`,
      jwks_uri: `${issuer}/keys`,
      device_authorization_endpoint: `${issuer}/device`,
      response_types_supported: ['code'],
      subject_types_supported: ['public'],
      id_token_signing_alg_values_supported: ['ES256'],
    };
  if (question !== 'token') return null;
  const now = Math.floor(Date.now() / 1_000);
  const claims = { iss: issuer, aud: 'gatebook', sub: 'eve', nonce, iat: now, exp: now + 60 };
  return { access_token: 'x', token_type: 'bearer', id_token: jwt(claims, newKey()) };
}

/** All of them at once: each leads elsewhere whatever it is asked, by one trap after the other. */
async function leader(led: Led, trapPort: number) {
  const ways = traps(trapPort);
  const turns = new Map<string, number>();
  return await listening((request, response) => {
    const path = (request.url ?? '').slice(1);
    const who = called.find((one) => path.startsWith(one)) ?? 'broker';
    const issuer = `http://localhost:${request.socket.localPort}/oidc`;
    const question = path.includes('openid-configuration')
      ? 'discovery'
      : (path.split('/')[1] ?? '');
    const own =
      who === 'oidc' && question !== led.question && providersAnswer(question, issuer, led.nonce);
    request.resume();
    if (own) {
      response.writeHead(200, { 'Content-Type': 'application/json' }).end(JSON.stringify(own));
      return;
    }
    if (who === 'oidc') led.asked.add(question);
    const turn = turns.get(who) ?? 0;
    turns.set(who, turn + 1);
    const way = ways[turn % ways.length] as string;
    led.shown.set(who, (led.shown.get(who) ?? new Set()).add(way));
    response.writeHead(led.status, {
      Location: way,
      Refresh: `0; url=${way}`,
      Link: `<${way}>; rel=next`,
    });
    response.end(`<meta http-equiv="refresh" content="0; url=${way}">`);
  });
}

/** Through everything that asks the provider; each is answered with a problem, or sent back refused. */
async function signsIn({ url }: Served, led: Led, violations: string[]) {
  const json = { headers: { Accept: 'application/json' }, redirect: 'manual' as const };
  const refused = async (what: string, response: Response) => {
    const { code } = (await response.json().catch(() => ({}))) as { code?: string };
    if (response.status !== 503 && response.status !== 401)
      violations.push(`${what} is answered ${response.status} ${code}`);
  };
  const started = await fetch(`${url}/page/sso/start`, json);
  if (started.status === 303) {
    const sent = new URL(started.headers.get('location') ?? '').searchParams;
    const state = sent.get('state');
    led.nonce = sent.get('nonce') ?? '';
    const cookie = (started.headers.get('set-cookie') ?? '').split(';')[0] ?? '';
    const back = `${url}/page/sso/callback?code=x&state=${state}`;
    const headers = { ...json.headers, Cookie: cookie };
    await refused('the way back', await fetch(back, { ...json, headers }));
  } else await refused('the way there', started);
  const begun = await fetch(`${url}/api/login/sso`, { ...json, method: 'POST' });
  await refused('a command line', begun);
}

interface Place {
  readonly served: Served;
  readonly led: Led;
  readonly token: string;
}

/** Until each of those who are called has led to this machine and to the metadata service. */
async function allLed({ served, led, token }: Place, round: number, violations: string[]) {
  const waysOf = (who: Called) => led.shown.get(who)?.size ?? 0;
  const late = performance.now() + ledMs;
  for (let number = 0; ; number++) {
    if (called.every((who) => waysOf(who) >= 2) && questions.every((one) => led.asked.has(one)))
      return;
    if (performance.now() > late) break;
    const username = `led-${round}-${number}`;
    const body = { username, password: `${username}0123456789abcdef0123456789abcdef` };
    const asked = await served.call('POST', registerPath, { body });
    if (asked.status !== 202) violations.push(`${username} is told ${asked.status}`);
    await served.call('GET', '/api/brokers', { token });
    led.question = questions.find((one) => !led.asked.has(one)) ?? 'discovery';
    await signsIn(served, led, violations);
    await delay(250);
  }
  const shown = called.map((who) => `${who} ${waysOf(who)}`).join(', ');
  violations.push(`not all were asked: ${shown}; the provider ${[...led.asked]}`);
}

/** Whom it connected to beside those that it was told to. */
const strangers = (file: string, known: readonly string[]): string[] => [
  ...new Set(
    readFileSync(file, 'utf8')
      .trimEnd()
      .split('\n')
      .filter((line) => !known.includes(line)),
  ),
];

async function tried(status: Led['status'], round: number): Promise<string[]> {
  const folder = await newFolder();
  const [dataDir, callsFile] = [join(folder, 'data'), join(folder, 'calls')];
  const preload = pathToFileURL(join(import.meta.dirname, '../../support/calls-out.ts')).href;
  const violations: string[] = [];
  const trap = await listening((_request, response) => {
    violations.push('the trap was called');
    response.end('{}');
  });
  const led: Led = { status, question: 'discovery', nonce: '', shown: new Map(), asked: new Set() };
  const hostile = await leader(led, trap.port);
  const [at, httpPort] = [`127.0.0.1:${hostile.port}`, await freePort()];
  try {
    const served = await serve(dataDir, {
      ...{ NODE_OPTIONS: `--import=${preload}`, CALLS_OUT: callsFile },
      ...{ GATEBOOK_LOG_LEVEL: 'error', GATEBOOK_HTTPS_PORT: 'off', GATEBOOK_MQTT_WS_PORT: 'off' },
      ...{ GATEBOOK_HTTP_PORT: String(httpPort), GATEBOOK_HOOK_SECRET: 'a-secret-of-the-hooks' },
      ...{ GATEBOOK_WEBHOOK_URL: `http://${at}/webhook`, GATEBOOK_NTFY_URL: `http://${at}/ntfy` },
      GATEBOOK_SIEM_URL: `http://${at}/siem`,
      GATEBOOK_BROKER: `rabbitmq+http://user:password@${at}`,
      ...{
        GATEBOOK_PUBLIC_URL: `http://127.0.0.1:${httpPort}`,
        GATEBOOK_OIDC_CLIENT_ID: 'gatebook',
      },
      ...{ GATEBOOK_OIDC_ISSUER: `http://localhost:${hostile.port}/oidc` },
      ...{ GATEBOOK_OIDC_CLIENT_SECRET: 'a-secret-of-the-provider' },
      GATEBOOK_OIDC_ROLES: '{"claim":"groups","roles":{"all":["administrator"]}}',
    });
    const token = await served.signIn();
    await served.call('POST', '/api/client-registry/unlock', {
      token,
      body: { maxRequests: 10_000 },
    });
    await allLed({ served, led, token }, round, violations);
    served.kill('SIGTERM');
    if ((await served.ended) !== 0) violations.push('SIGTERM did not end it with 0');
    const known = [`127.0.0.1 ${hostile.port}`, `localhost ${hostile.port}`];
    for (const one of strangers(callsFile, known)) violations.push(`it connected to ${one}`);
  } finally {
    hostile.close();
    trap.close();
    await removeFolder(folder);
  }
  return violations.map((one) => `${status}: ${one}`);
}

async function run({ chance, share }: Given): Promise<Told> {
  const chosen = share < 1 ? [chance.pick(statuses)] : statuses;
  const violations: string[] = [];
  for (const [round, status] of chosen.entries()) violations.push(...(await tried(status, round)));
  const figures = `${called.length} who are called, ${traps(0).length} ways elsewhere, by ${chosen.join(', ')}: nobody else connected to`;
  return { rounds: chosen.length, figures, violations };
}

export const redirects: Trial = { name: 'redirects', title: 'called, and led elsewhere', run };
