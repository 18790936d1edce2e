/** kill -9 at random moments under mixed load: every acknowledged answer is true at the next start. */
import { setTimeout as delay } from 'node:timers/promises';
import { newFolder, removeFolder, serve } from '../../support/process.ts';
import type { Given, Told, Trial } from '../../trials/trial.ts';
import { compared, Ledger } from '../ledger.ts';
import { loadOf, lookAtBroker } from '../mixed-load.ts';
import { orphansIn, rebuiltHash, treeFaults } from '../whole.ts';

const roundsWhole = 200;
const actors = 16;
/** Milliseconds under load before the kill. */
const livesMs = [30, 1_500] as const;
/** The whole log is looked at after so many rounds. */
const wholeEvery = 20;
const connectsARound = 25;

const environment = {
  ...{ GATEBOOK_SOURCE_ATTEMPTS_PER_MINUTE: '0', GATEBOOK_HTTPS_PORT: '0' },
  GATEBOOK_LOG_LEVEL: 'warn',
};

/** Stopped in order; says the hash of its rows before. */
async function lookAtWhole(dataDir: string, token: string, ledger: Ledger): Promise<void> {
  const served = await serve(dataDir, environment);
  ledger.violations.push(...(await treeFaults(served, token)));
  await delay(200);
  const { body } = await served.call('GET', '/api/read-models', { token });
  served.kill('SIGTERM');
  if ((await served.ended) !== 0) ledger.violations.push('SIGTERM did not end it with 0');
  ledger.violations.push(...(await orphansIn(dataDir)));
  const rebuilt = await rebuiltHash(dataDir);
  if (rebuilt !== body.stateHash)
    ledger.violations.push(`rows are ${body.stateHash}, made anew ${rebuilt}`);
}

async function run({ chance, share }: Given): Promise<Told> {
  const rounds = Math.max(3, Math.round(roundsWhole * share));
  const dataDir = await newFolder();
  const ledger = new Ledger();
  try {
    let served = await serve(dataDir, environment);
    const token = await served.signIn();
    for (let round = 1; round <= rounds; round++) {
      if (round > 1) served = await serve(dataDir, environment);
      await served.call('POST', '/api/client-registry/lock', { token, body: {} });
      await compared(served, token, ledger);
      const looked = Array.from({ length: Math.min(connectsARound, ledger.entries.length) }, () =>
        chance.pick(ledger.entries),
      );
      await lookAtBroker(served, ledger, looked);
      const limits = { maxRequests: 10_000, durationMs: 3_600_000 };
      await served.call('POST', '/api/client-registry/unlock', { token, body: limits });
      ledger.nextWindow();
      const ending = new AbortController();
      const load = loadOf(served, token, ledger, { chance, actors, signal: ending.signal });
      await delay(livesMs[0] + chance.below(livesMs[1]));
      served.kill('SIGKILL');
      ending.abort();
      await Promise.all([load, served.ended]);
      if (round % wholeEvery === 0 || round === rounds) await lookAtWhole(dataDir, token, ledger);
      if (ledger.violations.length > 0) break;
    }
  } finally {
    await removeFolder(dataDir);
  }
  const { entries, acknowledged, violations } = ledger;
  return { rounds, figures: `${acknowledged} answers, ${entries.length} names`, violations };
}

export const kill: Trial = { name: 'kill', title: 'kill -9 under mixed load', run };
