/**
 * The private Mosquitto is killed, paused, restarted without its accounts and with old ones, while clients are granted and
 * revoked: whatever it was, it agrees with the log again by itself, and lets in whom the log says.
 */
import { copyFileSync, existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { registerPath } from '../../support/door.ts';
import { connected, programIsHere } from '../../support/mqtt-peers.ts';
import { newFolder, removeFolder, type Served, serve } from '../../support/process.ts';
import type { Chance } from '../../trials/random.ts';
import type { Given, Told, Trial } from '../../trials/trial.ts';
import { grantedAt } from '../granted.ts';
import { driftFaults, isAsTheLogSays } from '../oracles/broker.ts';

const roundsWhole = 40;
const namesARound = 3;
const [pausedMs, agreedMs] = [1_500, 60_000];

interface Client {
  readonly username: string;
  readonly password: string;
  /** As the registry acknowledged it. */
  status: 'active' | 'revoked';
}

interface Beside {
  readonly served: Served;
  readonly token: string;
  readonly folder: string;
}

const fileIn = ({ folder }: Beside, name: string) => join(folder, name);
const pidIn = (beside: Beside) => Number(readFileSync(fileIn(beside, 'mosquitto.pid'), 'utf8'));

/** Ends it; it is started again by whoever looks after it. */
function killed(beside: Beside): void {
  process.kill(pidIn(beside), 'SIGKILL');
}

const faults: Readonly<Record<string, (beside: Beside) => Promise<void>>> = {
  killed: async (beside) => killed(beside),
  paused: async (beside) => {
    const pid = pidIn(beside);
    process.kill(pid, 'SIGSTOP');
    await delay(pausedMs);
    process.kill(pid, 'SIGCONT');
  },
  'restarted without its accounts': async (beside) => {
    rmSync(fileIn(beside, 'dynamic-security.json'), { force: true });
    rmSync(fileIn(beside, 'dynamic-security.copy.json'), { force: true });
    killed(beside);
  },
  'restarted with old accounts': async (beside) => {
    const old = fileIn(beside, 'old.json');
    if (!existsSync(old)) copyFileSync(fileIn(beside, 'dynamic-security.json'), old);
    copyFileSync(old, fileIn(beside, 'dynamic-security.json'));
    killed(beside);
  },
};

/** Let in when the log says so, and only then; a client asks again as devices do, which shows its password anew. */
async function agrees({ served }: Beside, client: Client): Promise<boolean> {
  const { username, password, status } = client;
  for (const late = performance.now() + agreedMs; performance.now() < late; await delay(100)) {
    const session = await connected(served.mqttPort, { username, password, clientId: username })
      .then((one) => {
        one.end();
        return one.code;
      })
      .catch(() => -1);
    if (isAsTheLogSays(status, session) === true) return true;
    if (status === 'active')
      await served.call('POST', registerPath, { body: { username, password } });
  }
  return false;
}

async function round(
  beside: Beside,
  clients: Client[],
  options: { readonly chance: Chance; readonly number: number; readonly first: number },
): Promise<string[]> {
  const { chance, number, first } = options;
  const violations: string[] = [];
  const kinds = Object.entries(faults);
  const [what, fault] = kinds[(first + number) % kinds.length] as (typeof kinds)[number];
  const failing = fault(beside).catch((error) => violations.push(`${what}: ${error}`));
  for (let index = 0; index < namesARound; index++) {
    const username = `at-mosquitto-${number}-${index}`;
    const client: Client = { username, password: `${username}-0123456789`, status: 'active' };
    await grantedAt(beside, client);
    clients.push(client);
  }
  const leaves = chance.pick(clients);
  if (leaves.status === 'active') {
    const path = `/api/users/${leaves.username}/revoke`;
    const { status } = await beside.served.call('POST', path, { token: beside.token, body: {} });
    if (status === 200) leaves.status = 'revoked';
    else violations.push(`${what}: revoking is answered ${status}`);
  }
  await failing;
  const looked = [
    leaves,
    ...clients.slice(-namesARound),
    ...[0, 1].map(() => chance.pick(clients)),
  ];
  for (const client of new Set(looked))
    if (!(await agrees(beside, client)))
      violations.push(
        `${what}: ${client.username} is ${client.status}, and Mosquitto says otherwise`,
      );
  return violations;
}

async function run({ chance, share }: Given): Promise<Told> {
  if (!programIsHere('mosquitto', '-h'))
    return { rounds: 0, figures: 'no mosquitto here', violations: [] };
  const rounds = Math.max(1, Math.round(roundsWhole * share));
  const dataDir = await newFolder();
  const violations: string[] = [];
  const clients: Client[] = [];
  try {
    const served = await serve(dataDir, {
      ...{ GATEBOOK_BROKER: 'mosquitto', GATEBOOK_SOURCE_ATTEMPTS_PER_MINUTE: '0' },
      ...{ GATEBOOK_HTTPS_PORT: 'off', GATEBOOK_MQTT_WS_PORT: 'off', GATEBOOK_LOG_LEVEL: 'error' },
      PATH: process.env.PATH ?? '',
    });
    const token = await served.signIn();
    const beside = { served, token, folder: join(dataDir, 'mosquitto') };
    const window = { maxRequests: 10_000, durationMs: 20 * 3_600_000 };
    await served.call('POST', '/api/client-registry/unlock', { token, body: window });
    while ((await served.call('GET', '/readyz')).status !== 200) await delay(50);
    const first = chance.below(Object.keys(faults).length);
    for (let number = 0; number < rounds && violations.length === 0; number++)
      violations.push(...(await round(beside, clients, { chance, number, first })));
    // What was restarted without its accounts knows a password when its client has shown it again.
    for (const client of clients)
      if (!(await agrees(beside, client)))
        violations.push(`${client.username} is not ${client.status}`);
    const drift = await served.call('POST', '/api/brokers/mosquitto/reconcile', {
      token,
      body: {},
    });
    violations.push(...driftFaults(drift.body));
    served.kill('SIGTERM');
    if ((await served.ended) !== 0) violations.push('SIGTERM did not end it with 0');
  } finally {
    await removeFolder(dataDir);
  }
  return { rounds, figures: `${clients.length} clients, each as the log says`, violations };
}

export const brokers: Trial = {
  name: 'brokers',
  title: 'Mosquitto killed, paused, empty, old',
  inTurn: true,
  run,
};
