/**
 * A real RabbitMQ that asks the registry by its hooks: the registry is killed, paused, and away for long, the broker is killed and
 * comes back: nobody is let in meanwhile who was not granted access, who is revoked loses his session, and when both are
 * there again everybody is let in whom the log says, by himself.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { type RabbitMq, rabbitMq, rabbitMqIsHere } from '../../src/broker/hooks/rabbitmq-peer.ts';
import { freePort } from '../../support/free-port.ts';
import { connected, type RawMqtt } from '../../support/mqtt-peers.ts';
import { newFolder, removeFolder, type Served, serve } from '../../support/process.ts';
import type { Chance } from '../../trials/random.ts';
import type { Given, Told, Trial } from '../../trials/trial.ts';
import { grantedAt } from '../granted.ts';
import { isAsTheLogSays } from '../oracles/broker.ts';

const roundsWhole = 16;
const namesARound = 2;
const secret = 'a-secret-of-rabbitmq';
const [pausedMs, awayMs, agreedMs] = [2_000, 2_500, 60_000];

interface Client {
  readonly username: string;
  readonly password: string;
  /** As the registry acknowledged it. */
  status: 'active' | 'revoked' | 'unknown';
  live: RawMqtt | null;
}

class Plant {
  readonly violations: string[] = [];
  readonly clients: Client[] = [];
  readonly rabbit: RabbitMq;
  served: Served;
  token = '';
  readonly #start: () => Promise<Served>;

  constructor(rabbit: RabbitMq, served: Served, start: () => Promise<Served>) {
    this.rabbit = rabbit;
    this.served = served;
    this.#start = start;
  }

  async restartRegistry(): Promise<void> {
    this.served = await this.#start();
  }
}

const faults: Readonly<Record<string, (plant: Plant) => Promise<void>>> = {
  'the registry killed': async (plant) => {
    plant.served.kill('SIGKILL');
    await plant.served.ended;
    await delay(awayMs);
    await plant.restartRegistry();
  },
  'the registry paused': async ({ served }) => {
    served.kill('SIGSTOP');
    await delay(pausedMs);
    served.kill('SIGCONT');
  },
  'RabbitMQ killed': async ({ rabbit }) => {
    await rabbit.kill();
    await delay(awayMs);
    await rabbit.start();
  },
  'both killed': async (plant) => {
    await plant.rabbit.kill();
    plant.served.kill('SIGKILL');
    await plant.served.ended;
    // The broker is there first, and nobody answers it.
    await plant.rabbit.start();
    await delay(awayMs);
    await plant.restartRegistry();
  },
};

/** The code of CONNACK; -1: none came. */
async function knock({ rabbit }: Plant, username: string, password: string): Promise<number> {
  const options = { username, password, clientId: username };
  try {
    const client = await connected(rabbit.mqttPort, options);
    client.end();
    return client.code;
  } catch {
    return -1;
  }
}

/** Somebody who was never granted anything, who was revoked, and who guesses: none of them is let in, whatever fails. */
async function intruders(plant: Plant, chance: Chance, signal: AbortSignal): Promise<number> {
  let tries = 0;
  while (!signal.aborted) {
    const revoked = plant.clients.filter(({ status }) => status === 'revoked');
    const others = plant.clients.filter(({ status }) => status === 'active');
    const shown = [
      ['nobody', 'nobody-0123456789abcdef0123456789abcdef'],
      ...(revoked.length === 0 ? [] : [Object.values(chance.pick(revoked)).slice(0, 2)]),
      ...(others.length === 0
        ? []
        : [[chance.pick(others).username, 'a-wrong-password-0123456789']]),
    ] as [string, string][];
    for (const [username, password] of shown) {
      tries++;
      if ((await knock(plant, username, password)) === 0)
        plant.violations.push(`${username} was let in by ${password}`);
    }
    await delay(100);
  }
  return tries;
}

async function granted(plant: Plant, client: Client): Promise<void> {
  await grantedAt(plant, client);
  client.status = 'active';
}

/** Let in when the log says so, and only then; who is active stays connected. */
async function agrees(plant: Plant, client: Client): Promise<boolean> {
  const { username, password } = client;
  for (const late = performance.now() + agreedMs; performance.now() < late; await delay(200)) {
    const code = await knock(plant, username, password);
    if (isAsTheLogSays(client.status, code) !== true) continue;
    if (client.status === 'active')
      client.live = await connected(plant.rabbit.mqttPort, {
        username,
        password,
        clientId: username,
      });
    return true;
  }
  return false;
}

/** Revoked when both are there: the session ends. */
async function revoked({ served, token, violations }: Plant, client: Client): Promise<void> {
  const path = `/api/users/${client.username}/revoke`;
  const { status } = await served.call('POST', path, { token, body: {} });
  if (status !== 200) violations.push(`revoking is answered ${status}`);
  client.status = 'revoked';
  const { live } = client;
  if (live === null) return;
  const isClosed = await Promise.race([
    live.closed.then(() => true),
    delay(agreedMs, false, { ref: false }),
  ]);
  if (!isClosed) violations.push(`${client.username} is revoked, and its session lives`);
}

async function round(plant: Plant, what: string, number: number, chance: Chance): Promise<number> {
  const { clients, violations } = plant;
  const fresh = Array.from({ length: namesARound }, (_, index): Client => {
    const username = `at-rabbitmq-${number}-${index}`;
    return { username, password: `${username}-0123456789abcdef`, status: 'unknown', live: null };
  });
  clients.push(...fresh);
  const over = new AbortController();
  const tries = intruders(plant, chance, over.signal);
  try {
    // Half of them before, half while it fails, where somebody is there to grant it.
    await granted(plant, fresh[0] as Client);
    const failing = faults[what]?.(plant);
    if (what === 'RabbitMQ killed') await granted(plant, fresh[1] as Client);
    await failing;
    if (fresh[1]?.status === 'unknown') await granted(plant, fresh[1]);
    const looked = new Set([...fresh, chance.pick(clients), chance.pick(clients)]);
    for (const client of looked)
      if (!(await agrees(plant, client)))
        violations.push(
          `${what}: ${client.username} is ${client.status}, and RabbitMQ says otherwise`,
        );
    await revoked(plant, fresh[0] as Client);
  } finally {
    over.abort();
  }
  return await tries;
}

async function started(dataDir: string): Promise<Plant> {
  const httpPort = await freePort();
  const rabbit = await rabbitMq({ hooks: `http://127.0.0.1:${httpPort}/hooks/rabbitmq/${secret}` });
  const start = () =>
    serve(dataDir, {
      ...{ GATEBOOK_HTTP_PORT: String(httpPort), GATEBOOK_HTTPS_PORT: 'off' },
      ...{ GATEBOOK_MQTT_PORT: 'off', GATEBOOK_MQTT_WS_PORT: 'off', GATEBOOK_LOG_LEVEL: 'error' },
      ...{ GATEBOOK_BROKER: rabbit.address, GATEBOOK_HOOK_SECRET: secret },
      GATEBOOK_SOURCE_ATTEMPTS_PER_MINUTE: '0',
    });
  const plant = new Plant(rabbit, await start(), start);
  plant.token = await plant.served.signIn();
  const window = { maxRequests: 10_000, durationMs: 20 * 3_600_000 };
  await plant.served.call('POST', '/api/client-registry/unlock', {
    token: plant.token,
    body: window,
  });
  await rabbit.start();
  return plant;
}

async function run({ chance, share }: Given): Promise<Told> {
  if (!rabbitMqIsHere()) return { rounds: 0, figures: 'no rabbitmq-server here', violations: [] };
  const rounds = Math.max(1, Math.round(roundsWhole * share));
  const dataDir = await newFolder();
  const plant = await started(dataDir);
  const { violations, clients, rabbit } = plant;
  const kinds = Object.keys(faults);
  const first = chance.below(kinds.length);
  let tries = 0;
  try {
    for (let number = 0; number < rounds && violations.length === 0; number++)
      tries += await round(plant, kinds[(first + number) % kinds.length] as string, number, chance);
    for (const client of clients)
      if (!(await agrees(plant, client)))
        violations.push(`${client.username} is not ${client.status}`);
    plant.served.kill('SIGTERM');
    if ((await plant.served.ended) !== 0) violations.push('SIGTERM did not end it with 0');
  } finally {
    for (const { live } of clients) live?.end();
    plant.served.kill('SIGKILL');
    await rabbit.stop();
    await removeFolder(dataDir);
  }
  const figures = `${clients.length} clients, each as the log says; ${tries} tries of others, none let in`;
  return { rounds, figures, violations };
}

export const rabbitmq: Trial = {
  name: 'rabbitmq',
  title: 'RabbitMQ that asks, and the registry away',
  inTurn: true,
  run,
};
