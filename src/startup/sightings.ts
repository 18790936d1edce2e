/** Opens the side table of who was seen when, and keeps it until the service stops. */
import { join } from 'node:path';
import type { Config } from '../config/config.ts';
import type { Logger } from '../logger.ts';
import type { Lifecycle } from '../platform/lifecycle.ts';
import type { Journals } from '../platform/sqlite/journals.ts';
import { rowsOf } from '../read-models/all.ts';
import type { ReadModels } from '../read-models/read-models.ts';
import { createSightings, keepSightings, type Sightings } from '../sightings/sightings.ts';
import type { EventStore } from '../store/event-store.ts';
import type { BrokerRuntime } from './brokers.ts';

interface SightingsParts {
  readonly config: Config;
  readonly logger: Logger;
  readonly store: EventStore;
  readonly readModels: ReadModels;
  readonly now: () => string;
  readonly journals: Journals;
}

export function openSightings(
  { config, logger, store, readModels, now, journals }: SightingsParts,
  lifecycle: Lifecycle,
): Sightings {
  const sightings = createSightings({
    file: join(config.dataDir, 'sightings.sqlite'),
    logId: store.logId,
    ...{ rows: rowsOf(readModels), now, graceMaxMs: config.staleAfterMs, journals },
  });
  lifecycle.add(async () => {
    try {
      await sightings.write(false);
    } catch (error) {
      logger.warn('When clients were seen last could not be written down', { error });
    }
    sightings.close();
  });
  return sightings;
}

/** Until the lifecycle ends: a broker that is down lets nobody in, so that nobody can be seen. */
export function startKeepingSightings(
  {
    sightings,
    logger,
    now,
  }: Pick<SightingsParts, 'logger' | 'now'> & { readonly sightings: Sightings },
  runtime: BrokerRuntime,
  lifecycle: Lifecycle,
): void {
  lifecycle.runs(
    keepSightings({
      ...{ sightings, logger, signal: lifecycle.signal },
      *live() {
        yield* runtime.embedded?.lastPackets() ?? [];
        const atMs = Date.parse(now());
        for (const username of runtime.proxied()) yield { username, atMs };
      },
      isWatched: () => runtime.brokers.every((broker) => broker.status() === 'up'),
    }),
  );
}
