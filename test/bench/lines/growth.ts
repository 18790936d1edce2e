/** What one registration, unlock, decision of a hook and look into the past cost as clients become many. */

import { overHttp } from '../../../src/bench/generators.ts';
import { hookSecret } from '../../../src/bench/measured-registry.ts';
import { deviceName, secretOf } from '../../../src/bench/names.ts';
import { timed } from '../../../src/bench/sample.ts';
import { filledFolder } from '../folders.ts';
import type { Contestant, Goal, Line } from '../line.ts';
import { type Served, serve } from '../served.ts';

const sizes = [1_000, 10_000, 100_000, 1_000_000] as const;
const sizesQuick = [1_000, 5_000] as const;
const growthMax = 1.3;
const calls = 200;

export const measuredActs = ['registration', 'unlock', 'decision', 'past'] as const;
type Act = (typeof measuredActs)[number];

async function actsOf(served: Served, clients: number, round: number) {
  const at = encodeURIComponent(new Date().toISOString());
  const hook = {
    ...{ url: served.http, path: '/hooks/emqx/authn', method: 'POST', count: calls },
    ...{ headers: [`Authorization: Bearer ${hookSecret}`], connections: 1 },
    body: '{"clientid":"device-{n}","username":"device-{n}","password":"{hex}"}',
  };
  const unlock = () =>
    served.post('/api/client-registry/unlock', {
      maxRequests: 1_000_000,
      durationMs: 86_400_000,
    });
  const acts: Readonly<Record<Act, () => Promise<{ p50Ms: number }>>> = {
    unlock: () => timed(calls / 10, 1, unlock),
    registration: () =>
      timed(calls, 1, (index) =>
        served.post('/api/client-registry/register', {
          username: `newcomer-${round}-${index}`,
          password: secretOf(index),
        }),
      ),
    decision: () => overHttp({ ...hook, from: (round * calls) % (clients - calls) }, 200),
    past: () =>
      timed(calls, 1, (index) =>
        served.get(`/api/audit/state?at=${at}&username=${deviceName((index * 7) % clients)}`),
      ),
  };
  return acts;
}

const grows: Goal = {
  text: `each ≤ ${growthMax}× from fewest to most clients`,
  met({ ours }) {
    const growths = measuredActs.map((act) => ours.figures?.[`${act}Growth`]);
    return growths.every((growth) => growth !== undefined && growth <= growthMax);
  },
};

/** Figures are named `<act>Ms<clients>`: the median of one call, one after the other. */
export const growth: Line = {
  name: 'growth',
  title: 'One act at 1k, 10k, 100k, 1M clients',
  goals: [grows],
  async contestants(context) {
    const all = context.quick ? sizesQuick : sizes;
    const ours: Contestant[] = [];
    for (const checkout of context.checkouts) {
      const served = new Map<number, Served>();
      for (const clients of all) {
        const dataDir = await filledFolder(checkout, 'clients', clients);
        const one = await serve(checkout, { dataDir });
        context.atEnd(one.stop);
        served.set(clients, one);
      }
      ours.push({
        name: checkout.name,
        ours: true,
        async round(number) {
          const figures: Record<string, number> = {};
          for (const [clients, one] of served) {
            const acts = await actsOf(one, clients, number);
            // The window first: registrations need it open.
            for (const act of ['unlock', 'registration', 'decision', 'past'] as const)
              figures[`${act}Ms${clients}`] = (await acts[act]()).p50Ms;
          }
          const [fewest, most] = [all[0], all.at(-1)];
          for (const act of measuredActs)
            figures[`${act}Growth`] =
              (figures[`${act}Ms${most}`] ?? Number.NaN) /
              (figures[`${act}Ms${fewest}`] ?? Number.NaN);
          return { figures };
        },
      });
    }
    return ours;
  },
};
