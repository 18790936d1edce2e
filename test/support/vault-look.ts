/** Looks into the vault of a stopped registry, and moves its clock. */
import { join } from 'node:path';
import { createVault } from '../../src/credentials/vault.ts';
import { sweep } from '../../src/jobs/vault-sweep.ts';
import { createLogger } from '../../src/logger.ts';
import { allCustomProjections, allProjections, rowsOf } from '../../src/read-models/all.ts';
import { openReadModels } from '../../src/read-models/read-models.ts';
import { beginning } from '../../src/store/event-store.ts';
import type { World } from './service.ts';

/** The kinds of the secrets that are kept of each name. */
export const secretsKept = ({ withStore }: World): Promise<ReadonlyMap<string, string[]>> =>
  withStore(async (store) => {
    const kept = new Map<string, { username: string; kind: string }>();
    for (const change of await store.readVault(beginning, 100_000)) {
      if (change.kind === 'deleted') kept.delete(change.stream);
      else if (change.event.type === 'SecretKept')
        kept.set(change.stream, change.event.data as { username: string; kind: string });
    }
    const names = new Map<string, string[]>();
    for (const { username, kind } of kept.values())
      names.set(username, [...(names.get(username) ?? []), kind].sort());
    return names;
  });

/** Sweeps the vault as the clockwork does, so many days from now. Says how many secrets went. */
export const sweepInDays = ({ dataDir, withStore, lines }: World, days: number): Promise<number> =>
  withStore(async (store) => {
    const readModels = openReadModels({
      file: join(dataDir, 'read-models.sqlite'),
      logId: store.logId,
      head: await store.head(),
      projections: allProjections,
      customProjections: allCustomProjections,
    });
    try {
      const now = () => new Date(Date.now() + days * 24 * 60 * 60 * 1_000).toISOString();
      return await sweep({
        store,
        vault: createVault(store, now),
        passwords: { forget: () => undefined },
        rows: rowsOf(readModels),
        rules: { lastUse: () => undefined },
        refusedTtlMs: 30 * 24 * 60 * 60 * 1_000,
        now,
        logger: createLogger({ level: 'info', write: (line) => lines.push(line) }),
      });
    } finally {
      readModels.close();
    }
  });
