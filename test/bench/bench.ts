/**
 * Measures Gatebook beside the bare parts it is made of, in one run: a ratio says more than a figure of a
 * noisy machine. `npm run bench`, or `npm run bench -- http` for one part.
 */
import { randomBytes, randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { parseConfig } from '../../src/config/config.ts';
import { rebuildReadModels } from '../../src/main.ts';
import { noStream } from '../../src/store/event-store.ts';
import { openSqliteStore } from '../../src/store/sqlite/store.ts';
import { callMany, type Load, timed } from './load.ts';
import { connectMany, publishMany } from './mqtt-load.ts';
import { ended, serve, started } from './served.ts';

const rounds = 3;
const bare = join(import.meta.dirname, 'bare.ts');

const median = (values: readonly number[]) =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;

/** Prints one line: what, our median, theirs, and the ratio. */
function line(what: string, ours: readonly number[], theirs?: readonly number[], name = ''): void {
  const rate = (value: number) => `${Math.round(value).toLocaleString('en')}/s`.padStart(12);
  const against =
    theirs === undefined
      ? ''
      : `${rate(median(theirs))}  ${name}  ratio ${(median(ours) / median(theirs)).toFixed(2)}`;
  console.log(`${what.padEnd(40)}${rate(median(ours))}${against}`);
}

const latency = (what: string, load: Load) =>
  console.log(
    `${what.padEnd(40)}        p50 ${load.p50Ms.toFixed(1)} ms, p99 ${load.p99Ms.toFixed(1)} ms`,
  );

async function http(): Promise<void> {
  const koa = await started(process.execPath, [bare, 'koa'], 'ready');
  const koaUrl = `http://127.0.0.1:${koa.line.split(' ')[1]}`;
  const gatebook = await serve();
  const many = { count: 4_000, atOnce: 32 };
  const authorization = { Authorization: `Bearer ${gatebook.token}` };
  const plain: number[] = [];
  const health: number[] = [];
  const whoami: number[] = [];
  for (let round = 0; round < rounds; round++) {
    plain.push((await callMany(koaUrl, many, () => ({ path: '/' }))).perSecond);
    health.push((await callMany(gatebook.http, many, () => ({ path: '/healthz' }))).perSecond);
    const who = () => ({ path: '/api/whoami', headers: authorization });
    whoami.push((await callMany(gatebook.http, many, who)).perSecond);
  }
  line('GET /healthz', health, plain, 'bare Koa');
  line('GET /api/whoami (token)', whoami, plain, 'bare Koa');
  await gatebook.stop();
  await ended(koa.child);
}

async function door(): Promise<void> {
  const gatebook = await serve();
  const count = 3_000;
  const bodies = Array.from({ length: count }, (_, index) =>
    JSON.stringify({ username: `device-${index}`, password: randomBytes(16).toString('hex') }),
  );
  const ask = () =>
    callMany(gatebook.http, { count, atOnce: 32 }, (index) => ({
      method: 'POST',
      path: '/api/client-registry/register',
      body: bodies[index] ?? '',
    }));
  const show = (what: string, load: Load) => {
    line(`${what} ${JSON.stringify(load.statuses)}`, [load.perSecond]);
    latency('', load);
  };
  show('register, locked', await ask());
  await gatebook.post('/api/client-registry/unlock', { maxRequests: 1_000_000 });
  show('register, new (durable)', await ask());
  show('register, poll', await ask());
  const grants = await timed(200, 8, async (index) => {
    const page = await fetch(
      `${gatebook.http}/api/client-registry/requests?q=device-${1_000 + index}`,
      {
        headers: { Authorization: `Bearer ${gatebook.token}` },
      },
    );
    const { items } = (await page.json()) as { items: { requestId: string }[] };
    await gatebook.post(`/api/client-registry/requests/${items[0]?.requestId}/grant`, {});
    return 200;
  });
  show('find and grant, until active', grants);
  await gatebook.stop();
}

async function broker(): Promise<void> {
  const plain = await started(process.execPath, [bare, 'aedes'], 'ready');
  const plainUrl = `mqtt://127.0.0.1:${plain.line.split(' ')[1]}`;
  const gatebook = await serve();
  const login = { username: 'bench-client', password: randomBytes(16).toString('hex') };
  await gatebook.post('/api/users', {
    ...login,
    permissions: [{ context: 'mqtt', resource: 'plant/#', operation: 'readWrite' }],
  });
  const ours = { connects: [] as number[], qos0: [] as number[], qos1: [] as number[] };
  const theirs = { connects: [] as number[], qos0: [] as number[], qos1: [] as number[] };
  for (let round = 0; round < rounds; round++) {
    theirs.connects.push((await connectMany(plainUrl, 600, 16, () => undefined)).perSecond);
    ours.connects.push((await connectMany(gatebook.mqtt, 600, 16, () => login)).perSecond);
    for (const qos of [0, 1] as const) {
      const to = qos === 0 ? 'qos0' : 'qos1';
      theirs[to].push(await publishMany(plainUrl, 10_000, qos, undefined));
      ours[to].push(await publishMany(gatebook.mqtt, 10_000, qos, login));
    }
  }
  line('MQTT connects, with a password', ours.connects, theirs.connects, 'bare aedes, none');
  line('MQTT QoS 0 messages', ours.qos0, theirs.qos0, 'bare aedes');
  line('MQTT QoS 1 messages', ours.qos1, theirs.qos1, 'bare aedes');
  await gatebook.stop();
  await ended(plain.child);
}

const someEvent = () => ({
  eventId: randomUUID(),
  type: 'TokenRevoked',
  data: {
    tokenId: randomUUID(),
    username: 'somebody',
    at: new Date().toISOString(),
    by: { kind: 'user', name: 'somebody' },
  },
  metadata: { correlationId: randomUUID(), causationId: null },
});

async function store(): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'gatebook-bench-'));
  const log = openSqliteStore({ file: join(folder, 'log.sqlite') });
  const raw = new DatabaseSync(join(folder, 'raw.sqlite'));
  raw.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; CREATE TABLE e (data TEXT)');
  const insert = raw.prepare('INSERT INTO e VALUES (?)');
  const row = JSON.stringify(someEvent());
  const append = () => log.append(`token-${randomUUID()}`, noStream, [someEvent()]);
  const single = { ours: [] as number[], raw: [] as number[] };
  const group: number[] = [];
  for (let round = 0; round < rounds; round++) {
    single.raw.push((await timed(1_000, 1, async () => Number(insert.run(row).changes))).perSecond);
    single.ours.push((await timed(1_000, 1, async () => (await append()).revision)).perSecond);
    group.push((await timed(6_400, 64, async () => (await append()).revision)).perSecond);
  }
  line('append, one at a time (durable)', single.ours, single.raw, 'raw SQLite insert');
  line('append, 64 at once (durable)', group, single.raw, 'raw SQLite insert');
  await log.close();
  raw.close();

  const before = performance.now();
  const config = parseConfig({ GATEBOOK_DATA_DIR: folder });
  let events = 0;
  await rebuildReadModels(config, ({ total }) => {
    events = total;
  });
  line('rebuild of all read models, events', [events / ((performance.now() - before) / 1_000)]);
  await rm(folder, { recursive: true, force: true });
}

const parts = { store, http, door, broker };
const wanted = process.argv[2];
for (const [name, part] of Object.entries(parts))
  if (wanted === undefined || wanted === name) {
    console.log(`\n${name}`);
    await part();
  }
