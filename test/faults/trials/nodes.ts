/**
 * Two nodes on one log in KurrentDB, of which one is paused, one is cut off, the store goes away or loses answers:
 * what callers at both saw of each name must be linearizable (docs/consistency.md says what is promised). With
 * `KURRENTDB_URL` the log is there, and what befalls that store is up to whoever runs it.
 */
import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { registerPath } from '../../support/door.ts';
import type { Chance } from '../../trials/random.ts';
import type { Given, Told, Trial } from '../../trials/trial.ts';
import { type Invocation, orderOf } from '../model/linearizability.ts';
import { type Act, type Answered, after, unknownName } from '../model/name-model.ts';
import {
  befalls,
  type Cluster,
  type ClusterNode,
  endCluster,
  faultsCount,
  startCluster,
} from '../races/cluster.ts';

const roundsWhole = 50;
const [namesARoundMax, actsAName, actors] = [16, 14, 6];
/** A short run has fewer names in each round, and every fault. */
const namesARound = (share: number) =>
  Math.max(5, Math.round(namesARoundMax * Math.min(1, share * 10)));
/** Milliseconds after which a caller gives up: then nobody knows what became of the act. */
const patienceMs = 4_000;

type Step = Invocation<Act, Answered>;
interface Name {
  readonly username: string;
  readonly password: string;
  readonly history: Step[];
  /** The request that was last told of. */
  request: string | null;
}

const kinds = [
  ...['register', 'register', 'grant', 'grant', 'deny'],
  ...['suspend', 'resume', 'revoke', 'reinstate'],
] as const;

function chosen(chance: Chance, { request }: Name): Act {
  const kind = chance.pick(kinds);
  if (kind !== 'grant' && kind !== 'deny') return { kind };
  return request === null ? { kind: 'register' } : { kind, request };
}

/** The position that any caller was told of last: whoever sends it reads no older state. */
let known = '';

async function carriedOut({ served }: ClusterNode, token: string, name: Name, act: Act) {
  const isDevice = act.kind === 'register';
  const path = isDevice
    ? registerPath
    : 'request' in act
      ? `/api/client-registry/requests/${act.request}/${act.kind}`
      : `/api/users/${name.username}/${act.kind}`;
  const { username, password } = name;
  const response = await fetch(served.url + path, {
    method: 'POST',
    headers: {
      'Content-Type': 'application/json',
      ...(known !== '' && { 'Gatebook-Position': known }),
      ...(!isDevice && { Authorization: `Bearer ${token}` }),
    },
    body: JSON.stringify(isDevice ? { username, password } : {}),
    signal: AbortSignal.timeout(patienceMs),
  });
  const body = (await response.json()) as { requestId?: string };
  const position = response.headers.get('gatebook-position') ?? '';
  if (position > known) known = position;
  return { status: response.status, ...(response.status === 202 && { request: body.requestId }) };
}

async function step(node: ClusterNode, token: string, name: Name, act: Act): Promise<void> {
  const invokedAt = performance.now();
  let answer: Answered | null = null;
  try {
    const { status, request } = await carriedOut(node, token, name, act);
    if (status < 500) answer = { status, ...(request !== undefined && { request }) };
  } catch {
    // Nobody heard what became of it.
  }
  if (answer?.request !== undefined) name.request = answer.request;
  const completedAt = answer === null ? Number.POSITIVE_INFINITY : performance.now();
  // A device that asks is told what its node knows: what was so before, if not now.
  const since = answer !== null && act.kind === 'register' ? Number.NEGATIVE_INFINITY : invokedAt;
  name.history.push({ act, invokedAt: since, completedAt, answer });
  if (answer === null) await delay(200);
}

/** Everybody may ask; the administrator's token. */
async function opened({ nodes }: Cluster): Promise<string> {
  const { served } = nodes[0] as ClusterNode;
  const token = await served.signIn();
  const body = { maxRequests: 10_000, durationMs: 3_600_000 };
  await served.call('POST', '/api/client-registry/unlock', { token, body });
  return token;
}

async function round(
  cluster: Cluster,
  token: string,
  { chance, share }: Given,
  number: number,
): Promise<readonly Name[]> {
  const names = Array.from(
    { length: namesARound(share) },
    (_, index): Name => ({
      username: `node-${number}-${index}`,
      password: randomBytes(16).toString('hex'),
      history: [],
      request: null,
    }),
  );
  const actor = async () => {
    for (;;) {
      const open = names.filter(({ history }) => history.length < actsAName);
      if (open.length === 0) return;
      const name = chance.pick(open.slice(0, 3));
      await step(chance.pick(cluster.nodes), token, name, chosen(chance, name));
    }
  };
  await Promise.all([
    ...Array.from({ length: actors }, actor),
    delay(50).then(() => befalls(cluster, chance, number, share)),
  ]);
  return names;
}

async function run(given: Given): Promise<Told> {
  const rounds = Math.max(faultsCount, Math.round(roundsWhole * given.share));
  const cluster = await startCluster();
  const violations: string[] = [];
  let [answered, unanswered] = [0, 0];
  known = '';
  try {
    const token = await opened(cluster);
    for (let number = 0; number < rounds; number++)
      for (const { username, history } of await round(cluster, token, given, number)) {
        const lost = history.filter(({ answer }) => answer === null).length;
        unanswered += lost;
        answered += history.length - lost;
        if (orderOf(unknownName, history, after) === null)
          violations.push(`${username}: ${JSON.stringify(history)}`);
      }
  } finally {
    await endCluster(cluster);
  }
  return { rounds, figures: `${answered} answers, ${unanswered} lost`, violations };
}

export const nodes: Trial = { name: 'nodes', title: 'two nodes, linearizable', run };
