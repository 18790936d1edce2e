/** What a broker that asks over HTTP waits for: EMQX's question about a client, while others register. */
import { setTimeout as delay } from 'node:timers/promises';
import { goingOnOverHttp, overHttp } from '../../../src/bench/generators.ts';
import { hookSecret } from '../../../src/bench/measured-registry.ts';
import { filledFolder } from '../folders.ts';
import {
  type Contestant,
  type Context,
  type Goal,
  type Line,
  p99Below,
  ratioAtLeast,
} from '../line.ts';
import { type Checkout, type Served, serve } from '../served.ts';
import { echoes } from './register.ts';

const clients = ({ quick }: Context) => (quick ? 5_000 : 100_000);
const connections = 64;
const path = '/hooks/emqx/authn';
const body = '{"clientid":"device-{n}","username":"device-{n}","password":"{hex}"}';
const registrationsASecond = 50;
const askedASecond = 5_000;
/** Of a processor, from which on a service rests. */
const restingShare = 0.1;
const restPatienceSeconds = 180;

/** Registrations that go on, at a slow rate, from one generator for all rounds: the start of another would be measured along. */
const registering = ({ http: url }: Served) =>
  goingOnOverHttp(
    {
      ...{ url, path: '/api/client-registry/register', method: 'POST', connections: 8 },
      ...{ body: '{"username":"newcomer-{n}","password":"{hex}"}', rate: registrationsASecond },
    },
    202,
  );

/** Waits until what a start brings along is done, such as the comparison of all clients with the broker. */
async function atRest({ http }: Served): Promise<void> {
  const processorSeconds = async () => {
    const metrics = await (await fetch(`${http}/metrics`)).text();
    return Number(/^process_cpu_seconds_total (\S+)$/m.exec(metrics)?.[1]);
  };
  let before = await processorSeconds();
  for (let second = 0; second < restPatienceSeconds; second++) {
    await delay(1_000);
    const now = await processorSeconds();
    if (now - before < restingShare) return;
    before = now;
  }
  throw new Error('the service does not come to rest after its start');
}

async function asked(context: Context, checkout: Checkout, rate?: number): Promise<Contestant> {
  const known = clients(context);
  const served = await serve(checkout, { dataDir: await filledFolder(checkout, 'clients', known) });
  await served.post('/api/client-registry/unlock', {
    maxRequests: 1_000_000,
    durationMs: 86_400_000,
  });
  const count = context.quick ? 2_000 : 20_000;
  const questions = (from: number, rate?: number) =>
    overHttp(
      {
        ...{ url: served.http, path, method: 'POST', body, count, connections, from, rate },
        headers: [`Authorization: Bearer ${hookSecret}`],
      },
      200,
    );
  context.atEnd(served.stop);
  await atRest(served);
  context.atEnd(registering(served));
  // No round counts that is the first to run its code, nor bare Koa's. Its names come back in the last round.
  const last = known - count;
  await questions(last);
  const round = (number: number) => questions(Math.min(number * count, last), rate);
  return { name: checkout.name, ours: true, round };
}

export const hookDecision: Line = {
  name: 'hook',
  title: 'EMQX asks, 100,000 clients known',
  goals: [ratioAtLeast(0.7, 'bare Koa')],
  async contestants(context) {
    const ours: Contestant[] = [];
    for (const checkout of context.checkouts) ours.push(await asked(context, checkout));
    const bare = await echoes(context, context.quick ? 2_000 : 20_000);
    await bare.round(0);
    return [bare, ...ours];
  },
};

const keptUp: Goal = {
  text: `${askedASecond} a second kept up`,
  met: ({ ours }) => (ours.perSecond === undefined ? null : ours.perSecond > 0.98 * askedASecond),
};

export const hookOpen: Line = {
  name: 'hook-open',
  title: 'EMQX asks 5,000 a second',
  goals: [p99Below(5), keptUp],
  async contestants(context) {
    const ours: Contestant[] = [];
    for (const checkout of context.checkouts)
      ours.push(await asked(context, checkout, askedASecond));
    return ours;
  },
};
