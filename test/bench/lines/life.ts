/** Mixed life for as long as `BENCH_LIFE_MINUTES` says (60): what stays in memory. */
import { setTimeout as sleep } from 'node:timers/promises';
import mqtt from 'mqtt';
import { secretOf } from '../../../src/bench/names.ts';
import type { Contestant, Goal, Line } from '../line.ts';
import { type Served, serve } from '../served.ts';

const minutes = (quick: boolean) => Number(process.env.BENCH_LIFE_MINUTES ?? (quick ? 0.5 : 60));
/** How far into its life the first look is. */
const firstLook = 1 / 6;
const storiesASecond = 2.4;
const megabytes = (bytes: number) => bytes / 1024 / 1024;

/** Asks, is granted, connects and speaks, is looked at; every other one is revoked. */
async function story(served: Served, n: number): Promise<void> {
  const device = { username: `life-${n}`, password: secretOf(n) };
  const asked = await served.post('/api/client-registry/register', device);
  const { requestId } = asked as { requestId: string };
  await served.post(`/api/client-registry/requests/${requestId}/grant`, {});
  const session = await mqtt.connectAsync(served.mqtt, { ...device, reconnectPeriod: 0 });
  await served.get('/api/client-registry/requests?limit=50');
  await served.get(`/api/audit/events?username=${device.username}`);
  await session.endAsync();
  if (n % 2 === 0) await served.post(`/api/users/${device.username}/revoke`, {});
}

/** Fails with the first story that does. */
async function live(served: Served, endMs: number, from: number): Promise<number> {
  const beganMs = performance.now();
  const { promise: failed, reject } = Promise.withResolvers<never>();
  const running = new Set<Promise<void>>();
  let n = from;
  for (; performance.now() < endMs; n++) {
    const one = story(served, n)
      .catch(reject)
      .finally(() => running.delete(one));
    running.add(one);
    const dueMs = beganMs + ((n - from) * 1_000) / storiesASecond;
    await Promise.race([failed, sleep(Math.max(0, dueMs - performance.now()))]);
  }
  await Promise.race([failed, Promise.all(running)]);
  return n;
}

const atMost = (text: string, name: string, most: (minutesLived: number) => number): Goal => ({
  text,
  met({ ours: { figures } }) {
    const value = figures?.[name];
    return value === undefined ? null : value <= most(figures?.minutes ?? 0);
  },
});

export const life: Line = {
  name: 'life',
  title: 'An hour of mixed life',
  onlyNamed: true,
  rounds: 1,
  goals: [
    atMost('RSS ≤ 300 MB', 'residentMb', () => 300),
    atMost('≤ 1.2× after a sixth of it', 'growth', () => 1.2),
  ],
  contestants: (context) =>
    Promise.all(
      context.checkouts.map(async (checkout): Promise<Contestant> => {
        const served = await serve(checkout);
        context.atEnd(served.stop);
        await served.post('/api/client-registry/unlock', {
          maxRequests: 1_000_000,
          durationMs: 86_400_000,
        });
        const lifeMs = minutes(context.quick) * 60_000;
        return {
          name: checkout.name,
          ours: true,
          async round() {
            const beganMs = performance.now();
            const next = await live(served, beganMs + lifeMs * firstLook, 0);
            const firstMb = megabytes(served.resident());
            const stories = await live(served, beganMs + lifeMs, next);
            const residentMb = megabytes(served.resident());
            const growth = residentMb / firstMb;
            return {
              figures: { residentMb, firstMb, growth, stories, minutes: lifeMs / 60_000 },
            };
          },
        };
      }),
    ),
};
