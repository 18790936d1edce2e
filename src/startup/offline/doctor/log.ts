/** The log itself, where no service has it: whether it can be used, whose keys it knows, and what its newest moment says of the clock. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Config } from '../../../config/config.ts';
import { openKeys } from '../../../credentials/keys/folder.ts';
import { recordedPepperId } from '../../../credentials/keys/log-binding.ts';
import { clockAheadMs } from '../../../limits/operating.ts';
import { readBatchMax } from '../../../limits/store.ts';
import { LogNotLive, StoreLocked, StoreUnavailable } from '../../../store/errors.ts';
import type { EventStore } from '../../../store/event-store.ts';
import { positionOf } from '../../../store/event-store.ts';
import { isShared, logFileOf, shownStore } from '../../../store/location.ts';
import { openStore } from '../../../store/open.ts';
import { type Finding, fault, good } from './finding.ts';

/** What cannot be opened, as a finding. @throws what is no such fault */
function unopened(error: unknown, config: Config): Finding {
  const { message } = error as Error;
  if (error instanceof StoreLocked)
    return good('log', 'in use by a service that runs: it is asked itself');
  if (error instanceof LogNotLive) return fault('log', message, 'Do what it says');
  if (error instanceof StoreUnavailable)
    return fault(
      'store',
      message,
      isShared(config)
        ? 'Is it running, and does it lead? Its address: GATEBOOK_STORE'
        : 'Is the disk whole, and may this user write to it?',
    );
  return fault('log', message, 'Use the Gatebook that wrote it, or another GATEBOOK_DATA_DIR');
}

async function keysFit(store: EventStore, { keysDir }: Config): Promise<Finding[]> {
  const recorded = await recordedPepperId(store);
  if (recorded === undefined || !existsSync(join(keysDir, 'pepper.key'))) return [];
  try {
    const { pepperId } = await openKeys(keysDir);
    if (pepperId === recorded) return [good('keys', 'they are those that the log was begun with')];
    return [
      fault(
        'keys',
        `the log was begun with other keys (pepper ${recorded}, here ${pepperId})`,
        'Point GATEBOOK_KEYS_DIR to the folder that belongs to this log',
      ),
    ];
  } catch (error) {
    return [fault('keys', (error as Error).message, 'Restore the key folder from a backup')];
  }
}

/** The newest moment of the last events; null: there is none. */
async function newestMoment(store: EventStore, head: string): Promise<string | null> {
  const from = Math.max(0, Number(head) - readBatchMax);
  const events = await store.readAll(positionOf(from), readBatchMax);
  const moments = events.map(({ data }) => data.at).filter((at) => typeof at === 'string');
  return moments.sort().at(-1) ?? null;
}

function clock(newest: string | null, now: string): Finding[] {
  if (newest === null) return [];
  const aheadMs = Date.parse(newest) - Date.parse(now);
  if (aheadMs <= clockAheadMs)
    return [good('clock', `it is ${now}, and the newest event is of ${newest}`)];
  return [
    fault(
      'clock',
      `the newest event is of ${newest}, and it is ${now} here: the clock went back, or was ahead`,
      'Set the clock (NTP): until then windows, ends and tokens last too long',
    ),
  ];
}

export async function logFindings(config: Config, now: string): Promise<Finding[]> {
  const file = logFileOf(config.dataDir);
  if (!isShared(config) && !existsSync(file))
    return [good('log', `${file} is made at the first start`)];
  let store: Awaited<ReturnType<typeof openStore>>;
  try {
    store = await openStore(config);
  } catch (error) {
    return [unopened(error, config)];
  }
  try {
    const head = await store.head();
    const where = isShared(config) ? shownStore(config.store) : file;
    // The positions of a server do not count its events.
    const newest = isShared(config) ? null : await newestMoment(store, head);
    return [
      good('log', `${where} answers, up to position ${Number(head)}`),
      ...clock(newest, now),
      ...(await keysFit(store, config)),
    ];
  } catch (error) {
    if (!(error instanceof StoreUnavailable)) throw error;
    return [unopened(error, config)];
  } finally {
    await store.close();
  }
}

/** Said only where they have to be made. */
export const rowsFindings = ({ dataDir, store }: Config): Finding[] =>
  store === 'sqlite' &&
  existsSync(logFileOf(dataDir)) &&
  !existsSync(join(dataDir, 'read-models.sqlite'))
    ? [
        good(
          'rows',
          'there are none: the next start folds the whole log first, some two minutes for each million events',
        ),
      ]
    : [];
