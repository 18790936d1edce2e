/** The log in KurrentDB keeps the contract of every event store, over the real client. */
import { openKurrentStore } from '../../../src/store/kurrentdb.ts';
import { eventStoreContract } from '../../support/event-store-contract.ts';
import { startKurrentServer } from '../../support/kurrentdb-server.ts';

eventStoreContract('kurrentdb', async () => {
  const server = await startKurrentServer();
  const { connectionString } = server;
  const first = await openKurrentStore({ connectionString });
  let store = first;
  return {
    store: first,
    async reopen() {
      await store.close();
      store = await openKurrentStore({ connectionString });
      return store;
    },
    async dispose() {
      await store.close();
      await server.stop();
    },
  };
});
