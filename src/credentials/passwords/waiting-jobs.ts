/** Those who wait for a slow hash: networks take turns, and within one its sources; places are shared alike. */
import { networkOf } from '../../platform/networks.ts';

/** Too many passwords wait for a slow hash; the answer is 503, or a refusal by MQTT. */
export class HashingBusy extends Error {
  override name = 'HashingBusy';
  constructor() {
    super('too many passwords wait to be checked');
  }
}

export interface Job {
  readonly start: () => void;
  readonly refuse: (error: HashingBusy) => void;
}

/** The sources of one network in the order of their turns, each with its jobs, the oldest first. */
type Sources = Map<string, Job[]>;

/** Puts an entry last in line. */
function toTheEnd<Value>(line: Map<string, Value>, key: string, value: Value): void {
  line.delete(key);
  line.set(key, value);
}

const sizeOf = (sources: Sources | undefined): number =>
  [...(sources?.values() ?? [])].reduce((sum, jobs) => sum + jobs.length, 0);

export class WaitingJobs {
  readonly #max: () => number;
  readonly #lot: (count: number) => number;
  /** In the order of their turns. Never an empty one, nor a source without a job. */
  readonly #networks = new Map<string, Sources>();
  #size = 0;

  /** `lot` draws a whole number from 0 to below its argument. */
  constructor(max: () => number, lot: (count: number) => number) {
    this.#max = max;
    this.#lot = lot;
  }

  get size(): number {
    return this.#size;
  }

  /** @throws HashingBusy when there is no place for it. */
  add(source: string, job: Job): void {
    const max = this.#max();
    if (max === 0) throw new HashingBusy();
    if (this.#size >= max) this.#makeRoom(source);
    const network = networkOf(source);
    const sources: Sources = this.#networks.get(network) ?? new Map();
    this.#networks.set(network, sources);
    const jobs = sources.get(source) ?? [];
    sources.set(source, jobs);
    jobs.push(job);
    this.#size += 1;
  }

  takeNext(): Job | undefined {
    const [network, sources] = this.#networks.entries().next().value ?? [];
    const [source, jobs] = sources?.entries().next().value ?? [];
    if (network === undefined || sources === undefined || source === undefined) return undefined;
    const job = jobs?.[0];
    // Their next turns come after all the others.
    toTheEnd(this.#networks, network, sources);
    if (jobs) toTheEnd(sources, source, jobs);
    if (job) this.#remove(source, job);
    return job;
  }

  /** Refuses a job that still waits. */
  giveUp(source: string, job: Job): void {
    if (this.#remove(source, job)) job.refuse(new HashingBusy());
  }

  refuseAll(): void {
    const refused = [...this.#networks.values()].flatMap((sources) => [...sources.values()].flat());
    this.#networks.clear();
    this.#size = 0;
    for (const { refuse } of refused) refuse(new HashingBusy());
  }

  #remove(source: string, job: Job): boolean {
    const network = networkOf(source);
    const sources = this.#networks.get(network);
    const jobs = sources?.get(source);
    const at = jobs?.indexOf(job) ?? -1;
    if (sources === undefined || jobs === undefined || at < 0) return false;
    jobs.splice(at, 1);
    if (jobs.length === 0) sources.delete(source);
    if (sources.size === 0) this.#networks.delete(network);
    this.#size -= 1;
    return true;
  }

  /**
   * Somebody of the network and the source with the most, the newcomer among them, goes by lot: who came
   * first would else hold every place against all who come later.
   */
  #makeRoom(source: string): void {
    const own = networkOf(source);
    const networks = new Set([...this.#networks.keys()].filter((one) => one !== own)).add(own);
    const network = this.#fullest([...networks], (one) => {
      return sizeOf(this.#networks.get(one)) + (one === own ? 1 : 0);
    });
    const sources: Sources = this.#networks.get(network) ?? new Map();
    const names = new Set(sources.keys());
    if (network === own) {
      names.delete(source);
      names.add(source);
    }
    const fullest = this.#fullest([...names], (one) => {
      return (sources.get(one)?.length ?? 0) + (one === source ? 1 : 0);
    });
    const jobs = sources.get(fullest) ?? [];
    const displaced = jobs[this.#lot(jobs.length + (fullest === source ? 1 : 0))];
    if (displaced === undefined) throw new HashingBusy();
    this.giveUp(fullest, displaced);
  }

  /** One of those with the most, by lot. */
  #fullest(keys: readonly string[], countOf: (key: string) => number): string {
    const counts = keys.map(countOf);
    const most = Math.max(...counts);
    const fullest = keys.filter((_, at) => counts[at] === most);
    return fullest[this.#lot(fullest.length)] as string;
  }
}
