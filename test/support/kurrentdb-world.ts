/** A server and a store on it for each test, opened while the test before runs: opening takes a while. */
import { suite } from 'uvu';
import { type KurrentStore, openKurrentStore } from '../../src/store/kurrentdb.ts';
import { type KurrentServer, startKurrentServer } from './kurrentdb-server.ts';

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

const open = async (): Promise<KurrentWorld> => {
  const server = await startKurrentServer();
  const { connectionString } = server;
  return {
    server,
    store: await openKurrentStore({ connectionString, appendTimeoutMs: testAnswerMs }),
  };
};

const close = async ({ server, store }: KurrentWorld): Promise<void> => {
  await store.close();
  await server.stop();
};

export function kurrentSuite(name: string) {
  const worlds = ahead(open);
  const test = suite<KurrentWorld>(name);
  test.before.each(async (world) => {
    const t0 = performance.now();
    (world as any).__n = ((world as any).__n ?? 0) + 1;
    Object.assign(world, await worlds.take());
    console.log('open', (performance.now() - t0) | 0);
    (world as any).t = performance.now();
  });
  test.after.each(async (w) => {
    console.log('test', (w as any).__n, (performance.now() - (w as any).t) | 0);
    const t = performance.now();
    await close(w);
    console.log('close', (performance.now() - t) | 0);
  });
  test.after(async () => {
    await Promise.all((await worlds.rest()).map(close));
  });
  return test;
}
