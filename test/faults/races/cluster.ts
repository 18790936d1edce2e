/** Two nodes on one log in KurrentDB, each a process of its own, and what befalls them. */
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type KurrentServer, startKurrentServer } from '../../support/kurrentdb/server.ts';
import { newFolder, removeFolder, type Served, serve } from '../../support/process.ts';
import { lineTo, type SilentLine } from '../../support/silent-line.ts';
import type { Chance } from '../../trials/random.ts';

type Settings = Readonly<Record<string, string>>;

export interface ClusterNode {
  served: Served;
  /** To our own server; null: to that of `KURRENTDB_URL` it goes by no line of ours. */
  readonly line: SilentLine | null;
  readonly dataDir: string;
  readonly environment: Settings;
}

export interface Cluster {
  /** Null: the log is at `KURRENTDB_URL`. */
  readonly server: KurrentServer | null;
  readonly nodes: readonly ClusterNode[];
  readonly keys: string;
}

/** Milliseconds of a fault, and of a node's pause in some rounds of a whole run. */
const [faultMs, longPauseMs] = [1_500, 60_000];

const faults: Readonly<
  Record<string, (cluster: Cluster, chance: Chance, isLong: boolean) => Promise<void>>
> = {
  'nothing fails': async () => undefined,
  'a node is paused': async ({ nodes }, chance, isLong) => {
    const { served } = chance.pick(nodes);
    served.kill('SIGSTOP');
    await delay(isLong ? longPauseMs : faultMs);
    served.kill('SIGCONT');
  },
  'a node is cut off': async ({ nodes }, chance) => chance.pick(nodes).line?.fallSilent(),
  'the store goes away': async ({ server }) => {
    await server?.stop();
    await delay(faultMs);
    await server?.start();
  },
  'answers are lost': async ({ server }, chance) => {
    for (let count = 0; count < 20; count++)
      server?.faults.appends.push(
        chance.pick(['lose-answer', 'lose-request', 'busy', 'none'] as const),
      );
  },
};

export const faultsCount = Object.keys(faults).length;

/** The faults take turns; in one pause of five of a whole run the node sleeps a minute. */
export const befalls = (cluster: Cluster, chance: Chance, round: number, share: number) => {
  const isLong = share >= 1 && Math.floor(round / faultsCount) % 5 === 0;
  return Object.values(faults)[round % faultsCount]?.(cluster, chance, isLong);
};

export async function startCluster(settings: Settings = {}): Promise<Cluster> {
  const given = process.env.KURRENTDB_URL;
  const server = given === undefined ? await startKurrentServer() : null;
  const keys = await mkdtemp(join(tmpdir(), 'gatebook-keys-'));
  const nodes: ClusterNode[] = [];
  for (const mqtt of ['0', 'off']) {
    const line = server && (await lineTo(server.port));
    const dataDir = await newFolder();
    const environment = {
      GATEBOOK_STORE: given ?? `kurrentdb://127.0.0.1:${line?.port}?tls=false`,
      ...{ GATEBOOK_KEYS_DIR: keys, GATEBOOK_SOURCE_ATTEMPTS_PER_MINUTE: '0' },
      ...{ GATEBOOK_MQTT_PORT: mqtt, GATEBOOK_MQTT_WS_PORT: 'off', GATEBOOK_HTTPS_PORT: '0' },
      GATEBOOK_LOG_LEVEL: 'error',
      ...settings,
    };
    nodes.push({ served: await serve(dataDir, environment), line, dataDir, environment });
  }
  return { server, nodes, keys };
}

/** All nodes are killed and start again, with other settings. */
export async function restartNodes({ nodes }: Cluster, settings: Settings): Promise<void> {
  for (const { served } of nodes) {
    served.kill('SIGKILL');
    await served.ended;
  }
  for (const node of nodes)
    node.served = await serve(node.dataDir, { ...node.environment, ...settings });
}

export async function endCluster({ nodes, server, keys }: Cluster): Promise<void> {
  for (const { served, line, dataDir } of nodes) {
    served.kill('SIGKILL');
    await served.ended;
    await line?.close();
    await removeFolder(dataDir);
  }
  await server?.stop();
  await removeFolder(keys);
}
