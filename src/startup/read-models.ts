/** Opens the read models of a configuration, and folds all rows again from the first event. */
import { join } from 'node:path';
import type { Config } from '../config/config.ts';
import { allCustomProjections, allProjections } from '../read-models/all.ts';
import { openReadModels, type ReadModels } from '../read-models/read-models.ts';
import type { EventStore } from '../store/event-store.ts';
import { requireLog } from '../store/location.ts';
import { openStore } from '../store/open.ts';

/** @param rebuild forgets what is there */
export const openReadModelsOf = async (
  config: Config,
  store: Pick<EventStore, 'logId' | 'head'>,
  { rebuild = false }: { readonly rebuild?: boolean } = {},
): Promise<ReadModels> =>
  openReadModels({
    file: join(config.dataDir, 'read-models.sqlite'),
    logId: store.logId,
    head: await store.head(),
    projections: allProjections,
    customProjections: allCustomProjections,
    rebuild,
  });

/**
 * The service must be stopped. `before` is the state hash of the old rows; null: they were not as far.
 * @throws StoreLocked when it is not; LogAbsent
 */
export async function rebuildReadModels(
  config: Config,
  onProgress: (progress: { done: number; total: number }) => void,
): Promise<{ before: string | null } & Awaited<ReturnType<ReadModels['state']>>> {
  requireLog(config);
  const store = await openStore(config);
  try {
    const head = await store.head();
    const old = await openReadModelsOf(config, store);
    const before = old.position() === head ? (await old.state()).stateHash : null;
    old.close();

    const rebuilt = await openReadModelsOf(config, store, { rebuild: true });
    const total = Number(head);
    for (;;) {
      const { position, index } = rebuilt.resume();
      onProgress({ done: index, total });
      const events = await store.readAll(position, 1_000);
      if (events.length === 0) break;
      rebuilt.apply(events);
      const [fault] = rebuilt.faults();
      if (fault) throw fault.error;
    }
    const state = await rebuilt.state();
    rebuilt.close();
    return { before, ...state };
  } finally {
    await store.close();
  }
}
