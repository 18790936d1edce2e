/** The adapter of a broker that asks: which sessions it closes, and what it does when the broker does not answer. */

import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { compiled } from '../../../../domain/matching.ts';
import type { Permission } from '../../../../domain/permission.ts';
import { hookPort, type SessionsApi } from '../../../../src/broker/hooks/adapter.ts';
import {
  type Admissions,
  type Admitted,
  createAdmissions,
  rightsDigest,
} from '../../../../src/broker/hooks/admissions.ts';
import { emqxSessions } from '../../../../src/broker/hooks/emqx.ts';
import { rabbitmqSessions } from '../../../../src/broker/hooks/rabbitmq.ts';
import { brokerApi } from '../../../../src/broker/hooks/rest-api.ts';
import {
  type Account,
  type Broker,
  BrokerDown,
  BrokerRefused,
} from '../../../../src/broker/ports/broker.ts';
import { hookApiBytesMax } from '../../../../src/limits/brokers.ts';
import { createLogger } from '../../../../src/logger.ts';
import { assert, suite } from '../../../support/suite.ts';
import { type ApiPeer, apiPeer, eventually } from './peer.ts';

const username = 'press-7';
const credentialId = '00000000-0000-4000-8000-000000000001';
const otherCredential = '00000000-0000-4000-8000-000000000002';
const own: Permission[] = [{ context: 'mqtt', resource: 'a/#', operation: 'readWrite' }];

const account = (permissions = own): Account => ({
  ...{
    username,
    credentialId,
    certificateSerial: null,
    hasReplaced: false,
    passwordOpens: true,
    permissions,
  },
  compiled: compiled(permissions),
  publishPrefix: null,
  pinnedClientId: null,
});
const held = { permissions: compiled(own), publishPrefix: null, pinnedClientId: null };
const rights = rightsDigest(held);
const longAgo = -1_000_000;
const admitted = (more: Partial<Admitted> = {}): Admitted => ({
  ...{ credentialId, tokenId: null, certificateSerial: null, rights, atMs: longAgo },
  ...more,
});

interface Here {
  admissions: Admissions;
  /** Sessions at the broker. */
  sessions: string[];
  /** What the broker answers instead of what it is asked. */
  fault: number | null;
  peer: ApiPeer;
  brokers: Broker[];
}
const test = suite<Here>('a broker that asks');
test.before.each(async (here) => {
  here.admissions = createAdmissions();
  here.sessions = [];
  here.fault = null;
  here.brokers = [];
  here.peer = await apiPeer((method, { pathname }) => {
    if (here.fault !== null && pathname !== '/elsewhere')
      return [here.fault, undefined, '/elsewhere'];
    if (pathname === '/api/v5/clients')
      return [200, { data: here.sessions.map((clientid) => ({ clientid, connected: true })) }];
    if (pathname.startsWith('/api/connections')) {
      if (method === 'GET') return [200, here.sessions.map((name) => ({ name, user: username }))];
      here.sessions = [];
      return [204];
    }
    const id = decodeURIComponent(pathname.split('/').at(-1) ?? '');
    if (method === 'DELETE') here.sessions = here.sessions.filter((one) => one !== id);
    return [method === 'DELETE' ? 204 : 200];
  });
});
test.after.each(async ({ brokers, peer }) => {
  for (const broker of brokers) await broker.close();
  await peer.stop();
});

async function port(
  here: Here,
  kind: 'emqx' | 'rabbitmq',
  own?: SessionsApi,
  more: Partial<Parameters<typeof hookPort>[0]> = {},
): Promise<Broker> {
  const address = { url: `http://${here.peer.url}`, username: 'key', password: 'secret' };
  const api = own ?? { emqx: emqxSessions, rabbitmq: rabbitmqSessions }[kind](kind, address);
  const broker = hookPort({
    ...{ name: kind, kind, api, admissions: here.admissions, urls: () => [], revocations: null },
    logger: createLogger({ level: 'error' }),
    ...more,
  });
  here.brokers.push(broker);
  await eventually(() => (broker.status() === 'up' ? true : undefined));
  return broker;
}

test('activation keeps who came in by this credential with these rights, and nobody else', async (here) => {
  const broker = await port(here, 'emqx');
  here.admissions.remember(username, 'same', admitted());
  here.admissions.remember(username, 'old credential', admitted({ credentialId: otherCredential }));
  here.admissions.remember(username, 'old rights', admitted({ rights: 'others' }));
  here.admissions.remember(username, 'token', admitted({ credentialId: null, tokenId: 't' }));
  const all = ['same', 'old credential', 'old rights', 'token', 'unknown'];
  here.sessions = all;
  assert.equal(await broker.activate(account(), credentialId), { active: true, sessionsClosed: 3 });
  assert.equal(here.sessions, ['same', 'token']);
  assert.equal(await broker.activate(account(), credentialId), { active: true, sessionsClosed: 0 });
  // Another credential was active: tokens of before end with it.
  here.sessions = all;
  assert.equal(await broker.activate(account(), otherCredential), {
    active: true,
    sessionsClosed: 4,
  });
  assert.equal(here.sessions, ['same']);
});

test('who came in by a certificate while an ended one could still say CONNECT is closed once more', async (here) => {
  const silentMs = 400;
  const revocations = { inForce: () => Promise.resolve() };
  const address = { url: `http://${here.peer.url}`, username: 'key', password: 'secret' };
  const broker = await port(here, 'rabbitmq', emqxSessions('rabbitmq', address), {
    ...{ silentMs, revocations },
  });
  const remember = (name: string, more: Partial<Admitted>) => {
    here.admissions.remember(username, name, admitted(more));
    here.sessions = [...here.sessions, name];
  };
  remember('before', { certificateSerial: 'b2' });
  await broker.activate({ ...account(), certificateSerial: 'b2' }, otherCredential);
  remember('unsure', { certificateSerial: 'b2', atMs: performance.now() });
  remember('password', { atMs: performance.now() });
  remember('after', { certificateSerial: 'b2', atMs: performance.now() + 10 * silentMs });
  assert.equal(here.sessions, ['before', 'unsure', 'password', 'after']);
  await eventually(() => (here.sessions.includes('unsure') ? undefined : true));
  assert.equal(here.sessions, ['before', 'password', 'after']);
});

test('changed rights end the sessions that came in by the old ones, as texts or as they were held', async (here) => {
  const broker = await port(here, 'emqx');
  here.admissions.remember(username, 'same', admitted());
  here.admissions.remember(username, 'held', admitted({ rights: { ...held } }));
  const others = { ...held, publishPrefix: 'other/' };
  here.admissions.remember(username, 'held others', admitted({ rights: others }));
  here.sessions = ['same', 'held', 'held others'];
  await broker.setAuthorization(account());
  assert.equal(here.sessions, ['same', 'held']);
  await broker.setAuthorization(account([]));
  assert.equal(here.sessions, []);
});

test('whether a client is there is asked of the broker, and closes nothing', async (here) => {
  for (const kind of ['emqx', 'rabbitmq'] as const) {
    here.sessions = [];
    const broker = await port(here, kind);
    assert.is(await broker.hasSession(username), false);
    here.sessions = ['unknown'];
    assert.is(await broker.hasSession(username), true);
    assert.equal(here.sessions, ['unknown']);
  }
  assert.ok(here.peer.calls.every(({ method }) => method !== 'DELETE'));
});

test('a token ends its own sessions alone, and those that nobody knows', async (here) => {
  const broker = await port(here, 'emqx');
  here.admissions.remember(username, 'password', admitted());
  here.admissions.remember(username, 'token', admitted({ credentialId: null, tokenId: 't' }));
  here.admissions.remember(username, 'other token', admitted({ credentialId: null, tokenId: 'u' }));
  here.sessions = ['password', 'token', 'other token', 'unknown'];
  assert.is(await broker.disconnect(username, { tokenIds: new Set(['t']) }), 2);
  assert.equal(here.sessions, ['password', 'other token']);
  assert.is(await broker.disconnect(username), 2);
});

test('where sessions cannot be told apart, all stay or none', async (here) => {
  const broker = await port(here, 'rabbitmq');
  here.admissions.remember(username, 'same', admitted());
  here.sessions = ['127.0.0.1:1'];
  assert.equal(await broker.activate(account(), credentialId), { active: true, sessionsClosed: 0 });
  here.sessions = ['127.0.0.1:1', '127.0.0.1:2'];
  assert.equal(await broker.activate(account(), credentialId), { active: true, sessionsClosed: 2 });
  assert.equal(here.sessions, []);
  here.sessions = ['127.0.0.1:3'];
  assert.is(await broker.deactivate(username, null), 1);
  assert.is(here.admissions.of(username).size, 0);
});

test('who was let in a moment ago, and was no session yet, is closed too', async (here) => {
  let looks = 0;
  const closed: boolean[] = [];
  const broker = await port(here, 'emqx', {
    probe: async () => {},
    async close(_username, staying) {
      closed.push(!staying.has('late'));
      return looks++ === 0 ? 0 : 1;
    },
  });
  here.admissions.remember(username, 'late', admitted({ atMs: performance.now() }));
  assert.is(await broker.deactivate(username, null), 1);
  assert.equal(closed, [true, true]);
  assert.is(await broker.deactivate(username, null), 1);
  assert.is(looks, 3, 'without a recent admission once is enough');
});

test('a broker that fails is down, says when it is back, and closes nobody meanwhile', async (here) => {
  const broker = await port(here, 'emqx');
  let back = 0;
  broker.onUp(() => back++);
  here.fault = 503;
  await broker.deactivate(username, null).then(
    () => assert.unreachable(),
    (error) => assert.instance(error, BrokerDown),
  );
  assert.is(broker.status(), 'down');
  here.fault = null;
  assert.is(await broker.deactivate(username, null), 0);
  assert.equal([broker.status(), back], ['up', 1]);
});

test('an account that is refused is waited for, and its cause is named', async (here) => {
  const broker = await port(here, 'emqx');
  here.fault = 401;
  await broker.disconnect(username).then(
    () => assert.unreachable(),
    (error) => {
      assert.instance(error, BrokerDown);
      assert.match(error.message, /emqx refuses the account in GATEBOOK_BROKER \(401\)/);
    },
  );
  assert.is(broker.status(), 'down');
  here.fault = 400;
  await broker.disconnect(username).then(
    () => assert.unreachable(),
    (error) => assert.instance(error, BrokerRefused),
  );
});

const address = { url: 'http://127.0.0.1:1', username: 'key', password: 'hunter2' };
const faultOf = (api: ReturnType<typeof brokerApi>) =>
  api('GET', '/x').then(
    () => assert.unreachable(),
    (error) => error,
  );

test('nobody at the address, and an answer that leads elsewhere, are down', async (here) => {
  const away = await faultOf(brokerApi('emqx', address));
  assert.instance(away, BrokerDown);
  assert.not.match(`${away.message} ${away.stack}`, /hunter2/);
  here.fault = 302;
  const elsewhere = await faultOf(
    brokerApi('emqx', { ...address, url: `http://${here.peer.url}` }),
  );
  assert.instance(elsewhere, BrokerDown);
  assert.ok(here.peer.calls.every(({ path }) => path !== '/elsewhere'));
});

test('an answer that never ends is not kept: the broker is down', async () => {
  const portion = Buffer.alloc(1024 * 1024, 'x');
  let sent = 0;
  const endless = createServer((_request, response) => {
    const write = () => {
      while (!response.destroyed && response.write(portion)) sent += portion.length;
    };
    response.on('drain', write);
    write();
  }).listen(0, '127.0.0.1');
  await once(endless, 'listening');
  const { port } = endless.address() as AddressInfo;
  const api = brokerApi('emqx', { ...address, url: `http://127.0.0.1:${port}` });
  const fault = await faultOf(api);
  endless.close();
  endless.closeAllConnections();
  assert.instance(fault, BrokerDown);
  assert.match(fault.message, /more than is read/);
  assert.ok(sent < 8 * hookApiBytesMax, `${sent} bytes were taken`);
});

test.run();
