/** Single sign-on over https, at two nodes behind one name: begun at the one and finished at the other, and good once. */
import { request as forward } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import {
  enterCode,
  type IdentityProvider,
  type Jar,
  request,
  signInThere,
  startIdentityProvider,
} from '../../support/identity-provider.ts';
import { environmentOf, nodesSuite } from '../../support/kurrentdb/nodes.ts';
import { startRegistry, type World } from '../../support/service.ts';
import { assert } from '../../support/suite.ts';
import { selfSigned } from '../../support/tls.ts';

const test = nodesSuite('single sign-on at two nodes');

/** Ends TLS, and leads each request to the node of this moment. */
let name: { readonly server: Server; readonly origin: string };
let leadsTo: World;
let provider: IdentityProvider;

async function oneName(): Promise<typeof name> {
  const identity = await selfSigned();
  setDefaultCACertificates([...getCACertificates(), identity.cert]);
  const server = createServer(identity, (incoming, outgoing) => {
    const { method, url, headers } = incoming;
    const onward = forward(`${leadsTo.url}${url}`, { method, headers }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.rawHeaders);
      answer.pipe(outgoing);
    });
    incoming.pipe(onward);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return { server, origin: `https://127.0.0.1:${port}` };
}

test.before(async (nodes) => {
  const { first, second } = nodes;
  name = await oneName();
  const port = Number(new URL(name.origin).port);
  provider = await startIdentityProvider(port, name.origin);
  provider.people.set('bob', { preferred_username: 'bob', groups: ['plant-admins'] });
  const environment = {
    ...{ ...environmentOf(nodes), ...provider.environment(0) },
    GATEBOOK_PUBLIC_URL: name.origin,
  };
  await first.restart(environment);
  await second.stop();
  nodes.second = await startRegistry({ ...environment, GATEBOOK_MQTT_PORT: 'off' });
});
test.after(async () => {
  name.server.close();
  name.server.closeAllConnections();
  await provider.stop();
});

const copied = (jar: Jar): Jar => new Map([...jar].map(([at, all]) => [at, new Map(all)]));

/** Up to the way back, begun at a node; nobody has taken it yet. */
async function wayBack(from: World) {
  leadsTo = from;
  const jar: Jar = new Map();
  const started = await request(jar, `${name.origin}/page/sso/start`);
  const there = `${name.origin}/page/sso/callback`;
  return { jar, url: await signInThere(jar, started.to as URL, 'bob', there) };
}

/** The page's session; null: it was refused. */
async function arrives(at: World, jar: Jar, url: URL): Promise<string | null> {
  // Past the name, so that two may arrive at both nodes at once.
  const cookies = [...(jar.get(name.origin) ?? [])].map((pair) => pair.join('=')).join('; ');
  const { host } = new URL(name.origin);
  const answer = await new Promise<{ status: number; cookies: string[] }>((resolve, reject) => {
    const path = `${at.url}${url.pathname}${url.search}`;
    const headers = { Host: host, Cookie: cookies, Accept: 'text/html' };
    forward(path, { headers }, (response) => {
      response.resume();
      const set = response.headers['set-cookie'] ?? [];
      resolve({ status: response.statusCode ?? 0, cookies: set });
    })
      .on('error', reject)
      .end();
  });
  assert.is(answer.status, 303);
  const session = answer.cookies.find((cookie) => /^__Host-gatebook-\d+=v4/.test(cookie));
  if (session === undefined) return null;
  assert.match(session, /; Path=\/; .*HttpOnly; SameSite=Strict; Secure$/);
  return /=([^;]+)/.exec(session)?.[1] ?? null;
}

const signedIn = async ({ first }: { first: World }): Promise<number> =>
  (await first.call('GET', '/api/audit/events?username=bob@sso&type=TokenIssued')).body.items
    .length;

test('begun at the one node and finished at the other, by the cookies of https alone', async (nodes) => {
  const { first, second } = nodes;
  const { jar, url } = await wayBack(first);
  assert.is(url.protocol, 'https:');
  const kept = [...(jar.get(name.origin) ?? [])].map(([cookie]) => cookie);
  assert.equal(kept, [`__Host-gatebook-sso-${new URL(name.origin).port}`]);
  const token = await arrives(second, jar, url);
  assert.ok(token);
  const { body } = await second.call('GET', '/api/whoami', { token });
  assert.equal([body.username, body.roles], ['bob@sso', ['administrator']]);
});

test('what was used at the one node is refused at the other', async (nodes) => {
  const { first, second } = nodes;
  const { jar, url } = await wayBack(first);
  const again = copied(jar);
  assert.ok(await arrives(first, jar, url));
  const before = await signedIn(nodes);
  for (const node of [second, first, second])
    assert.is(await arrives(node, copied(again), url), null);
  assert.is(await signedIn(nodes), before);
});

/** A provider takes back what it gave for a code that is shown twice (RFC 6749, section 4.1.2): then nobody gets in. */
test('of two who arrive with the same at both nodes at once, one at most gets in', async (nodes) => {
  const { first, second } = nodes;
  for (let round = 0; round < 3; round++) {
    const { jar, url } = await wayBack(round % 2 === 0 ? first : second);
    const sessions = await Promise.all(
      [first, second].map((node) => arrives(node, copied(jar), url)),
    );
    assert.ok(sessions.filter((one) => one !== null).length <= 1);
  }
});

test('a code of the command line is good once, at whichever node', async ({ first, second }) => {
  const begun = await first.call('POST', '/api/login/sso', { token: null, body: {} });
  assert.is(begun.status, 200);
  const { verificationUri, userCode, deviceCode } = begun.body;
  await enterCode(verificationUri, userCode, 'bob');
  const ask = (world: World) =>
    world.call('POST', '/api/login/sso/token', { token: null, body: { deviceCode } });
  const answers = await Promise.all([ask(second), ask(first)]);
  for (const { status } of answers) assert.ok([200, 401].includes(status), String(status));
  assert.ok(answers.filter(({ status }) => status === 200).length <= 1);
  for (const node of [first, second]) assert.is((await ask(node)).status === 200, false);
});

test.run();
