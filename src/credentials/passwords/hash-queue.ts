/** The bounded queue of slow hashes, whose slots are shared fairly between sources (SPEC 5). */

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
  const waiting = new WaitingJobs(waitingMax);
  let working = 0;
  let open = true;

  const startNext = (): void => {
    while (working < concurrency) {
      const job = waiting.takeNext();
      if (job === undefined) return;
      working += 1;
      job.start();
    }
  };

  return {
    waiting: () => waiting.size,

    close() {
      open = false;
      waiting.refuseAll();
    },

    async run<Result>(source: string, work: () => Promise<Result>): Promise<Result> {
      if (!open) throw new HashingBusy();
      if (working < concurrency && waiting.size === 0) working += 1;
      else {
        const turn = Promise.withResolvers<void>();
        waiting.add(source, { start: turn.resolve, refuse: turn.reject });
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

/** Those who wait: sources take turns, and no source keeps more places than another where it is full. */
class WaitingJobs {
  readonly #max: number;
  /** Sources in the order of their turns, each with its jobs, the oldest first. Never an empty one. */
  readonly #queues = new Map<string, Job[]>();
  #size = 0;

  constructor(max: number) {
    this.#max = max;
  }

  get size(): number {
    return this.#size;
  }

  /** @throws HashingBusy when there is no place for it. */
  add(source: string, job: Job): void {
    if (this.#size >= this.#max) this.#makeRoom(source);
    const jobs = this.#queues.get(source);
    if (jobs === undefined) this.#queues.set(source, [job]);
    else jobs.push(job);
    this.#size += 1;
  }

  takeNext(): Job | undefined {
    const next = this.#queues.entries().next().value;
    if (next === undefined) return undefined;
    const [source, jobs] = next;
    const job = jobs.shift();
    this.#queues.delete(source);
    if (jobs.length > 0) this.#queues.set(source, jobs); // Its next turn comes after all the others.
    this.#size -= 1;
    return job;
  }

  refuseAll(): void {
    const refused = [...this.#queues.values()].flat();
    this.#queues.clear();
    this.#size = 0;
    for (const { refuse } of refused) refuse(new HashingBusy());
  }

  #makeRoom(source: string): void {
    const [fullest, jobs] = this.#fullest() ?? [source, []];
    const own = this.#queues.get(source)?.length ?? 0;
    // At equal shares those who came first stay: else newcomers would only take turns to be refused.
    if (own + 1 >= jobs.length) throw new HashingBusy();
    const displaced = jobs.pop();
    if (jobs.length === 0) this.#queues.delete(fullest);
    this.#size -= 1;
    displaced?.refuse(new HashingBusy());
  }

  #fullest(): [source: string, jobs: Job[]] | undefined {
    let most: [string, Job[]] | undefined;
    for (const entry of this.#queues)
      if (most === undefined || entry[1].length > most[1].length) most = entry;
    return most;
  }
}
