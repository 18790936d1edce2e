/** The explicit door: new names, polls, and what a locked registry answers. */
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { overHttp } from '../../../src/bench/generators.ts';
import { secretOf } from '../../../src/bench/names.ts';
import { medians, type Sample, timed } from '../../../src/bench/sample.ts';
import { noStream } from '../../../src/store/event-store.ts';
import { openSqliteStore } from '../../../src/store/sqlite/store.ts';
import { bare } from '../bare-peers.ts';
import { type Contestant, type Context, type Line, p99Below, ratioAtLeast } from '../line.ts';
import { type Checkout, type Served, serve } from '../served.ts';

const connections = 64;
const path = '/api/client-registry/register';
const body = '{"username":"device-{n}","password":"{hex}"}';
const locked = 423;
const pending = 202;

const countOf = ({ quick }: Context) => (quick ? 1_000 : 4_000);

export async function echoes(
  context: Context,
  count: number,
  method: 'GET' | 'POST' = 'POST',
): Promise<Contestant> {
  const { port, stop } = await bare('koa');
  context.atEnd(stop);
  const load = { url: `http://127.0.0.1:${port}`, path: '/', method, count, connections };
  return {
    name: 'bare Koa',
    ours: false,
    round: () => overHttp(method === 'GET' ? load : { ...load, body }, 200),
  };
}

/** What the store alone does: one event a stream, as many at once, each on disk before it counts. */
async function storeAppends(context: Context, count: number): Promise<Contestant> {
  const folder = await mkdtemp(join(tmpdir(), 'gatebook-bench-'));
  const store = openSqliteStore({ file: join(folder, 'log.sqlite') });
  context.atEnd(async () => {
    await store.close();
    await rm(folder, { recursive: true, force: true });
  });
  const metadata = { correlationId: randomUUID(), causationId: null };
  return {
    name: 'store appends',
    ours: false,
    round: () =>
      timed(count, connections, () =>
        store.append(`bench-${randomUUID()}`, noStream, [
          { eventId: randomUUID(), type: 'Measured', data: { text: 'x'.repeat(500) }, metadata },
        ]),
      ),
  };
}

async function unlocked(context: Context, checkout: Checkout): Promise<Served> {
  const served = await serve(checkout);
  context.atEnd(served.stop);
  await served.post('/api/client-registry/unlock', {
    maxRequests: 1_000_000,
    durationMs: 86_400_000,
  });
  return served;
}

const asked = ({ http: url }: Served, count: number, from: number, rate?: number) =>
  overHttp({ url, path, method: 'POST', body, count, connections, from, rate }, pending);

export const registerNew: Line = {
  name: 'register-new',
  title: 'Register, new, 64 connections',
  goals: [ratioAtLeast(0.25, 'bare Koa')],
  async contestants(context) {
    const count = countOf(context);
    const ours = context.checkouts.map(async (checkout): Promise<Contestant> => {
      const served = await unlocked(context, checkout);
      const round = (number: number) => asked(served, count, number * count);
      return { name: checkout.name, ours: true, round };
    });
    return [
      await echoes(context, count),
      await storeAppends(context, count),
      ...(await Promise.all(ours)),
    ];
  },
};

/** Half of what the same service did in a closed loop just before. */
export const registerOpen: Line = {
  name: 'register-open',
  title: 'Register, new, half that rate',
  goals: [p99Below(25)],
  contestants: (context) =>
    Promise.all(
      context.checkouts.map(async (checkout) => {
        const served = await unlocked(context, checkout);
        const count = countOf(context);
        const closed: Sample[] = [];
        for (let number = 0; number < 2; number++)
          closed.push(await asked(served, count, number * count));
        const rate = Math.round((medians(closed).perSecond ?? 0) / 2);
        return {
          name: checkout.name,
          ours: true,
          round: (number: number) => asked(served, count, (number + 2) * count, rate),
        };
      }),
    ),
};

export const registerLocked: Line = {
  name: 'locked',
  title: 'Register, locked (423)',
  goals: [ratioAtLeast(0.65, 'bare Koa')],
  async contestants(context) {
    const count = countOf(context);
    const ours = context.checkouts.map(async (checkout): Promise<Contestant> => {
      const served = await serve(checkout);
      context.atEnd(served.stop);
      const load = { url: served.http, path, method: 'POST', body, count, connections };
      const round = () => overHttp(load, locked);
      return { name: checkout.name, ours: true, round };
    });
    return [await echoes(context, count), ...(await Promise.all(ours))];
  },
};

export const pollPost: Line = {
  name: 'poll',
  title: 'Poll, POST again',
  goals: [ratioAtLeast(0.6, 'bare Koa')],
  async contestants(context) {
    const count = countOf(context);
    const ours = context.checkouts.map(async (checkout): Promise<Contestant> => {
      const served = await unlocked(context, checkout);
      await asked(served, count, 0);
      return {
        name: checkout.name,
        ours: true,
        round: () => asked(served, count, 0),
      };
    });
    return [await echoes(context, count), ...(await Promise.all(ours))];
  },
};

const devicesThatPoll = 500;

/** Requests of so many devices, and the file with their registration tokens. */
async function tokensOf(served: Served): Promise<string> {
  const tokens: string[] = [];
  for (let n = 0; n < devicesThatPoll; n++) {
    const login = { username: `poller-${n}`, password: secretOf(n) };
    tokens.push(
      ((await served.post(path, login)) as { registrationToken: string }).registrationToken,
    );
  }
  const file = join(served.dataDir, 'bench-tokens');
  await writeFile(file, `${tokens.join('\n')}\n`, { mode: 0o600 });
  return file;
}

export const pollGet: Line = {
  name: 'poll-get',
  title: 'Poll, GET with the token',
  goals: [ratioAtLeast(0.6, 'bare Koa')],
  async contestants(context) {
    const count = countOf(context);
    const ours = context.checkouts.map(async (checkout): Promise<Contestant> => {
      const served = await unlocked(context, checkout);
      const valuesFile = await tokensOf(served);
      const load = {
        ...{ url: served.http, path: '/api/client-registry/requests/self', count, connections },
        ...{ headers: ['Authorization: Bearer {v}'], valuesFile },
      };
      return {
        name: checkout.name,
        ours: true,
        round: () => overHttp(load, pending),
      };
    });
    return [await echoes(context, count, 'GET'), ...(await Promise.all(ours))];
  },
};
