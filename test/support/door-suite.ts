/** Tests over one registry and its administrator: each begins with a gate that was just opened. */

import { type Door, doorOf } from './door.ts';
import { startRegistry, type World } from './service.ts';
import { suite } from './suite.ts';

export interface Here {
  world: World;
  door: Door;
}

/** `limits`: of the window that is open when a test begins. */
export function doorSuite(name: string, { limits = {} }: { limits?: object } = {}) {
  const test = suite<Here>(name);
  test.before(async (here) => {
    here.world = await startRegistry({
      GATEBOOK_TRUSTED_PROXIES: '127.0.0.1/32',
      GATEBOOK_SOURCE_ATTEMPTS_PER_MINUTE: '0',
    });
    here.door = doorOf(here.world);
  });
  test.before.each(async ({ door }) => {
    await door.lock();
    await door.unlock(limits);
  });
  test.after(({ world }) => world.stop());
  return test;
}
