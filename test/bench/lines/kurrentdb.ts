/**
 * Registration with the log in KurrentDB (`KURRENTDB_URL`), beside what its bare client appends. Every checkout begins
 * a log of its own: as many addresses as there are checkouts, with blanks between them, each of a database without one.
 */
import { randomUUID } from 'node:crypto';
import { jsonEvent } from '@kurrent/kurrentdb-client';
import { overHttp } from '../../../src/bench/generators.ts';
import { timed } from '../../../src/bench/sample.ts';
import { clientOf } from '../../../src/store/kurrentdb/address.ts';
import { type Contestant, type Line, ratioAtLeast } from '../line.ts';
import { serve } from '../served.ts';

const atOnce = 64;

export const registerKurrent: Line = {
  name: 'register-kurrentdb',
  title: 'Register, new, log in KurrentDB',
  goals: [ratioAtLeast(0.5, 'bare client')],
  async contestants(context) {
    const [url, ...others] = process.env.KURRENTDB_URL?.split(/\s+/).filter(Boolean) ?? [];
    if (url === undefined) {
      context.note('register-kurrentdb: no KURRENTDB_URL here, not measured');
      return [];
    }
    const count = context.quick ? 500 : 2_000;
    const client = clientOf(url);
    context.atEnd(() => client.dispose());
    const contestants: Contestant[] = [
      {
        name: 'bare client',
        ours: false,
        round: () =>
          timed(count, atOnce, () =>
            client.appendToStream(
              `bench-${randomUUID()}`,
              jsonEvent({ type: 'Measured', data: { text: 'x'.repeat(500) } }),
            ),
          ),
      },
    ];
    for (const [at, checkout] of context.checkouts.entries()) {
      const store = [url, ...others][at];
      if (store === undefined) throw new Error('KURRENTDB_URL has fewer addresses than checkouts');
      const served = await serve(checkout, { environment: { GATEBOOK_STORE: store } });
      context.atEnd(served.stop);
      await served.post('/api/client-registry/unlock', {
        maxRequests: 1_000_000,
        durationMs: 86_400_000,
      });
      const run = randomUUID();
      contestants.push({
        name: checkout.name,
        ours: true,
        round: (number) =>
          overHttp(
            {
              ...{ url: served.http, path: '/api/client-registry/register', method: 'POST' },
              body: `{"username":"${run}-{n}","password":"{hex}"}`,
              ...{ count, connections: atOnce, from: number * count },
            },
            202,
          ),
      });
    }
    return contestants;
  },
};
