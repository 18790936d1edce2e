/**
 * KurrentDB goes away, answers nothing, late or twice, and breaks off its subscriptions, under load: callers are told 503 and
 * when to come again, it is not ready, work resumes by itself, and nothing is written twice.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { type KurrentServer, startKurrentServer } from '../../support/kurrentdb/server.ts';
import { newFolder, removeFolder, type Served, serve } from '../../support/process.ts';
import { lineTo, type SilentLine } from '../../support/silent-line.ts';
import type { Chance } from '../../trials/random.ts';
import type { Given, Told, Trial } from '../../trials/trial.ts';
import { compared, Ledger } from '../ledger.ts';
import { loadOf } from '../mixed-load.ts';
import { treeFaults } from '../whole.ts';

const roundsWhole = 60;
const [actors, goodMs, recoveryMs] = [8, 400, 60_000];

interface Stored {
  readonly server: KurrentServer;
  readonly line: SilentLine;
}

const faults: Readonly<Record<string, (stored: Stored, chance: Chance) => Promise<void>>> = {
  gone: async ({ server }, chance) => {
    await server.stop();
    await delay(500 + chance.below(2_000));
    await server.start();
  },
  'taking everything, answering nothing': async ({ server }, chance) => {
    server.faults.hangs = true;
    await delay(500 + chance.below(3_000));
    server.faults.hangs = false;
    // What it took is never answered: the connections of before are over.
    await server.stop();
    await server.start();
  },
  'half-open': async ({ line }) => {
    line.fallSilent();
    await delay(1_000);
  },
  'losing requests and answers, hanging now and then': async ({ server }, chance) => {
    for (let count = 0; count < 25; count++)
      server.faults.appends.push(
        chance.pick(['lose-answer', 'lose-request', 'busy', 'hang-after-write', 'none'] as const),
      );
    await delay(1_500);
  },
  'breaking subscriptions off': async ({ server }) => {
    for (let count = 0; count < 5; count++) {
      server.endSubscriptions();
      await delay(150);
    }
  },
};

/** Ready again, by itself. */
async function resumed({ call }: Served): Promise<boolean> {
  for (const late = performance.now() + recoveryMs; performance.now() < late; await delay(50)) {
    const { status } = await call('GET', '/readyz');
    if (status === 200) return true;
  }
  return false;
}

async function run({ chance, share }: Given): Promise<Told> {
  const kinds = Object.values(faults);
  const rounds = Math.max(2, Math.round(roundsWhole * share));
  const first = chance.below(kinds.length);
  const server = await startKurrentServer();
  const line = await lineTo(server.port);
  const dataDir = await newFolder();
  const ledger = new Ledger();
  let told503 = 0;
  try {
    const served = await serve(dataDir, {
      GATEBOOK_STORE: `kurrentdb://127.0.0.1:${line.port}?tls=false`,
      ...{ GATEBOOK_SOURCE_ATTEMPTS_PER_MINUTE: '0', GATEBOOK_HTTPS_PORT: 'off' },
      ...{ GATEBOOK_MQTT_WS_PORT: 'off', GATEBOOK_LOG_LEVEL: 'error' },
    });
    const watched: Served = {
      ...served,
      async call(...call) {
        const answer = await served.call(...call);
        if (answer.status === 503) told503++;
        if (answer.status === 503 && !answer.headers.has('retry-after'))
          ledger.violations.push(`${call[1]} is told 503, and not when to come again`);
        return answer;
      },
    };
    const token = await served.signIn();
    const body = { maxRequests: 10_000, durationMs: 20 * 3_600_000 };
    await served.call('POST', '/api/client-registry/unlock', { token, body });
    for (let round = 0; round < rounds && ledger.violations.length === 0; round++) {
      const ending = new AbortController();
      const load = loadOf(watched, token, ledger, { chance, actors, signal: ending.signal });
      await delay(goodMs);
      await kinds[(first + round) % kinds.length]?.({ server, line }, chance);
      await delay(goodMs);
      ending.abort();
      await load;
      if (!(await resumed(served))) ledger.violations.push('it is not ready again');
      else await compared(served, token, ledger);
    }
    ledger.violations.push(...(await treeFaults(served, token)));
    served.kill('SIGTERM');
    if ((await served.ended) !== 0) ledger.violations.push('SIGTERM did not end it with 0');
  } finally {
    await line.close();
    await server.stop();
    await removeFolder(dataDir);
  }
  const { acknowledged, violations } = ledger;
  return { rounds, figures: `${acknowledged} answers, ${told503} × 503`, violations };
}

export const store: Trial = {
  name: 'store',
  title: 'the store gone, silent, late, twice',
  inTurn: true,
  run,
};
