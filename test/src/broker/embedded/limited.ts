/** An embedded broker with other limits than the named ones. */

import type { EmbeddedLimits } from '../../../../src/broker/embedded/broker.ts';
import { messagesUntil, publish, subscribed } from '../../../support/mqtt-peers.ts';
import { assert } from '../../../support/suite.ts';
import { embeddedWorld, type World } from './world.ts';

export const accounts = () => ({
  ada: { password: 's', read: ['#'], write: ['#'] },
  ben: { password: 's', read: ['#'], write: ['#'] },
});
export const limited = (limits: Partial<EmbeddedLimits>) => embeddedWorld(accounts(), { limits });

/** The service goes on as if nothing had been. */
export async function isWell(world: World): Promise<void> {
  const reader = await world.connect('ben', { clientId: 'well-reader' });
  await subscribed(reader, ['well']);
  const writer = await world.connect('ada', { clientId: 'well-writer', version: 5 });
  writer.send(publish('well', 'last', { qos: 1 }));
  assert.is((await writer.take('puback')).reasonCode, 0);
  await messagesUntil(reader, 'last');
  reader.end();
  writer.end();
}
