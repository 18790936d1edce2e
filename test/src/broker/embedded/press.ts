/** An embedded broker with a press and its boss, and sessions that outlive their connection. */
import { type Connect, subscribed, until } from '../../../support/mqtt-peers.ts';
import type { Account, World } from './world.ts';

export const accounts = (): Record<string, Account> => ({
  boss: { password: 's', read: ['#'], write: ['#'] },
  press: { password: 's', read: ['plant/#', 'marker'], write: ['plant/#'] },
});

export const will = {
  topic: 'plant/will',
  payload: Buffer.from('gone'),
  qos: 1 as const,
  retain: false,
};

/** A session that outlives its connection, with one subscription. */
export async function stored(world: World, clientId: string, connect: Connect = {}) {
  const client = await world.connect('press', {
    clientId,
    clean: false,
    ...(connect.version === 5 ? { properties: { sessionExpiryInterval: 600 } } : {}),
    ...connect,
  });
  await subscribed(client, ['plant/#', 'marker']);
  client.end();
  await until(() => !world.broker.sessions().some((session) => session.clientId === clientId));
}
