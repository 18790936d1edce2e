import { eventStoreContract } from './contract.ts';
import { memoryDisk, memoryStore } from './memory-store.ts';

eventStoreContract('in memory', async () => {
  const disk = memoryDisk();
  let store = memoryStore(disk);
  return {
    store,
    async reopen() {
      await store.close();
      store = memoryStore(disk);
      return store;
    },
    dispose: () => store.close(),
  };
});
