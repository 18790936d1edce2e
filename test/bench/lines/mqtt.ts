/** The embedded broker beside bare aedes and Mosquitto: connects with a password, and messages with rights. */

import { overMqtt } from '../../../src/bench/generators.ts';
import { bare } from '../bare-peers.ts';
import { filledFolder } from '../folders.ts';
import { type Contestant, type Context, type Line, ratioAtLeast } from '../line.ts';
import { controlOf, createAccounts, createRole, mosquittoHere } from '../mosquitto.ts';
import { type Checkout, type Served, serve } from '../served.ts';

const accounts = ({ quick }: Context) => (quick ? 1_000 : 10_000);
const login = { username: 'device-{n}', password: '{hex}' };

type Round = (url: string, number: number) => ReturnType<typeof overMqtt>;

async function aedes(context: Context, round: Round): Promise<Contestant> {
  const { port, stop } = await bare('aedes');
  context.atEnd(stop);
  const url = `mqtt://127.0.0.1:${port}`;
  return { name: 'bare aedes', ours: false, round: (number) => round(url, number) };
}

async function mosquitto(context: Context, round: Round): Promise<Contestant[]> {
  const peer = await mosquittoHere(context.note);
  if (peer === undefined) return [];
  context.atEnd(peer.clean);
  const control = await controlOf(peer);
  await createRole(control);
  await createAccounts(control, accounts(context));
  await control.end();
  const url = `mqtt://127.0.0.1:${peer.port}`;
  const name = 'Mosquitto dynsec';
  return [{ name, ours: false, round: (number) => round(url, number) }];
}

export async function withClients(checkout: Checkout, count: number): Promise<Served> {
  return await serve(checkout, { dataDir: await filledFolder(checkout, 'clients', count) });
}

async function ours(context: Context, round: Round): Promise<Contestant[]> {
  const all: Contestant[] = [];
  for (const checkout of context.checkouts) {
    const served = await withClients(checkout, accounts(context));
    context.atEnd(served.stop);
    all.push({ name: checkout.name, ours: true, round: (number) => round(served.mqtt, number) });
  }
  return all;
}

export const connects: Line = {
  name: 'mqtt-connect',
  title: 'MQTT connect, 10,000 accounts',
  goals: [ratioAtLeast(0.9, 'bare aedes'), ratioAtLeast(1, 'Mosquitto dynsec')],
  async contestants(context) {
    const count = context.quick ? 500 : 2_000;
    const connect: Round = (url, number) =>
      overMqtt('connect', { ...login, url, count, atOnce: 16, from: (number % 5) * count });
    return [
      await aedes(context, connect),
      ...(await mosquitto(context, connect)),
      ...(await ours(context, connect)),
    ];
  },
};

const publishing = (qos: 0 | 1): Line => ({
  name: `mqtt-qos${qos}`,
  title: `MQTT messages, QoS ${qos}`,
  goals: [ratioAtLeast(1, 'bare aedes')],
  async contestants(context) {
    const count = context.quick ? 5_000 : 30_000;
    const topic = 'plant/device-{n}/x';
    const publish =
      (credentials: Partial<typeof login>): Round =>
      (url) =>
        overMqtt('publish', { ...credentials, url, count, qos, topic });
    return [
      await aedes(context, publish({})),
      ...(await mosquitto({ ...context, quick: true }, publish(login))),
      ...(await ours({ ...context, quick: true }, publish(login))),
    ];
  },
});

export const qos0 = publishing(0);
export const qos1 = publishing(1);
