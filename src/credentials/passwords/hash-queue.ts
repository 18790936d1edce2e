/** The bounded queue of slow hashes, whose slots are shared fairly between networks and sources (SPEC 5). */
import { randomInt } from 'node:crypto';
import { hashMsAtFirst, hashWaitMsMax } from '../../limits/credentials.ts';
import { HashingBusy, type Job, WaitingJobs } from './waiting-jobs.ts';

export { HashingBusy } from './waiting-jobs.ts';

/** What a password is checked for: people who sign in, and devices at a door, have places of their own. */
export type HashLane = 'door' | 'sign-in';

/** Aborted when nobody waits for the answer any more; made where there is a wait. */
export type Gone = () => AbortSignal;

interface HashQueue {
  /**
   * Runs the work when it is this source's turn. When a lane is full, somebody of the network and the source
   * with the most waiting goes, by lot, which may be the newcomer.
   * @throws HashingBusy when there is no place, also later: when the place was given to another, when
   * the work did not begin within `hashWaitMsMax`, or when whoever asked is gone.
   */
  run<Result>(
    source: string,
    work: () => Promise<Result>,
    lane?: HashLane,
    gone?: Gone,
  ): Promise<Result>;
  /** How many wait, not counting those at work. */
  waiting(): number;
  /** Refuses those who wait, and everybody from now on; what is at work goes on. */
  close(): void;
}

interface HashQueueOptions {
  readonly concurrency: number;
  /** In each lane; fewer where that many would not be served in time. */
  readonly waitingMax: number;
  /** A whole number from 0 to below `count`. */
  readonly lot?: (count: number) => number;
  readonly nowMs?: () => number;
}

/** How much a new measurement of a hash counts beside those of before. */
const newestWeight = 0.2;

export function createHashQueue(options: HashQueueOptions): HashQueue {
  const { concurrency, waitingMax, lot = randomInt, nowMs = () => performance.now() } = options;
  let hashMs = hashMsAtFirst;
  /** What can be served in time, but for those of the other lane; half of it is each lane's own. */
  const placesBeside = (other: HashLane) => () => {
    const inTime = Math.floor((hashWaitMsMax * concurrency) / hashMs);
    const free = Math.max(inTime - lanes[other].size, Math.floor(inTime / 2), 1);
    return Math.min(waitingMax, free);
  };
  const lanes: Readonly<Record<HashLane, WaitingJobs>> = {
    'sign-in': new WaitingJobs(placesBeside('door'), lot),
    door: new WaitingJobs(placesBeside('sign-in'), lot),
  };
  let turnOf: HashLane = 'sign-in';
  let working = 0;
  let open = true;

  const waiting = () => lanes.door.size + lanes['sign-in'].size;

  function takeNext(): Job | undefined {
    const other = turnOf === 'door' ? 'sign-in' : 'door';
    const job = lanes[turnOf].takeNext();
    if (job === undefined) return lanes[other].takeNext();
    turnOf = other;
    return job;
  }

  const startNext = (): void => {
    while (working < concurrency) {
      const job = takeNext();
      if (job === undefined) return;
      working += 1;
      job.start();
    }
  };

  return {
    waiting,

    close() {
      open = false;
      for (const lane of Object.values(lanes)) lane.refuseAll();
    },

    async run<Result>(
      source: string,
      work: () => Promise<Result>,
      lane: HashLane = 'door',
      gone?: Gone,
    ): Promise<Result> {
      if (!open) throw new HashingBusy();
      if (working < concurrency && waiting() === 0) working += 1;
      else await turnIn(lanes[lane], source, gone?.());
      const startedMs = nowMs();
      try {
        return await work();
      } finally {
        hashMs += newestWeight * (nowMs() - startedMs - hashMs);
        working -= 1;
        startNext();
      }
    },
  };
}

/** @throws HashingBusy where the turn does not come. */
async function turnIn(
  lane: WaitingJobs,
  source: string,
  gone: AbortSignal | undefined,
): Promise<void> {
  if (gone?.aborted) throw new HashingBusy();
  const turn = Promise.withResolvers<void>();
  const job = { start: turn.resolve, refuse: turn.reject };
  lane.add(source, job);
  const giveUp = () => lane.giveUp(source, job);
  const timer = setTimeout(giveUp, hashWaitMsMax);
  timer.unref();
  gone?.addEventListener('abort', giveUp);
  try {
    await turn.promise;
  } finally {
    clearTimeout(timer);
    gone?.removeEventListener('abort', giveUp);
  }
}
