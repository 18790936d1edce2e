/** The queue before slow work: bounded, and its slots are shared fairly between sources (SPEC 5). */

/** Too many passwords wait for a slow hash; the answer is 503, or a refusal by MQTT. */
export class HashingBusy extends Error {
  override name = 'HashingBusy';
  constructor() {
    super('too many passwords wait to be checked');
  }
}

interface HashQueue {
  /**
   * Runs the work when it is this source's turn. When the queue is full, a source with fewer waiting
   * takes the newest place of the source with the most, where that makes the shares more equal.
   * @throws HashingBusy when there is no place, also later, when the place was given to another.
   */
  run<Result>(source: string, work: () => Promise<Result>): Promise<Result>;
  /** How many wait, not counting those at work. */
  waiting(): number;
  /** Refuses those who wait, and everybody from now on; what is at work goes on. */
  close(): void;
}

interface Job {
  readonly start: () => void;
  readonly refuse: (error: HashingBusy) => void;
}

export function createHashQueue(options: { concurrency: number; waitingMax: number }): HashQueue {
  const { concurrency, waitingMax } = options;
  /** Sources in the order of their turns, each with its jobs, the oldest first. Never an empty one. */
  const queues = new Map<string, Job[]>();
  let waiting = 0;
  let working = 0;
  let open = true;

  const fullest = (): [source: string, jobs: Job[]] | undefined => {
    let most: [string, Job[]] | undefined;
    for (const entry of queues) {
      if (most === undefined || entry[1].length > most[1].length) most = entry;
    }
    return most;
  };

  /** Makes room for a newcomer, or throws. */
  const makeRoom = (source: string): void => {
    if (waiting < waitingMax) return;
    const [crowded, jobs] = fullest() ?? [source, []];
    const own = queues.get(source)?.length ?? 0;
    // At equal shares those who came first stay: else newcomers would only take turns to be refused.
    if (own + 1 >= jobs.length) throw new HashingBusy();
    const displaced = jobs.pop();
    if (jobs.length === 0) queues.delete(crowded);
    waiting -= 1;
    displaced?.refuse(new HashingBusy());
  };

  const startNext = (): void => {
    while (working < concurrency) {
      const next = queues.entries().next().value;
      if (next === undefined) return;
      const [source, jobs] = next;
      const job = jobs.shift();
      queues.delete(source);
      if (jobs.length > 0) queues.set(source, jobs); // Its next turn comes after all the others.
      waiting -= 1;
      working += 1;
      job?.start();
    }
  };

  return {
    waiting: () => waiting,

    close() {
      open = false;
      const refused = [...queues.values()].flat();
      queues.clear();
      waiting = 0;
      for (const { refuse } of refused) refuse(new HashingBusy());
    },

    async run<Result>(source: string, work: () => Promise<Result>): Promise<Result> {
      if (!open) throw new HashingBusy();
      if (working < concurrency && waiting === 0) working += 1;
      else {
        makeRoom(source);
        const turn = Promise.withResolvers<void>();
        const jobs = queues.get(source);
        const job: Job = { start: turn.resolve, refuse: turn.reject };
        if (jobs === undefined) queues.set(source, [job]);
        else jobs.push(job);
        waiting += 1;
        await turn.promise;
      }
      try {
        return await work();
      } finally {
        working -= 1;
        startNext();
      }
    },
  };
}
