/** Names that nobody has heard of, by the million, while locked: no event, and memory that is bounded. */
import { readFileSync } from 'node:fs';
import { Agent } from 'node:https';
import { addressOf } from '../../faults/deeds/deeds.ts';
import { csrDer, keyPairs } from '../../support/csr.ts';
import { registerPath } from '../../support/door.ts';
import { enrol } from '../../support/est.ts';
import { connected } from '../../support/mqtt-peers.ts';
import { newFolder, removeFolder, type Served, serve } from '../../support/process.ts';
import type { Given, Told, Trial } from '../../trials/trial.ts';
import { askRaw, pipelineTo } from '../raw-http.ts';

const [restWhole, mqttWhole, estWhole, windowWhole] = [1_000_000, 50_000, 50_000, 100_000];
/** Fewer say nothing. */
const namesMin = 500;
const estMin = 100;
const cap = 100;
const [connections, mqttAtOnce, estAtOnce] = [64, 32, 16];
/** Bytes in memory beyond what it had before. */
const growthBytesMax = 150 * 1024 * 1024;

const residentBytes = ({ pid }: Served): number =>
  1_024 * Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);

/** A password of 128 bits and more is judged without a slow hash; every tenth MQTT client has a weak one, which takes it. */
const strong = '0123456789abcdef0123456789abcdef';
const slowEvery = 10;

const bodyOf = (username: string) => JSON.stringify({ username, password: strong });

/** How often each status came. */
async function askAll(served: Served, stem: string, count: number): Promise<Map<number, number>> {
  const statuses = new Map<number, number>();
  let next = 0;
  const one = async () => {
    const line = await pipelineTo(served.url);
    while (next < count) {
      const { status } = await line.ask(askRaw('POST', registerPath, bodyOf(`${stem}-${next++}`)));
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
    }
    line.end();
  };
  await Promise.all(Array.from({ length: connections }, one));
  return statuses;
}

async function connectAll({ mqttPort }: Served, count: number, violations: string[]) {
  let next = 0;
  const one = async () => {
    while (next < count) {
      const username = `made-up-mqtt-${next++}`;
      const password = next % slowEvery === 0 ? username : strong;
      const client = await connected(mqttPort, { username, password, clientId: '' });
      client.end();
      if (client.code === 0) violations.push(`${username} was let in`);
    }
  };
  await Promise.all(Array.from({ length: mqttAtOnce }, one));
}

/** Each name once, with a request signed by its own key; every other one with a password beside it. */
async function enrolAll(served: Served, count: number, violations: string[]) {
  const ca = (await served.call('GET', '/ca/certificate')).body;
  const [url, agent] = [addressOf(served, 'https'), new Agent({ keepAlive: true })];
  const keys = keyPairs.p256();
  let next = 0;
  const one = async () => {
    while (next < count) {
      const number = next++;
      const username = `made-up-est-${number}`;
      const csr = csrDer({ username, ...keys }).toString('base64');
      const basic = number % 2 === 0 ? {} : { basic: `${username}:${strong}` };
      const { status } = await enrol({} as never, csr, { url, ca, agent, ...basic });
      // Told as waiting, since a client of EST asks again (RFC 7030, section 4.2.3).
      if (status !== 202) violations.push(`${username} is told ${status}`);
    }
  };
  await Promise.all(Array.from({ length: estAtOnce }, one));
  agent.destroy();
}

async function run({ share }: Given): Promise<Told> {
  const some = (whole: number, min = namesMin) => Math.max(min, Math.round(whole * share));
  const [rest, mqtt, window] = [some(restWhole), some(mqttWhole), some(windowWhole)];
  const est = some(estWhole, estMin);
  const dataDir = await newFolder();
  const violations: string[] = [];
  try {
    const served = await serve(dataDir, {
      ...{ GATEBOOK_SOURCE_ATTEMPTS_PER_MINUTE: '0', GATEBOOK_HTTPS_PORT: '0' },
      GATEBOOK_LOG_LEVEL: 'error',
    });
    const token = await served.signIn();
    const get = (path: string) => served.call('GET', path, { token });
    const lastEvent = async () => (await get('/api/audit/events?limit=1')).body.items[0].position;
    const before = { position: await lastEvent(), bytes: residentBytes(served) };
    const locked = await askAll(served, 'made-up', rest);
    if (locked.get(423) !== rest) violations.push(`while locked: ${JSON.stringify([...locked])}`);
    await connectAll(served, mqtt, violations);
    await enrolAll(served, est, violations);
    const { items: waiting } = (await get('/api/client-registry/requests?status=pending')).body;
    if (waiting.length > 0) violations.push(`${waiting.length} wait in a locked registry`);
    if ((await lastEvent()) !== before.position) violations.push('a name left an event');
    const grown = residentBytes(served) - before.bytes;
    if (grown > growthBytesMax) violations.push(`${grown} bytes more in memory`);

    const body = { maxRequests: cap, durationMs: 3_600_000 };
    await served.call('POST', '/api/client-registry/unlock', { token, body });
    const asked = await askAll(served, 'capped', window);
    if (asked.get(202) !== cap)
      violations.push(`in a window of ${cap}: ${JSON.stringify([...asked])}`);
    const { items } = (await get('/api/client-registry/requests?status=pending&limit=1000')).body;
    if (items.length !== cap) violations.push(`${items.length} wait where ${cap} may`);
    served.kill('SIGTERM');
    await served.ended;
    const figures = `${rest} by REST, ${mqtt} by MQTT, ${est} by EST: ${Math.round(grown / 1024 / 1024)} MiB more; ${window} in a window: ${cap} wait`;
    return { rounds: rest + mqtt + est + window, figures, violations };
  } finally {
    await removeFolder(dataDir);
  }
}

export const madeUpNames: Trial = { name: 'names', title: 'made-up names, locked and capped', run };
