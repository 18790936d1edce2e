/** Names that nobody has heard of, by the million, while locked: no event, and memory that is bounded. */
import { readFileSync } from 'node:fs';
import { registerPath } from '../../support/door.ts';
import { connected } from '../../support/mqtt-peers.ts';
import { newFolder, removeFolder, type Served, serve } from '../../support/process.ts';
import type { Given, Told, Trial } from '../../trials/trial.ts';
import { askRaw, pipelineTo } from '../raw-http.ts';

const [restWhole, mqttWhole, windowWhole] = [1_000_000, 50_000, 100_000];
const cap = 100;
const [connections, mqttAtOnce] = [64, 32];
/** Bytes in memory beyond what it had before. */
const growthBytesMax = 150 * 1024 * 1024;

const residentBytes = ({ pid }: Served): number =>
  1_024 * Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);

const bodyOf = (username: string) =>
  JSON.stringify({ username, password: '0123456789abcdef0123456789abcdef' });

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
      const client = await connected(mqttPort, { username, password: username, clientId: '' });
      client.end();
      if (client.code === 0) violations.push(`${username} was let in`);
    }
  };
  await Promise.all(Array.from({ length: mqttAtOnce }, one));
}

async function run({ share }: Given): Promise<Told> {
  const [rest, mqtt, window] = [restWhole, mqttWhole, windowWhole].map((whole) =>
    Math.max(500, Math.round(whole * share)),
  ) as [number, number, number];
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
    const figures = `${rest} by REST, ${mqtt} by MQTT: ${Math.round(grown / 1024 / 1024)} MiB more; ${window} in a window: ${cap} wait`;
    return { rounds: rest + mqtt + window, figures, violations };
  } finally {
    await removeFolder(dataDir);
  }
}

export const madeUpNames: Trial = { name: 'names', title: 'made-up names, locked and capped', run };
