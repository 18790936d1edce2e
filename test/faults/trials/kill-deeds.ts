/** kill -9 while certificates are issued, files of rules made, backups taken and proposals approved; and in `rebuild` and `copy`. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { beginning } from '../../../src/store/event-store.ts';
import { openSqliteStore } from '../../../src/store/sqlite/store.ts';
import { newFolder, removeFolder, serve } from '../../support/process.ts';
import { runProgram } from '../../support/program.ts';
import type { Chance } from '../../trials/random.ts';
import type { Given, Told, Trial } from '../../trials/trial.ts';
import { approvalDeeds, secondApprover } from '../deeds/approvals.ts';
import { certificateDeeds } from '../deeds/certificates.ts';
import { addressOf, type Deeds, type Running } from '../deeds/deeds.ts';
import { backupDeeds, importDeeds } from '../deeds/files.ts';
import { orphansIn, rebuiltHash, treeFaults } from '../whole.ts';

const roundsWhole = 200;
const wholeEvery = 20;
/** As few leave the programs out, which take seconds. */
const roundsShort = 4;
/** Deeds that are done before the kill, at most so many, and the milliseconds that they have; more of them until it comes. */
const [deedsMax, deedsMs, moreMs] = [40, 20_000, 300];
/** Milliseconds of a program on the stopped folder. */
const programLivesMs = [150, 1_200] as const;
const program = join(import.meta.dirname, '../../../bin/gatebook.js');

const environment = {
  ...{ GATEBOOK_SOURCE_ATTEMPTS_PER_MINUTE: '0', GATEBOOK_HTTPS_PORT: '0' },
  ...{ GATEBOOK_MQTT_WS_PORT: 'off', GATEBOOK_LOG_LEVEL: 'warn' },
};

type AllDeeds = Readonly<Record<string, Deeds>>;

/** How many do which at once; two approvers in every other round, where files make nothing. */
const actorsIn = (round: number) =>
  round % 2 === 1
    ? ({ certificates: 6, imports: 2, backups: 1 } as const)
    : ({ approvals: 8 } as const);

async function startedAt(dataDir: string, round: number, token: string, chance: Chance) {
  const approvals = round % 2 === 1 ? '1' : '2';
  const served = await serve(dataDir, { ...environment, GATEBOOK_APPROVALS: approvals });
  const ca = (await served.call('GET', '/ca/certificate')).body;
  return { served, token, https: addressOf(served, 'https'), ca, chance } satisfies Running;
}

/** Until it is gone. `done`: of each deed that came to an end. */
async function loaded(running: Running, deeds: Deeds, load: Load): Promise<void> {
  while (!load.isOver)
    try {
      await deeds.act(running);
      load.done++;
    } catch {
      return;
    }
}

interface Load {
  isOver: boolean;
  done: number;
}

/** Kills it at a random moment among many deeds. */
async function killedUnderLoad(running: Running, all: AllDeeds, round: number): Promise<void> {
  const { served, chance } = running;
  const load: Load = { isOver: false, done: 0 };
  const actors = Object.entries(actorsIn(round)).flatMap(([name, count]) =>
    Array.from({ length: count }, () => loaded(running, all[name] as Deeds, load)),
  );
  const wanted = 2 + chance.below(deedsMax);
  for (const late = performance.now() + deedsMs; load.done < wanted && performance.now() < late; )
    await delay(2);
  await delay(chance.below(moreMs));
  served.kill('SIGKILL');
  load.isOver = true;
  await Promise.all([...actors, served.ended]);
}

/** Ends a program on a folder that nobody serves, at a random moment. */
async function killedIn(args: readonly string[], chance: Chance, dataDir = ''): Promise<void> {
  const child = spawn(process.execPath, [program, ...args], {
    stdio: 'ignore',
    env: { PATH: process.env.PATH, GATEBOOK_DATA_DIR: dataDir },
  });
  const ended = once(child, 'close');
  await Promise.race([ended, delay(programLivesMs[0] + chance.below(programLivesMs[1]))]);
  child.kill('SIGKILL');
  await ended;
}

async function eventIdsOf(dataDir: string): Promise<string> {
  const store = openSqliteStore({ file: join(dataDir, 'log.sqlite') });
  try {
    const ids: string[] = [];
    for (let after = beginning; ; ) {
      const events = await store.readAll(after, 10_000);
      ids.push(...events.map(({ eventId }) => eventId));
      const last = events.at(-1)?.position;
      if (last === undefined) return ids.join(' ');
      after = last;
    }
  } finally {
    await store.close();
  }
}

/** `rebuild` that was killed makes the same rows again; `copy` that was killed goes on to the same log. */
async function programsKilled(dataDir: string, chance: Chance): Promise<string[]> {
  const before = await rebuiltHash(dataDir);
  await killedIn(['rebuild'], chance, dataDir);
  const after = await rebuiltHash(dataDir);
  const violations =
    before === after
      ? []
      : [`rows are ${after} after a rebuild that was killed, and were ${before}`];
  const [from, to] = [`${dataDir}-from`, `${dataDir}-to`];
  cpSync(dataDir, from, { recursive: true });
  try {
    const copy = ['copy', '--from', from, '--to', to];
    await killedIn(copy, chance);
    const { code, output } = await runProgram(process.execPath, [program, ...copy, '--json']);
    if (code !== 0) violations.push(`a copy that was killed does not go on: ${output.slice(-300)}`);
    else if ((await eventIdsOf(to)) !== (await eventIdsOf(dataDir)))
      violations.push('a copy that was killed and went on has other events');
  } finally {
    for (const folder of [from, to]) rmSync(folder, { recursive: true, force: true });
  }
  return violations;
}

async function whole(dataDir: string, running: Running, isLong: boolean): Promise<string[]> {
  const { served, token, chance } = running;
  const violations = await treeFaults(served, token);
  await delay(200);
  const { body } = await served.call('GET', '/api/read-models', { token });
  served.kill('SIGTERM');
  if ((await served.ended) !== 0) violations.push('SIGTERM did not end it with 0');
  // An answer is sealed before the event that names it: where a kill came between them, the sweep takes it.
  violations.push(...(await orphansIn(dataDir)).filter((one) => !one.includes('(answer)')));
  const rebuilt = await rebuiltHash(dataDir);
  if (rebuilt !== body.stateHash)
    violations.push(`rows are ${body.stateHash}, made anew ${rebuilt}`);
  if (isLong) violations.push(...(await programsKilled(dataDir, chance)));
  return violations;
}

async function run({ chance, share }: Given): Promise<Told> {
  const rounds = Math.max(2, Math.round(roundsWhole * share));
  const folder = await newFolder();
  const dataDir = join(folder, 'data');
  const violations: string[] = [];
  const all: AllDeeds = {
    ...{ certificates: certificateDeeds(), imports: importDeeds(), backups: backupDeeds() },
    approvals: approvalDeeds(),
  };
  try {
    const first = await serve(dataDir, environment);
    const token = await first.signIn();
    const body = { ...secondApprover, roles: ['administrator'] };
    await first.call('POST', '/api/users', { token, body });
    const window = { maxRequests: 10_000, durationMs: 20 * 3_600_000 };
    await first.call('POST', '/api/client-registry/unlock', { token, body: window });
    first.kill('SIGKILL');
    await first.ended;
    for (let round = 1; round <= rounds && violations.length === 0; round++) {
      const running = await startedAt(dataDir, round, token, chance);
      for (const deeds of Object.values(all)) violations.push(...(await deeds.look(running)));
      await killedUnderLoad(running, all, round);
      if (round % wholeEvery !== 0 && round !== rounds) continue;
      const again = await startedAt(dataDir, round, token, chance);
      for (const deeds of Object.values(all)) violations.push(...(await deeds.look(again)));
      violations.push(...(await whole(dataDir, again, rounds > roundsShort)));
    }
  } finally {
    await removeFolder(folder);
  }
  const figures = Object.entries(all)
    .map(([name, { acknowledged }]) => `${acknowledged()} ${name}`)
    .join(', ');
  return { rounds, figures, violations };
}

export const killDeeds: Trial = {
  name: 'kill-deeds',
  title: 'kill -9: certificates, files, approvals',
  inTurn: true,
  run,
};
