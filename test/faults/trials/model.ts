/** Random acts, one after the other, by REST and by MQTT, beside the model: each answer is the one that it says. */
import { randomBytes } from 'node:crypto';
import { connected } from '../../support/mqtt-peers.ts';
import { newFolder, removeFolder, serve } from '../../support/process.ts';
import type { Given, Told, Trial } from '../../trials/trial.ts';
import { type Entry, Ledger } from '../ledger.ts';
import { carryOut, chooseAct } from '../mixed-load.ts';
import { treeFaults } from '../whole.ts';

const stepsWhole = 10_000;
const namesMax = 60;
/** Of the steps: a CONNECT, and a window that ends. */
const [connectShare, windowShare] = [0.25, 0.005];

const environment = {
  ...{ GATEBOOK_SOURCE_ATTEMPTS_PER_MINUTE: '0', GATEBOOK_HTTPS_PORT: '0' },
  GATEBOOK_LOG_LEVEL: 'warn',
};

async function run({ chance, share }: Given): Promise<Told> {
  const steps = Math.max(100, Math.round(stepsWhole * share));
  const dataDir = await newFolder();
  const ledger = new Ledger();
  let connects = 0;
  try {
    const served = await serve(dataDir, environment);
    const token = await served.signIn();
    const command = (path: string, body: object = {}) =>
      served.call('POST', `/api/client-registry/${path}`, { token, body });
    const open = () => command('unlock', { maxRequests: 10_000, durationMs: 3_600_000 });
    await open();

    /** What REST would answer 202 to waits, whichever door it came to; what is active comes in. */
    const connect = async (entry: Entry) => {
      const { username, password } = entry;
      const client = await connected(served.mqttPort, { username, password, clientId: username });
      client.end();
      connects++;
      const isActive = entry.states.some(({ status }) => status === 'active');
      if ((client.code === 0) !== isActive)
        ledger.violations.push(`${username}: CONNECT is told ${client.code}`);
      // The same name and password at the other door say what became of it.
      const act = { kind: 'register' } as const;
      ledger.note(entry, act, await carryOut(served, token, entry, act));
    };

    for (let step = 0; step < steps && ledger.violations.length === 0; step++) {
      if (chance.is(windowShare)) {
        await command('lock');
        await open();
        ledger.nextWindow();
      }
      const { entries } = ledger;
      const entry =
        entries.length < namesMax && chance.is(0.1)
          ? ledger.add(`device-${entries.length}`, randomBytes(16).toString('hex'))
          : entries.length > 0 && chance.pick(entries);
      if (!entry) continue;
      if (chance.is(connectShare)) await connect(entry);
      else {
        const act = chooseAct(chance, entry);
        ledger.note(entry, act, await carryOut(served, token, entry, act));
      }
    }
    ledger.violations.push(...(await treeFaults(served, token)));
    served.kill('SIGTERM');
    await served.ended;
  } finally {
    await removeFolder(dataDir);
  }
  const { acknowledged, violations } = ledger;
  return { rounds: steps, figures: `${acknowledged} answers, ${connects} connects`, violations };
}

export const model: Trial = { name: 'model', title: 'random acts beside a model', run };
