/** Many clients made by a program, until each can connect: beside the commands and REST calls of brokers. */

import { overHttp, overMqtt } from '../../../src/bench/generators.ts';
import { timed } from '../../../src/bench/sample.ts';
import { rabbitMq, rabbitMqIsHere } from '../../src/broker/hooks/rabbitmq-peer.ts';
import { type Contestant, type Context, type Line, ratioAtLeast } from '../line.ts';
import { controlOf, createClient, createRole, mosquittoHere } from '../mosquitto.ts';
import { serve } from '../served.ts';

const atOnce = 64;
const body = '{"username":"device-{n}","password":"{hex}"}';
const login = { username: 'device-{n}', password: '{hex}' };

async function mosquitto(context: Context, count: number): Promise<Contestant[]> {
  const peer = await mosquittoHere(context.note);
  if (peer === undefined) return [];
  context.atEnd(peer.clean);
  const control = await controlOf(peer);
  context.atEnd(control.end);
  await createRole(control);
  return [
    {
      name: 'Mosquitto dynsec',
      ours: false,
      round: (number) =>
        timed(count, atOnce, (index) => control.send([createClient(number * count + index)])),
    },
  ];
}

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
  const basic = Buffer.from(`${username}:${password}`).toString('base64');
  const load = { url: peer.managementUrl, method: 'PUT', count, connections: atOnce };
  return [
    {
      name: 'RabbitMQ REST',
      ours: false,
      round: (number) =>
        overHttp(
          {
            ...{ ...load, path: '/api/users/device-{n}', from: number * count },
            ...{
              body: '{"password":"{hex}","tags":""}',
              headers: [`Authorization: Basic ${basic}`],
            },
          },
          201,
        ),
    },
  ];
}

export const provision: Line = {
  name: 'provision',
  title: 'Clients made, until usable',
  goals: [ratioAtLeast(20, 'Mosquitto dynsec')],
  rounds: 5,
  async contestants(context) {
    const count = context.quick ? 200 : 2_000;
    const ours = context.checkouts.map(async (checkout): Promise<Contestant> => {
      const served = await serve(checkout);
      context.atEnd(served.stop);
      const headers = [`Authorization: Bearer ${served.token}`];
      const load = { url: served.http, path: '/api/users', method: 'POST', body, headers, count };
      return {
        name: checkout.name,
        ours: true,
        async round(number) {
          const from = number * count;
          const made = await overHttp({ ...load, connections: atOnce, from }, 201);
          // Usable: the last ones can connect, whatever the answer said.
          await overMqtt('connect', {
            ...login,
            url: served.mqtt,
            count: atOnce,
            from: from + count - atOnce,
          });
          return made;
        },
      };
    });
    return [
      ...(await mosquitto(context, count)),
      ...(await rabbit(context, count)),
      ...(await Promise.all(ours)),
    ];
  },
};
