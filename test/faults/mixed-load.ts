/** Many who act at once on a registry: devices at the doors, administrators, imports; each name by one at a time. */
import { randomBytes } from 'node:crypto';
import { registerPath } from '../support/door.ts';
import { connected } from '../support/mqtt-peers.ts';
import type { Served } from '../support/process.ts';
import type { Chance } from '../trials/random.ts';
import type { Entry, Ledger } from './ledger.ts';
import type { Act, Answered, NameState } from './model/name-model.ts';

const namesMax = 120;
/** Acts that are likely to do something, by what the name may be. */
const likely: Readonly<Record<NameState['status'], readonly Act['kind'][]>> = {
  unknown: ['register'],
  pending: ['grant', 'grant', 'grant', 'deny', 'register'],
  active: ['register', 'suspend', 'revoke', 'suspend'],
  denied: ['reinstate', 'register'],
  suspended: ['resume', 'resume', 'revoke'],
  revoked: ['reinstate', 'register'],
};
const any = ['register', 'grant', 'deny', 'suspend', 'resume', 'revoke', 'reinstate'] as const;

export function chooseAct(chance: Chance, { states }: Entry): Act {
  const state = chance.pick(states);
  const kind = chance.is(0.1) ? chance.pick(any) : chance.pick(likely[state.status]);
  if (kind !== 'grant' && kind !== 'deny') return { kind };
  return state.request === null ? { kind: 'register' } : { kind, request: state.request };
}

export async function carryOut(
  { call }: Pick<Served, 'call'>,
  token: string,
  { username, password }: Entry,
  act: Act,
): Promise<Answered> {
  if (act.kind === 'register') {
    const { status, body } = await call('POST', registerPath, { body: { username, password } });
    return { status, ...(status === 202 && { request: body.requestId as string }) };
  }
  const path =
    'request' in act
      ? `/api/client-registry/requests/${act.request}/${act.kind}`
      : `/api/users/${username}/${act.kind}`;
  return { status: (await call('POST', path, { token, body: {} })).status };
}

/** Says nothing of it: asked again later. */
const isNoAnswer = ({ status }: Answered): boolean => status === 503 || status === 429;

/** Acts until the registry is gone or `signal` aborts; resolves when all that was under way has ended. */
export async function loadOf(
  served: Served,
  token: string,
  ledger: Ledger,
  options: { chance: Chance; actors: number; signal: AbortSignal },
): Promise<void> {
  const { chance, actors, signal } = options;
  let isGone = false;
  const one = async () => {
    while (!isGone && !signal.aborted) {
      const entry = entryFor(ledger, chance);
      entry.isBusy = true;
      const act = chooseAct(chance, entry);
      try {
        const answer = await carryOut(served, token, entry, act);
        if (answer.status >= 500 && answer.status !== 503)
          ledger.violations.push(`${entry.username}: ${act.kind} answered ${answer.status}`);
        ledger.note(entry, act, isNoAnswer(answer) ? null : answer);
      } catch {
        ledger.note(entry, act, null);
        isGone = true;
      } finally {
        entry.isBusy = false;
      }
    }
  };
  await Promise.all(Array.from({ length: actors }, one));
}

function entryFor(ledger: Ledger, chance: Chance): Entry {
  const { entries } = ledger;
  if (entries.length < namesMax && (entries.length < 20 || chance.is(0.2)))
    return ledger.add(`device-${entries.length}`, randomBytes(16).toString('hex'));
  for (;;) {
    const entry = chance.pick(entries);
    if (!entry.isBusy) return entry;
  }
}

/** Whether the embedded broker lets in whom the registry calls active, and nobody else. */
export async function lookAtBroker(
  { mqttPort }: Served,
  ledger: Ledger,
  entries: readonly Entry[],
): Promise<void> {
  for (const { username, password, states } of entries) {
    if (states.length !== 1) continue;
    const client = await connected(mqttPort, { username, password, clientId: username });
    client.end();
    const isLetIn = client.code === 0;
    if (isLetIn !== (states[0]?.status === 'active'))
      ledger.violations.push(`${username} is ${states[0]?.status}, and MQTT says ${client.code}`);
  }
}
