/** The log in KurrentDB keeps the contract of every event store, over the real client. */

import { openKurrentStore } from '../../../../src/store/kurrentdb/store.ts';
import { eventStoreContract } from '../../../support/event-store/contract.ts';
import { makeRoom } from '../../../support/kurrentdb/room.ts';
import { startKurrentServer } from '../../../support/kurrentdb/server.ts';
import { ahead } from '../../../support/kurrentdb/world.ts';
import { skipped } from '../../../support/skipped.ts';
import type { Made } from '../../../support/stored-events.ts';
import { suite } from '../../../support/suite.ts';

const worlds = ahead(madeInServer);

eventStoreContract('kurrentdb', worlds.take);

const realServer = process.env.KURRENTDB_URL;
if (realServer) eventStoreContract('kurrentdb at KURRENTDB_URL', () => madeInRoom(realServer));
else skipped('no KURRENTDB_URL here');

const test = suite('kurrentdb, opened ahead');

test('what no test needed lets go of everything', async () => {
  for (const made of await worlds.rest()) await made.dispose();
});

test.run();

async function madeInServer(): Promise<Made> {
  const server = await startKurrentServer();
  const { connectionString } = server;
  // Both open a new log at once: it has one identity all the same.
  const [store, reopened] = await Promise.all([
    openKurrentStore({ connectionString }),
    openKurrentStore({ connectionString }),
  ]);
  return {
    store,
    async reopen() {
      await store.close();
      return reopened;
    },
    async dispose() {
      await Promise.all([store.close(), reopened.close()]);
      await server.stop();
    },
  };
}

/** A server that others use too: each test has a room of its own in it. */
async function madeInRoom(connectionString: string): Promise<Made> {
  const first = await openKurrentStore({ connectionString });
  const room = await makeRoom(first);
  let store = first;
  return {
    store: room.through(first),
    async reopen() {
      await store.close();
      store = await openKurrentStore({ connectionString });
      return room.through(store);
    },
    dispose: () => store.close(),
  };
}
