/**
 * One client of the embedded broker floods, subscribes to everything of its own by wildcards, keeps large retained sets or reads
 * nothing: of what two others say to each other nothing is lost. How long it takes is a figure.
 */
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { connected, publish, subscribed } from '../../support/mqtt-peers.ts';
import { newFolder, removeFolder, type Served, serve } from '../../support/process.ts';
import type { Given, Told, Trial } from '../../trials/trial.ts';

const kinds = ['nobody', 'publish flood', 'wildcards', 'retained sets', 'slow readers'] as const;
const [wholeMs, shortMs, everyMs] = [15_000, 400, 20];
const payloadBytes = 500;
const [manyWhole, manyShort] = [100, 5];
const noisy = { username: 'noisy', password: '0123456789abcdef0123456789abcdef' };
const quiet = { username: 'quiet', password: 'fedcba9876543210fedcba9876543210' };

async function admitted(served: Served, token: string): Promise<void> {
  const permissions = [
    { context: 'mqtt', operation: 'readWrite', resource: `plant/\${username}/#` },
  ];
  for (const one of [noisy, quiet])
    await served.call('POST', '/api/users', { token, body: { ...one, permissions } });
}

/** Milliseconds from each message to its arrival; rejects where one does not arrive. */
async function conversation({ mqttPort }: Served, forMs: number): Promise<number[]> {
  const topic = `plant/${quiet.username}/said`;
  const reader = await connected(mqttPort, { ...quiet, clientId: 'hears' });
  await subscribed(reader, [topic], { qos: 0 });
  const writer = await connected(mqttPort, { ...quiet, clientId: 'says' });
  const times: number[] = [];
  for (const endMs = performance.now() + forMs; performance.now() < endMs; await delay(everyMs)) {
    const saidMs = performance.now();
    writer.send(publish(topic, String(times.length)));
    const { payload } = await reader.take('publish');
    if (String(payload) !== String(times.length)) throw new Error(`${payload} came out of turn`);
    times.push(performance.now() - saidMs);
  }
  reader.end();
  writer.end();
  return times;
}

async function underAttack(served: Served, kind: string, forMs: number): Promise<string> {
  const many = forMs > shortMs ? manyWhole : manyShort;
  const workerData = { ...noisy, port: served.mqttPort, kind, size: payloadBytes, many };
  const file = new URL('../noisy.ts', import.meta.url);
  const worker = kind === 'nobody' ? null : new Worker(file, { workerData });
  if (worker !== null) await once(worker, 'message');
  try {
    const times = (await conversation(served, forMs)).sort((a, b) => a - b);
    const at = (share: number) => (times[Math.floor(times.length * share)] ?? 0).toFixed(0);
    return `${kind} p50 ${at(0.5)} p99 ${at(0.99)}`;
  } finally {
    worker?.postMessage('end');
    if (worker !== null) await once(worker, 'exit');
  }
}

async function run({ share }: Given): Promise<Told> {
  const forMs = Math.max(shortMs, wholeMs * share);
  const dataDir = await newFolder();
  const violations: string[] = [];
  const told: string[] = [];
  try {
    const served = await serve(dataDir, {
      ...{ GATEBOOK_SOURCE_ATTEMPTS_PER_MINUTE: '0', GATEBOOK_HTTPS_PORT: 'off' },
      ...{ GATEBOOK_MQTT_WS_PORT: 'off', GATEBOOK_LOG_LEVEL: 'error' },
    });
    await admitted(served, await served.signIn());
    for (const kind of kinds)
      try {
        told.push(await underAttack(served, kind, forMs));
      } catch (error) {
        violations.push(`${kind}: ${(error as Error).message}`);
      }
    const { status } = await served.call('GET', '/healthz');
    if (status !== 200) violations.push(`afterwards /healthz answers ${status}`);
    served.kill('SIGTERM');
    if ((await served.ended) !== 0) violations.push('SIGTERM did not end it with 0');
  } finally {
    await removeFolder(dataDir);
  }
  return { rounds: kinds.length, figures: `${told.join(', ')} (ms)`, violations };
}

export const neighbours: Trial = {
  name: 'neighbours',
  title: 'one client starving another at MQTT',
  inTurn: true,
  run,
};
