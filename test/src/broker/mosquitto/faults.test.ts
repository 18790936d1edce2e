/** Mosquitto that goes away, forgets everything, or was meddled with; and the comparison with the log. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { compiled } from '../../../../domain/matching.ts';
import type { Permission } from '../../../../domain/permission.ts';
import { startMosquitto } from '../../../../src/broker/mosquitto/adapter.ts';
import { runCommandLine } from '../../../../src/cli/run.ts';
import { processEnvironment } from '../../../../src/config/reading.ts';
import { createLogger } from '../../../../src/logger.ts';
import { connected, until } from '../../../support/mqtt-peers.ts';
import { skipped } from '../../../support/skipped.ts';
import { assert, suite } from '../../../support/suite.ts';
import { controlPassword, controlUsername, mosquittoIsHere } from './peer.ts';
import { type Beside, besideMosquitto, may } from './world.ts';

const test = suite('mosquitto faults');
const isHere = mosquittoIsHere();
if (!isHere) skipped('no mosquitto here');
let beside: Beside;

test.before.each(async () => {
  if (!isHere) return;
  beside = await besideMosquitto();
  await beside.unlock();
});
test.after.each(async () => {
  if (isHere) await beside.clean();
});

const when = (name: string, run: () => Promise<void>) =>
  test(name, async () => {
    if (isHere) await run();
  });

const codeOf = async (username: string, password: string) => {
  const client = await connected(beside.peer.port, { clientId: username, username, password });
  client.end();
  return client.code;
};
const health = () => beside.world.running.app.health();

when('killed before the grant and started after it: the client is active by itself', async () => {
  const requestId = await beside.asked('press-1', 'hunter-22');
  await beside.staged('press-1');
  await beside.peer.kill();
  await until(() => health()['broker:mosquitto'] === 'down');

  const granted = await beside.grant(requestId, may('write', 'a'));
  assert.is(granted.status, 200);
  const statuses = granted.body.activations.map(
    ({ broker, status }: { broker: string; status: string }) => `${broker} ${status}`,
  );
  assert.equal(statuses, ['embedded active', 'mosquitto waiting']);
  assert.is((await beside.world.call('GET', '/readyz', { token: null })).status, 503);

  await beside.peer.start();
  await beside.becomes('press-1', 'active');
  assert.is(await codeOf('press-1', 'hunter-22'), 0);
});

when('down at the request too: the password waits a while in memory', async () => {
  await beside.peer.kill();
  await until(() => health()['broker:mosquitto'] === 'down');
  const requestId = await beside.asked('press-2', 'hunter-22');
  await beside.grant(requestId, may('write', 'a'));
  await beside.peer.start();
  await beside.becomes('press-2', 'active');
  assert.is(await codeOf('press-2', 'hunter-22'), 0);
});

/** Mosquitto ends before it has written what it acknowledged of the request: it has the accounts of before. */
async function diesWithWhatItTook(): Promise<void> {
  await beside.peer.kill();
  beside.peer.empty();
  await until(() => health()['broker:mosquitto'] === 'down');
  await beside.peer.start();
  await until(() => health()['broker:mosquitto'] === 'up');
}

when(
  'killed before it wrote what the request left there: the next poll leaves it anew',
  async () => {
    const requestId = await beside.asked('press-5', 'hunter-22');
    await beside.staged('press-5');
    await diesWithWhatItTook();
    await beside.ask('press-5', 'hunter-22');
    await beside.staged('press-5');
    const granted = await beside.grant(requestId, may('write', 'a'));
    const { status } = granted.body.activations.find(
      ({ broker }: { broker: string }) => broker === 'mosquitto',
    );
    assert.is(status, 'active');
    assert.is(await codeOf('press-5', 'hunter-22'), 0);
  },
);

when('without a poll in between the administrator reads why, and what is needed', async () => {
  const requestId = await beside.asked('press-6', 'hunter-22');
  await beside.staged('press-6');
  await diesWithWhatItTook();
  await beside.grant(requestId, may('write', 'a'));
  await until(() => beside.world.running.app.health()['broker:mosquitto'] === 'up');
  const detail = async () => (await beside.activation('press-6'))?.detail ?? '';
  while ((await detail()) === '') await beside.activation('press-6');
  assert.match(await detail(), 'ended before it had written it down');
  assert.match(await detail(), 'once the client has shown it to the registry again');
  assert.is(await codeOf('press-6', 'hunter-22'), 5);
  assert.is((await beside.ask('press-6', 'hunter-22')).status, 201);
  await beside.becomes('press-6', 'active');
  assert.is(await codeOf('press-6', 'hunter-22'), 0);
});

when('a revocation reaches a broker that was down', async () => {
  await beside.grant(await beside.asked('press-3', 'hunter-22'), may('write', 'a'));
  await beside.peer.kill();
  await until(() => health()['broker:mosquitto'] === 'down');
  await beside.act('press-3', 'revoke');
  await beside.peer.start();
  await beside.gone('press-3');
});

when('an emptied broker is rebuilt from the log as passwords are shown again', async () => {
  await beside.grant(await beside.asked('press-4', 'hunter-22'), may('write', 'a'));
  await beside.peer.kill();
  beside.peer.empty();
  await beside.peer.start();
  await beside.becomes('press-4', 'waiting');
  assert.match((await beside.activation('press-4'))?.detail ?? '', 'does not know its password');
  assert.equal(await beside.reconcile(), [{ username: 'press-4', kind: 'missing' }]);

  assert.is((await beside.ask('press-4', 'hunter-22')).status, 201);
  await beside.becomes('press-4', 'active');
  assert.is(await codeOf('press-4', 'hunter-22'), 0);
  assert.equal(await beside.reconcile(), []);
});

when('the comparison finds a back door, and repairs what the log owns alone', async () => {
  const { peer, reconcile } = beside;
  for (const name of ['meter-1', 'meter-2', 'meter-3', 'meter-4'])
    await beside.grant(await beside.asked(name, 'hunter-22'), may('write', name));
  await beside.act('meter-4', 'suspend');
  peer.control('createClient', 'back-door', '-p', 'let-me-in');
  peer.control('deleteClient', 'meter-1');
  peer.control('addClientRole', 'meter-2', 'admin', '9');
  peer.control('disableClient', 'meter-3');
  peer.control('enableClient', 'meter-4');
  const byName = (one: { username: string }, other: { username: string }) =>
    one.username < other.username ? -1 : 1;
  assert.equal((await reconcile()).sort(byName), [
    { username: 'back-door', kind: 'stranger' },
    { username: 'meter-1', kind: 'missing' },
    { username: 'meter-2', kind: 'rights' },
    { username: 'meter-3', kind: 'enabled' },
    { username: 'meter-4', kind: 'enabled' },
  ]);
  assert.equal((await reconcile(true)).sort(byName), [
    { username: 'back-door', kind: 'stranger' },
    { username: 'meter-1', kind: 'missing' },
  ]);
  assert.is(await codeOf('back-door', 'let-me-in'), 0);
  assert.is(await codeOf('meter-3', 'hunter-22'), 0);
  assert.is(await codeOf('meter-4', 'hunter-22'), 5);
  assert.not.match(JSON.stringify(beside.account('meter-2')), '"admin"');
  assert.is((await beside.activation('meter-1'))?.status, 'waiting');
});

when(
  'gatebook reconcile prints the report and exits with 1 while differences are left',
  async () => {
    beside.peer.control('createClient', 'back-door', '-p', 'let-me-in');
    const said: string[] = [];
    const stream = { isTTY: false, write: (text: string) => said.push(text) > 0 };
    const home = mkdtempSync(join(tmpdir(), 'gatebook-home-'));
    const run = (...args: string[]) =>
      runCommandLine(
        args,
        {
          PATH: processEnvironment().PATH,
          HOME: home,
          GATEBOOK_URL: beside.world.url,
          GATEBOOK_TOKEN: beside.world.token,
        },
        { stdout: stream as never, stderr: stream as never },
      );
    assert.is(await run('reconcile', 'mosquitto', '--repair'), 1);
    assert.match(said.join(''), /back-door\s+stranger/);
    assert.is(await run('reconcile', 'embedded'), 0);
    assert.is(await run('reconcile', 'emqx'), 3);
    assert.is(await run('brokers'), 0);
    assert.match(said.join(''), /mosquitto\s+mosquitto\s+up\s+1/);
    rmSync(home, { recursive: true });
  },
);

const bySocket = (more: Partial<Parameters<typeof startMosquitto>[0]>) =>
  startMosquitto({
    name: 'socket',
    address: {
      transport: { kind: 'unix', path: beside.peer.socket },
      username: controlUsername,
      password: controlPassword,
    },
    logId: '00000000-0000-4000-8000-000000000000',
    urls: () => [],
    logger: createLogger({ level: 'error', write: () => undefined }),
    ...{ ownSecretOf: () => '', isBehindGateway: false, revocations: null },
    ...more,
  });

when('by a Unix socket, and never more laid ready than the limit', async () => {
  const broker = bySocket({ stagedMax: 2 });
  await new Promise<void>((resolve) => broker.onUp(resolve));
  for (const username of ['one', 'two', 'three']) {
    const credentialId = `credential-of-${username}`;
    assert.is(broker.stage({ username, credentialId, password: 'hunter-22' }), true);
    await broker.hold(username, credentialId);
  }
  const laid = (await broker.list())?.map(({ username }) => username);
  assert.equal(laid, ['one', 'two']);
  assert.is(
    broker.stage({ username: 'one', credentialId: 'credential-of-one', password: '' }),
    false,
  );
  await broker.close();
});

when('sessions are closed once more when nothing from before its end can open one', async () => {
  const silentMs = 700;
  const broker = bySocket({ silentMs, revocations: { inForce: () => Promise.resolve() } });
  await new Promise<void>((resolve) => broker.onUp(resolve));
  const permissions = [may('readWrite', 'plant/#')] as Permission[];
  const username = 'press-1';
  const activate = (credentialId: string, certificateSerial: string | null) => {
    broker.stage({ username, credentialId, password: 'hunter-22' });
    const account = {
      ...{ username, credentialId, certificateSerial, permissions },
      ...{ hasReplaced: false, passwordOpens: true, publishPrefix: null, pinnedClientId: null },
      compiled: compiled(permissions),
    };
    return broker.activate(account, null);
  };
  const session = () =>
    connected(beside.peer.port, { clientId: 'one', username, password: 'hunter-22' });
  await activate('first', 'a1');
  for (const [credentialId, serial] of [
    ['second', 'b2'],
    ['second', 'c3'],
  ] as const) {
    await activate(credentialId, serial);
    const client = await session();
    const began = performance.now();
    assert.is(client.code, 0);
    await client.closed;
    assert.ok(performance.now() - began > silentMs / 4, 'not with the change itself');
  }
  const client = await session();
  await sleep(2 * silentMs);
  client.send({ cmd: 'pingreq' });
  await client.take('pingresp');
  client.end();
  await broker.close();
});

test.run();
