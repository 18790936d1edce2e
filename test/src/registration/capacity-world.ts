/** A registry's room over rows in a file, for tests: what waits and who asks. */
import type { ClientEvent } from '../../../domain/client/events.ts';
import type { WindowEvent } from '../../../domain/window.ts';
import { type RequestRow, requests } from '../../../projections/requests.ts';
import { type WindowRow, windowProjection } from '../../../projections/window.ts';
import { type Capacity, createCapacity } from '../../../src/registration/capacity.ts';
import * as the from '../../support/client.ts';
import { logOf, type rowsFile } from '../../support/read-models.ts';

export interface CapacityWorld {
  readonly capacity: Capacity;
  /** Writes events to the log, and at once to the rows. */
  write(...events: readonly (ClientEvent | WindowEvent)[]): void;
  reserve(source?: string | null): ReturnType<Capacity['reserve']>;
  unlock(maxRequests: number, windowId?: string): void;
}
export type Limits = { pendingMax?: number; pendingPerSourceMax?: number };

export const requested = (number: number, windowId = the.firstWindow, source = '192.0.2.1') =>
  the.requested({
    username: `press-${number}`,
    requestId: the.id(number),
    credentialId: the.id(number),
    windowId,
    source,
  });
export const denied = (number: number) =>
  the.denied({ username: `press-${number}`, requestId: the.id(number) });

/** Sources are sealed by no key here: what is stored is the address. */
export async function capacityWorld(
  file: ReturnType<typeof rowsFile>,
  { pendingMax = 1_000, pendingPerSourceMax = 1_000 }: Limits = {},
  openSource: (row: RequestRow) => Promise<string | null> = async ({ source }) => source,
  before: readonly (ClientEvent | WindowEvent)[] = [],
): Promise<CapacityWorld> {
  const models = file.open({ projections: [windowProjection, requests] });
  const log: Parameters<typeof logOf>[0][number][] = [];
  const write: CapacityWorld['write'] = (...events) => {
    const from = log.length;
    for (const { type, data } of events)
      log.push({
        stream: 'username' in data ? `client-${data.username}` : 'registry-main',
        type,
        data,
      });
    models.apply(logOf(log).slice(from));
  };
  write(...before);
  const capacity = createCapacity({
    requests: models.rows(requests),
    onApplied: (listener) => models.onApplied(listener),
    openSource,
    pendingMax,
    pendingPerSourceMax,
  });
  await capacity.countWaiting();
  return {
    capacity,
    write,
    reserve: (source = '192.0.2.1') =>
      capacity.reserve(models.rows(windowProjection).get('main') as WindowRow, source),
    unlock: (maxRequests, windowId = the.firstWindow) =>
      write({
        type: 'RegistryUnlocked',
        data: {
          windowId,
          until: the.later,
          limits: { maxRequests, usernamePattern: null, sources: [], note: null },
          at: the.at,
          by: the.ada,
        },
      }),
  };
}
export const turns = async () => {
  for (let turn = 0; turn < 5; turn++) await Promise.resolve();
};
