/** Every event reaches a SIEM, by each of the ways; real receivers, and the real service. */
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createLogger } from '../../../../src/logger.ts';
import { ndjsonSink } from '../../../../src/notifications/siem/ndjson.ts';
import { siemRecord } from '../../../../src/notifications/siem/record.ts';
import { startSiem } from '../../../../src/notifications/siem/siem.ts';
import { syslogSink } from '../../../../src/notifications/siem/syslog.ts';
import { positionOf } from '../../../../src/store/event-store.ts';
import { until } from '../../../support/mqtt-peers.ts';
import { startRegistry, type World } from '../../../support/service.ts';
import {
  assertAllSent,
  type Sent,
  startHttpReceiver,
  startSyslogReceiver,
} from '../../../support/siem.ts';
import { newEvent } from '../../../support/stored-events.ts';
import { assert, suite } from '../../../support/suite.ts';
import { selfSigned } from '../../../support/tls.ts';

const test = suite('SIEM');
const quiet = { GATEBOOK_MQTT_PORT: 'off', GATEBOOK_HTTPS_PORT: 'off' };

const exported = async ({ call }: World): Promise<string> =>
  (await call('GET', '/api/audit/export')).body;
const sizeOf = async (world: World) => (await exported(world)).trimEnd().split('\n').length;
const highest = (taken: readonly Sent[]) => taken.at(-1)?.index ?? -1;

const ask = ({ call }: World, username: string) =>
  call('POST', '/api/client-registry/register', {
    token: null,
    body: { username, password: 'its-own-secret-0123', context: { site: 'hall of secrets' } },
  });

async function metric({ call }: World, name: string): Promise<number> {
  const text: string = (await call('GET', '/metrics', { token: null })).body;
  return Number(new RegExp(`^gatebook_siem_${name} (\\S+)$`, 'm').exec(text)?.[1]);
}

async function untilMetric(world: World, name: string, above: number): Promise<void> {
  while (!((await metric(world, name)) > above)) await sleep(20);
}

test('NDJSON: each event as it stands in the log; a receiver that refuses is asked again, and nothing is lost', async () => {
  const taken: Sent[] = [];
  const receiver = await startHttpReceiver(taken);
  receiver.state.status = 503;
  const world = await startRegistry({
    ...quiet,
    GATEBOOK_SIEM_URL: receiver.url,
    GATEBOOK_SIEM_TOKEN: 'a-token-for-the-siem',
  });
  try {
    await until(() => receiver.posts.length > 0);
    await world.call('POST', '/api/client-registry/unlock');
    await ask(world, 'press-1');
    // What waits is counted, and keeps nobody from being ready.
    assert.is((await world.call('GET', '/readyz', { token: null })).status, 200);
    assert.ok((await metric(world, 'lag_events')) > 0);
    assert.ok((await metric(world, 'lag_seconds')) > 0);
    await untilMetric(world, 'failures_total', 0);
    const told = () => world.lines.filter((line) => line.includes('do not reach the SIEM'));
    await until(() => told().length > 0);
    // A redirection is none of the receiver's answers.
    receiver.state.status = 307;
    const before = receiver.posts.length;
    await until(() => receiver.posts.length > before);
    receiver.state.status = 200;
    await until(() => world.lines.some((line) => line.includes('reach the SIEM again')));
    assert.is(told().length, 1);
    assertAllSent(taken, await exported(world));
    assert.is(await metric(world, 'delivered_total'), taken.length);
    assert.is(await metric(world, 'lag_events'), 0);

    const [post] = receiver.posts;
    assert.is(post?.headers['content-type'], 'application/x-ndjson');
    assert.is(post?.headers.authorization, 'Bearer a-token-for-the-siem');
    assert.not.match(receiver.posts.map(({ body }) => body).join(''), 'hall of secrets');
    assert.not.match(world.lines.join(''), 'a-token-for-the-siem');

    // What was sent is not sent again after a restart.
    const count = taken.length;
    await world.restart();
    await world.call('POST', '/api/client-registry/lock');
    const size = await sizeOf(world);
    await until(() => highest(taken) === size - 1);
    assert.ok(taken.slice(count).every(({ index }) => index >= count));
  } finally {
    await world.stop();
    await receiver.close();
  }
});

test('a receiver that takes for ever is given up in time, told of, and tried again', async () => {
  const event = newEvent();
  const stored = { ...event, stream: 'role-a', revision: 0, position: positionOf(1) };
  const silent = createServer(() => undefined).listen(0, '127.0.0.1');
  await once(silent, 'listening');
  const { port } = silent.address() as AddressInfo;
  for (const sink of [
    ndjsonSink({ url: `http://127.0.0.1:${port}`, authorization: null, ca: null }, { logId: 'a' }),
    syslogSink({ host: '127.0.0.1', port, tls: true, ca: null }, { logId: 'a', hostname: 'b' }),
  ]) {
    const lines: string[] = [];
    const logger = createLogger({ level: 'info', write: (line) => lines.push(line) });
    const ending = new AbortController();
    const hash = siemRecord(stored, 0).hash;
    const siem = startSiem({
      ...{ sink, logger, from: 'beginning', portionMaxMs: 20, signal: ending.signal },
      store: { logId: 'a', readAll: async () => [stored] },
      tree: {
        ...{ size: () => 1, positionOf: () => stored.position, momentOf: () => '' },
        ...{ leaf: () => Buffer.from(hash, 'hex'), leaves: () => [Buffer.from(hash, 'hex')] },
      },
      job: {
        lease: { held: () => true, whileHeld: (signal, work) => work(signal) },
        readNote: async () => null,
        writeNote: async () => undefined,
      },
      caughtUp: async () => true,
      onApplied: () => undefined,
      onDifference: () => assert.unreachable(),
      metrics: { delivered: () => assert.unreachable(), failed: () => undefined },
      now: () => '2026-11-29T10:00:00.000Z',
    });
    await until(() => lines.some((line) => line.includes('no answer in time')));
    assert.is(siem.lag().events, 1);
    ending.abort();
    await siem.ended;
  }
  silent.close();
});

test('from now on, where that is wanted: not what was before', async () => {
  const taken: Sent[] = [];
  const receiver = await startHttpReceiver(taken);
  const world = await startRegistry(quiet);
  try {
    const first = await sizeOf(world);
    const to = { GATEBOOK_SIEM_URL: receiver.url, GATEBOOK_SIEM_FROM: 'now' };
    await world.restart(to);
    await until(() => world.lines.some((line) => line.includes('are sent to the SIEM')));
    // Nothing is sent yet, and where it begins is on disk all the same.
    await world.restart(to);
    await world.call('POST', '/api/client-registry/unlock');
    const size = await sizeOf(world);
    await until(() => highest(taken) === size - 1);
    assertAllSent(taken, await exported(world), first);
    // A note of another log counts for nothing: everything is sent.
    await world.restart();
    await writeFile(
      join(world.dataDir, 'siem.json'),
      JSON.stringify({ logId: 'another', index: 2, position: '2', hash: 'ab' }),
    );
    taken.length = 0;
    await world.restart(to);
    await until(() => highest(taken) >= size - 1);
    assertAllSent(taken, await exported(world));
  } finally {
    await world.stop();
    await receiver.close();
  }
});

test('syslog by TLS: a receiver that cannot be trusted gets nothing', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'gatebook-siem-'));
  const own = await selfSigned();
  await writeFile(join(folder, 'key.pem'), own.key);
  await writeFile(join(folder, 'cert.pem'), own.cert);
  const taken: Sent[] = [];
  const receiver = await startSyslogReceiver(taken, {
    TLS_KEY: join(folder, 'key.pem'),
    TLS_CERT: join(folder, 'cert.pem'),
  });
  const to = { GATEBOOK_SIEM_URL: `syslog+tls://localhost:${receiver.port}` };
  const world = await startRegistry({ ...quiet, ...to });
  try {
    await untilMetric(world, 'failures_total', 0);
    assert.match(world.lines.join(''), /"detail":"DEPTH_ZERO_SELF_SIGNED_CERT"/);
    assert.equal(taken, []);
    await world.restart({ GATEBOOK_SIEM_CA: own.cert });
    const size = await sizeOf(world);
    await until(() => highest(taken) === size - 1);
    assertAllSent(taken, await exported(world));
  } finally {
    await world.stop();
    await receiver.kill();
    await rm(folder, { recursive: true });
  }
});

test.run();
