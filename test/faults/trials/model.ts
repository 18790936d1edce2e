/** Random acts, one after the other, by REST, by MQTT and by EST, beside the model: each answer is the one that it says. */
import { randomBytes } from 'node:crypto';
import { Agent } from 'node:https';
import { csrDer, keyPairs } from '../../support/csr.ts';
import { enrol } from '../../support/est.ts';
import { connected } from '../../support/mqtt-peers.ts';
import { newFolder, removeFolder, type Served, serve } from '../../support/process.ts';
import type { Given, Told, Trial } from '../../trials/trial.ts';
import { addressOf } from '../deeds/deeds.ts';
import { type Entry, Ledger } from '../ledger.ts';
import { carryOut, chooseAct } from '../mixed-load.ts';
import type { Answered } from '../model/name-model.ts';
import { treeFaults } from '../whole.ts';

const stepsWhole = 10_000;
const namesMax = 60;
/** Of the steps: a CONNECT, an enrolment by EST, and a window that ends. */
const [connectShare, estShare, windowShare] = [0.25, 0.15, 0.005];

const environment = {
  ...{ GATEBOOK_SOURCE_ATTEMPTS_PER_MINUTE: '0', GATEBOOK_HTTPS_PORT: '0' },
  GATEBOOK_LOG_LEVEL: 'warn',
};

/** Enrols with name, password and a key of each name's own; answers as REST would. */
async function estDoor(served: Served) {
  const ca = (await served.call('GET', '/ca/certificate')).body;
  const [url, agent] = [addressOf(served, 'https'), new Agent({ keepAlive: true })];
  const requests = new Map<string, string>();
  return {
    async enrols({ username, password }: Entry): Promise<Answered> {
      const made = () => csrDer({ username, ...keyPairs.p256() }).toString('base64');
      const csr = requests.get(username) ?? made();
      requests.set(username, csr);
      const basic = `${username}:${password}`;
      const { status } = await enrol({} as never, csr, { url, ca, agent, basic });
      return { status: status === 200 ? 201 : status };
    },
    close: () => agent.destroy(),
  };
}

/** Who asked with a key comes in by its certificate alone: the password beside it only asks again. */
function doorsOf() {
  const withKey = new Set<Entry>();
  return {
    note(entry: Entry, before: Entry['states'], isEst: boolean) {
      const isNew = before[0]?.status !== 'pending' && entry.states[0]?.status === 'pending';
      if (isNew && isEst) withKey.add(entry);
      else if (isNew) withKey.delete(entry);
    },
    isByPassword: (entry: Entry) => !withKey.has(entry),
  };
}

async function run({ chance, share }: Given): Promise<Told> {
  const steps = Math.max(100, Math.round(stepsWhole * share));
  const dataDir = await newFolder();
  const ledger = new Ledger();
  const doors = doorsOf();
  let [connects, enrolments] = [0, 0];
  try {
    const served = await serve(dataDir, environment);
    const token = await served.signIn();
    const command = (path: string, body: object = {}) =>
      served.call('POST', `/api/client-registry/${path}`, { token, body });
    const open = () => command('unlock', { maxRequests: 10_000, durationMs: 3_600_000 });
    await open();
    const est = await estDoor(served);

    const asks = async (entry: Entry, isEst: boolean) => {
      const before = entry.states;
      const act = { kind: 'register' } as const;
      const answer = isEst ? await est.enrols(entry) : await carryOut(served, token, entry, act);
      if (isEst) enrolments++;
      ledger.note(entry, act, answer);
      doors.note(entry, before, isEst);
    };

    /** What REST would answer 202 to waits, whichever door it came to; what is active comes in. */
    const connect = async (entry: Entry) => {
      const { username, password } = entry;
      const client = await connected(served.mqttPort, { username, password, clientId: username });
      client.end();
      connects++;
      const [state] = entry.states;
      const isActive = state?.status === 'active' && doors.isByPassword(entry);
      if ((client.code === 0) !== isActive)
        ledger.violations.push(`${username}: CONNECT is told ${client.code}`);
      // The same name and password at the other door say what became of it.
      await asks(entry, false);
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
      else if (chance.is(estShare)) await asks(entry, true);
      else {
        const act = chooseAct(chance, entry);
        if (act.kind === 'register') await asks(entry, false);
        else ledger.note(entry, act, await carryOut(served, token, entry, act));
      }
    }
    est.close();
    ledger.violations.push(...(await treeFaults(served, token)));
    served.kill('SIGTERM');
    await served.ended;
  } finally {
    await removeFolder(dataDir);
  }
  const { acknowledged, violations } = ledger;
  return {
    rounds: steps,
    figures: `${acknowledged} answers, ${connects} connects, ${enrolments} by EST`,
    violations,
  };
}

export const model: Trial = { name: 'model', title: 'random acts beside a model', run };
