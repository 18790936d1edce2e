/**
 * What only one may win, asked for at two nodes on one log at once while one is paused or cut off, the store is away
 * or its answers are lost: a rule's last use, the last administrator, the last approval.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { Given, Told, Trial } from '../../trials/trial.ts';
import { lastAdministrators, racersPassword } from '../races/administrators.ts';
import { lastApproval } from '../races/approvals.ts';
import { type Caller, callerOfNodes } from '../races/caller.ts';
import {
  befalls,
  type Cluster,
  type ClusterNode,
  endCluster,
  faultsCount,
  restartNodes,
  startCluster,
} from '../races/cluster.ts';
import type { Course, Keeper, Race } from '../races/race.ts';
import { lastUses } from '../races/uses.ts';

const roundsWhole = 50;
/** A short run has as many, of faults that differ from run to run. */
const roundsShort = 2;
/** Milliseconds after a fault began, at most, in which the race begins. */
const raceWithinMs = 60;
const approvers = ['approver-b', 'approver-c'];

async function raced(
  { chance, share }: Given,
  course: Course,
  races: readonly Race[],
  told: { answered: number; lost: number; violations: string[] },
): Promise<void> {
  const raceMs = chance.below(raceWithinMs);
  await Promise.all([
    befalls(course.cluster, chance, course.number, share),
    ...races.map((race) => delay(raceMs).then(race.run)),
  ]);
  for (const race of races) {
    told.violations.push(...(await race.look()));
    told.answered += race.counts.answered;
    told.lost += race.counts.lost;
  }
}

/** Two more who may decide, whose tokens come back once all nodes ask for two. */
async function withTwoDeciding(cluster: Cluster, caller: Caller, keeper: Keeper) {
  const [node] = cluster.nodes as [ClusterNode];
  const password = racersPassword;
  for (const username of approvers)
    await caller.surely(node, 'POST', '/api/users', {
      ...{ token: keeper.token, body: { username, password, roles: ['administrator'] } },
    });
  await restartNodes(cluster, { GATEBOOK_APPROVALS: '2' });
  const tokens: string[] = [];
  for (const username of approvers) {
    const signed = await caller.surely(node, 'POST', '/api/login', {
      body: { username, password },
    });
    tokens.push(signed.body.token);
  }
  return tokens;
}

async function run(given: Given): Promise<Told> {
  const { chance, share } = given;
  const rounds = Math.max(roundsShort, Math.round(roundsWhole * share));
  const from = chance.below(faultsCount);
  const cluster = await startCluster({ GATEBOOK_TRUSTED_PROXIES: '127.0.0.1/32' });
  const caller = callerOfNodes();
  const told = { answered: 0, lost: 0, violations: [] as string[] };
  try {
    const [node] = cluster.nodes as [ClusterNode];
    const keeper = { username: 'admin', token: await node.served.signIn() };
    const course = (number: number): Course => ({ cluster, caller, chance, keeper, number });
    for (let number = from; number < from + rounds; number++) {
      const races = [await lastAdministrators(course(number)), await lastUses(course(number))];
      await raced(given, course(number), races, told);
    }
    const tokens = await withTwoDeciding(cluster, caller, keeper);
    for (let number = from; number < from + rounds; number++)
      await raced(given, course(number), [await lastApproval(course(number), tokens)], told);
  } finally {
    await endCluster(cluster);
  }
  const { answered, lost, violations } = told;
  return { rounds: 2 * rounds, figures: `${answered} answers, ${lost} lost`, violations };
}

export const races: Trial = { name: 'races', title: 'two nodes, one winner', inTurn: true, run };
