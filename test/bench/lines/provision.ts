/**
 * Clients made by a program, from its first request until the last can connect: each contestant begins empty and is
 * given them by the fastest way that its documentation has.
 */
import { createHash, randomBytes, randomInt } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import mqtt from 'mqtt';
import { overHttp } from '../../../src/bench/generators.ts';
import { deviceName, secretOf } from '../../../src/bench/names.ts';
import { rabbitMq, rabbitMqIsHere } from '../../src/broker/hooks/rabbitmq-peer.ts';
import { type Contestant, type Context, type Line, ratioAtLeast } from '../line.ts';
import { controlOf, createAccounts, createRole, mosquittoHere } from '../mosquitto.ts';
import { type Checkout, serve } from '../served.ts';

/** As many as one request of ours may hold, and so many such requests at once as the command line has. */
const usersAtOnce = 100;
const requestsAtOnce = 4;
const looksAtRandom = 32;

async function connects(url: string, n: number, password: string): Promise<boolean> {
  const login = { username: deviceName(n), password, clientId: deviceName(n) };
  try {
    const client = await mqtt.connectAsync(url, { ...login, reconnectPeriod: 0 });
    await client.endAsync(true);
    return true;
  } catch {
    return false;
  }
}

/** Times the making of `count`, until the last can connect; then looks at others, and that no wrong password opens. */
async function untilUsable(url: string, count: number, make: () => Promise<unknown>) {
  const beganMs = performance.now();
  await make();
  if (!(await connects(url, count - 1, secretOf(count - 1))))
    throw new Error('the last client cannot connect');
  const seconds = (performance.now() - beganMs) / 1_000;
  for (let look = 0; look < looksAtRandom; look++) {
    const n = randomInt(count);
    if (!(await connects(url, n, secretOf(n)))) throw new Error(`client ${n} cannot connect`);
    if (await connects(url, n, secretOf(n + 1))) throw new Error(`anybody is client ${n}`);
  }
  return { perSecond: count / seconds, figures: { seconds } };
}

/** Fifty commands in one message, four messages at once: it writes its whole file after each command all the same. */
async function mosquitto(context: Context, count: number): Promise<Contestant[]> {
  const peer = await mosquittoHere(context.note);
  if (peer === undefined) return [];
  context.atEnd(peer.clean);
  return [
    {
      ...{ name: 'Mosquitto dynsec', ours: false },
      async round() {
        await peer.kill();
        peer.empty();
        await peer.start();
        const control = await controlOf(peer);
        await createRole(control);
        const url = `mqtt://127.0.0.1:${peer.port}`;
        const made = await untilUsable(url, count, () => createAccounts(control, count));
        await control.end();
        return made;
      },
    },
  ];
}

/** As RabbitMQ hashes passwords: a salt of four bytes, then SHA-256 of salt and password. */
function rabbitHash(password: string): string {
  const salt = randomBytes(4);
  const hash = createHash('sha256').update(salt).update(password).digest();
  return Buffer.concat([salt, hash]).toString('base64');
}

/** All in one file of definitions. */
async function rabbit(context: Context, count: number): Promise<Contestant[]> {
  if (!rabbitMqIsHere()) return [];
  const peer = await rabbitMq({ hooks: 'http://127.0.0.1:9' });
  context.atEnd(peer.stop);
  try {
    await peer.start();
  } catch (error) {
    context.note(`RabbitMQ does not start: ${(error as Error).message}`);
    return [];
  }
  const { username, password } = peer.account;
  const authorization = `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
  const numbers = Array.from({ length: count }, (_, n) => n);
  const call = async (method: string, path: string, body: unknown) => {
    const headers = { Authorization: authorization, 'Content-Type': 'application/json' };
    const url = `${peer.managementUrl}/api/${path}`;
    const answer = await fetch(url, { method, headers, body: JSON.stringify(body) });
    if (!answer.ok) throw new Error(`RabbitMQ answered ${answer.status} to ${path}`);
  };
  return [
    {
      ...{ name: 'RabbitMQ definitions', ours: false },
      async round(number) {
        if (number > 0) await call('POST', 'users/bulk-delete', { users: numbers.map(deviceName) });
        return untilUsable(`mqtt://127.0.0.1:${peer.mqttPort}`, count, () =>
          call('POST', 'definitions', {
            users: numbers.map((n) => ({
              ...{ name: deviceName(n), password_hash: rabbitHash(secretOf(n)), tags: [] },
              hashing_algorithm: 'rabbit_password_hashing_sha256',
            })),
            permissions: numbers.map((n) => ({
              ...{ user: deviceName(n), vhost: '/', configure: '.*', write: '.*', read: '.*' },
            })),
          }),
        );
      },
    },
  ];
}

/** `POST /api/users/import`, as the command line sends what moves in. */
async function gatebook(checkout: Checkout, file: string, count: number) {
  const served = await serve(checkout);
  try {
    return await untilUsable(served.mqtt, count, () =>
      overHttp(
        {
          ...{ url: served.http, path: '/api/users/import', method: 'POST', body: '{"users":{v}}' },
          headers: [`Authorization: Bearer ${served.token}`],
          ...{ valuesFile: file, count: count / usersAtOnce, connections: requestsAtOnce },
        },
        200,
      ),
    );
  } finally {
    await served.stop();
  }
}

/** A line for each request: as many users as it holds. */
async function usersIn(context: Context, count: number): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'gatebook-bench-users-'));
  context.atEnd(() => rm(folder, { recursive: true, force: true }));
  const lines = Array.from({ length: count / usersAtOnce }, (_, line) =>
    JSON.stringify(
      Array.from({ length: usersAtOnce }, (_, at) => {
        const n = line * usersAtOnce + at;
        const permission = { context: 'mqtt', resource: 'plant/#', operation: 'readWrite' };
        return { username: deviceName(n), password: secretOf(n), permissions: [permission] };
      }),
    ),
  );
  const file = join(folder, 'users');
  await writeFile(file, lines.join('\n'));
  return file;
}

export const provision: Line = {
  name: 'provision',
  title: 'Clients made, until usable',
  goals: [ratioAtLeast(20, 'Mosquitto dynsec')],
  // Mosquitto takes minutes for one.
  rounds: 3,
  async contestants(context) {
    const count = context.quick ? 2_000 : 10_000;
    const file = await usersIn(context, count);
    return [
      ...(await mosquitto(context, count)),
      ...(await rabbit(context, count)),
      ...context.checkouts.map(
        (checkout): Contestant => ({
          ...{ name: checkout.name, ours: true },
          round: () => gatebook(checkout, file, count),
        }),
      ),
    ];
  },
};
