/** The MQTT door of a registry in a test. */
import { setTimeout as sleep } from 'node:timers/promises';
import { newName } from './door.ts';
import { connected, type RawMqtt } from './mqtt-peers.ts';
import type { World } from './service.ts';
import { assert } from './suite.ts';

interface Who {
  readonly username: string;
  readonly password: string;
}

/** CONNACK's code; the connection is closed again. */
export async function knockAt(
  world: World,
  { username, password }: Who,
  clientId = newName(),
  localAddress?: string,
): Promise<number> {
  const packet = { username, password, clientId };
  const client = await connected(world.mqtt.port, packet, localAddress);
  client.end();
  return client.code;
}

/** A session of MQTT 5, which says why it ends. */
export async function session(world: World, { username, password }: Who): Promise<RawMqtt> {
  const who = { username, password, clientId: newName() };
  const client = await connected(world.mqtt.port, { ...who, version: 5 });
  assert.is(client.code, 0, `${username} connects`);
  return client;
}

/** Open, and not only still. */
export const isOpen = (client: RawMqtt): Promise<boolean> =>
  Promise.race([client.closed.then(() => false), sleep(50).then(() => true)]);
