/** A server and a store on it for each test, opened while the test before runs: opening takes a while. */

import { StoreUnavailable } from '../../../src/store/event-store.ts';
import { type KurrentStore, openKurrentStore } from '../../../src/store/kurrentdb/store.ts';
import { suite } from '../suite.ts';
import { type KurrentServer, startKurrentServer } from './server.ts';

/** The client takes half a second to its first read. */
const openedAhead = 6;

/** `take` gives what was made ahead, `rest` what nobody took. */
export function ahead<Made>(make: () => Promise<Made>) {
  const ready: Promise<Made>[] = [];
  return {
    take: (): Promise<Made> => {
      while (ready.length <= openedAhead) ready.push(make());
      return ready.shift() ?? make();
    },
    rest: (): Promise<Made[]> => Promise.all(ready),
  };
}

export interface KurrentWorld {
  server: KurrentServer;
  store: KurrentStore;
}

/** Short enough for a test that waits for it, long enough for a few tries. */
export const testAnswerMs = 600;

const openingsMax = 5;

/** A test that sends much beside it may keep an answer from coming in so short a time. */
async function openPatiently(connectionString: string): Promise<KurrentStore> {
  for (let tries = 1; ; tries++)
    try {
      return await openKurrentStore({ connectionString, answerMs: testAnswerMs });
    } catch (error) {
      if (tries === openingsMax || !(error instanceof StoreUnavailable)) throw error;
    }
}

const open = async (): Promise<KurrentWorld> => {
  const server = await startKurrentServer();
  return { server, store: await openPatiently(server.connectionString) };
};

const close = async ({ server, store }: KurrentWorld): Promise<void> => {
  await store.close();
  await server.stop();
};

export function kurrentSuite(name: string) {
  const worlds = ahead(open);
  const test = suite<KurrentWorld>(name);
  test.before.each(async (world) => {
    Object.assign(world, await worlds.take());
  });
  test.after.each(close);
  test.after(async () => {
    await Promise.all((await worlds.rest()).map(close));
  });
  return test;
}
