/**
 * One client of the embedded broker floods, subscribes to everything by wildcards, keeps large retained sets or reads
 * nothing: of what two others say to each other nothing is lost, and it takes about as long as in quiet.
 */
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { connected, publish, subscribed } from '../../support/mqtt-peers.ts';
import { newFolder, removeFolder, type Served, serve } from '../../support/process.ts';
import type { Given, Told, Trial } from '../../trials/trial.ts';
import { at, heldUp, type Waits } from '../waits.ts';

const kinds = [
  ...['publish flood', 'acknowledged flood', 'wildcards', 'greedy readers', 'retained sets'],
  ...['slow readers', 'filters', 'pings'],
];
const [wholeMs, shortMs, everyMs] = [15_000, 400, 20];
const payloadBytes = 500;
const [manyWhole, manyShort] = [100, 5];
const noisy = { username: 'noisy', password: '0123456789abcdef0123456789abcdef' };
const quiet = { username: 'quiet', password: 'fedcba9876543210fedcba9876543210' };

async function admitted(served: Served, token: string): Promise<void> {
  const permissions = [
    { context: 'mqtt', operation: 'readWrite', resource: `plant/\${username}/#` },
  ];
  // It may read what the others say.
  const all = [...permissions, { context: 'mqtt', operation: 'read', resource: 'plant/#' }];
  await served.call('POST', '/api/users', { token, body: { ...noisy, permissions: all } });
  await served.call('POST', '/api/users', { token, body: { ...quiet, permissions } });
}

/** Milliseconds of the processor that the service's main thread has had; undefined where the system does not tell. */
async function workedMs(pid: number): Promise<number | undefined> {
  const text = await readFile(`/proc/${pid}/task/${pid}/schedstat`, 'utf8').catch(() => undefined);
  return text === undefined ? undefined : Number(text.split(' ')[0]) / 1e6;
}

/** Rejects where a message does not arrive. */
async function conversation({ mqttPort, pid }: Served, forMs: number): Promise<Waits> {
  const topic = `plant/${quiet.username}/said`;
  const reader = await connected(mqttPort, { ...quiet, clientId: 'hears' });
  await subscribed(reader, [topic], { qos: 0 });
  const writer = await connected(mqttPort, { ...quiet, clientId: 'says' });
  const waits = { tookMs: [] as number[], workedMs: [] as number[] };
  for (const endMs = performance.now() + forMs; performance.now() < endMs; await delay(everyMs)) {
    const before = await workedMs(pid);
    const saidMs = performance.now();
    const said = String(waits.tookMs.length);
    writer.send(publish(topic, said));
    const { payload } = await reader.take('publish');
    if (String(payload) !== said) throw new Error(`${payload} came out of turn`);
    waits.tookMs.push(performance.now() - saidMs);
    const after = await workedMs(pid);
    if (before !== undefined && after !== undefined) waits.workedMs.push(after - before);
  }
  reader.end();
  writer.end();
  return waits;
}

async function underAttack(served: Served, kind: string, forMs: number): Promise<Waits> {
  const many = forMs > shortMs ? manyWhole : manyShort;
  const workerData = { ...noisy, port: served.mqttPort, kind, size: payloadBytes, many };
  const worker = new Worker(new URL('../noisy.ts', import.meta.url), { workerData });
  await once(worker, 'message');
  try {
    return await conversation(served, forMs);
  } finally {
    worker.postMessage('end');
    await once(worker, 'exit');
  }
}

function told(kind: string, { tookMs, workedMs }: Waits): string {
  const [p50, p99, worked] = [at(tookMs, 0.5), at(tookMs, 0.99), at(workedMs, 0.99)];
  return `${kind} p50 ${p50.toFixed(0)} p99 ${p99.toFixed(0)} (worked ${worked.toFixed(0)})`;
}

async function abuses(served: Served, forMs: number): Promise<Omit<Told, 'rounds'>> {
  const calm = await conversation(served, forMs);
  const figures = [told('nobody', calm)];
  const violations: string[] = [];
  for (const kind of kinds)
    try {
      const during = await underAttack(served, kind, forMs);
      figures.push(told(kind, during));
      violations.push(...heldUp(kind, calm, during));
    } catch (error) {
      violations.push(`${kind}: ${(error as Error).message}`);
    }
  return { figures: `${figures.join(', ')} (ms)`, violations };
}

async function run({ share }: Given): Promise<Told> {
  const dataDir = await newFolder();
  try {
    const served = await serve(dataDir, {
      ...{ GATEBOOK_SOURCE_ATTEMPTS_PER_MINUTE: '0', GATEBOOK_HTTPS_PORT: 'off' },
      ...{ GATEBOOK_MQTT_WS_PORT: 'off', GATEBOOK_LOG_LEVEL: 'error' },
    });
    await admitted(served, await served.signIn());
    const { figures, violations } = await abuses(served, Math.max(shortMs, wholeMs * share));
    const after: string[] = [];
    const { status } = await served.call('GET', '/healthz');
    if (status !== 200) after.push(`afterwards /healthz answers ${status}`);
    served.kill('SIGTERM');
    if ((await served.ended) !== 0) after.push('SIGTERM did not end it with 0');
    return { rounds: kinds.length, figures, violations: [...violations, ...after] };
  } finally {
    await removeFolder(dataDir);
  }
}

export const neighbours: Trial = {
  name: 'neighbours',
  title: 'one client starving another at MQTT',
  inTurn: true,
  run,
};
