/** What a broker that asks over HTTP waits for: EMQX's question about a client, while others register. */

import { overHttp } from '../../../src/bench/generators.ts';
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

/** Registrations go on at a slow rate until told to end. */
function registering({ http: url }: Served) {
  let goesOn = true;
  let from = 0;
  const running = (async () => {
    while (goesOn) {
      const load = {
        ...{ url, path: '/api/client-registry/register', method: 'POST', connections: 8 },
        ...{ body: '{"username":"newcomer-{n}","password":"{hex}"}', from },
        ...{ count: registrationsASecond, rate: registrationsASecond },
      };
      await overHttp(load, 202);
      from += registrationsASecond;
    }
  })();
  return async () => {
    goesOn = false;
    await running;
  };
}

async function asked(context: Context, checkout: Checkout, rate?: number): Promise<Contestant> {
  const known = clients(context);
  const served = await serve(checkout, { dataDir: await filledFolder(checkout, 'clients', known) });
  await served.post('/api/client-registry/unlock', {
    maxRequests: 1_000_000,
    durationMs: 86_400_000,
  });
  const count = context.quick ? 2_000 : 20_000;
  context.atEnd(served.stop);
  context.atEnd(registering(served));
  return {
    name: checkout.name,
    ours: true,
    round: (number) =>
      overHttp(
        {
          ...{ url: served.http, path, method: 'POST', body, count, connections, rate },
          from: Math.min(number * count, known - count),
          headers: [`Authorization: Bearer ${hookSecret}`],
        },
        200,
      ),
  };
}

export const hookDecision: Line = {
  name: 'hook',
  title: 'EMQX asks, 100,000 clients known',
  goals: [ratioAtLeast(0.7, 'bare Koa')],
  async contestants(context) {
    const ours: Contestant[] = [];
    for (const checkout of context.checkouts) ours.push(await asked(context, checkout));
    return [await echoes(context, context.quick ? 2_000 : 20_000), ...ours];
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
