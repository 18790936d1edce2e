/** An embedded broker where somebody who may read everything looks on. */

import { messagesUntil, publish, subscribed } from '../../../support/mqtt-peers.ts';
import { assert } from '../../../support/suite.ts';
import type { Account, World } from './world.ts';

export const accounts = (): Record<string, Account> => ({
  // Sees and says everything that is no $ topic.
  boss: { password: 's', read: ['#'], write: ['#'] },
  watcher: { password: 's', read: ['#'], write: ['#'] },
  press: { password: 's', read: ['plant/+/state'], write: ['plant/press/state'] },
  nobody: { password: 's', read: [], write: [] },
  prefixed: { password: 's', read: [], write: ['line/7/#'], publishPrefix: 'line/7/' },
  operator: { password: 's', read: ['$SYS/#', '$share/#', '#'], write: ['$SYS/#'] },
});

/** What a reader of everything got until the marker that the test sends last. */
export async function watched(world: World, filter = '#') {
  const watcher = await world.connect('watcher');
  assert.equal(await subscribed(watcher, [filter]), [1]);
  return async () => {
    const marker = await world.connect('watcher', { clientId: 'marker' });
    marker.send(publish('marker', 'last'));
    return (await messagesUntil(watcher, 'last')).slice(0, -1);
  };
}
