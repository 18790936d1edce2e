/** A thread that is there while it is needed: started with the first question, ended after a while without one. */
import type { Worker } from 'node:worker_threads';

interface OccasionalThreadOptions {
  /** Its worker answers each message with one, in their order. */
  readonly start: () => Worker;
  /** Milliseconds without a question after which it is ended. */
  readonly idleMs: number;
  /** Told once, when it cannot be started or ended by itself: it is not started again. */
  readonly onBroken: (error: unknown) => void;
}

interface Asked<Answer> {
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: unknown) => void;
}

export class OccasionalThread<Question, Answer> {
  readonly #options: OccasionalThreadOptions;
  /** Who waits for an answer, in their order. */
  #asked: Asked<Answer>[] = [];
  /** The newest answer that somebody waits for, or none. */
  #newest: Promise<unknown> = Promise.resolve();
  #worker: Worker | undefined;
  #idle: NodeJS.Timeout | undefined;
  #isBroken = false;

  constructor(options: OccasionalThreadOptions) {
    this.#options = options;
  }

  get isBroken(): boolean {
    return this.#isBroken;
  }

  get isRunning(): boolean {
    return this.#worker !== undefined;
  }

  /** Whether somebody waits for an answer. */
  get isBusy(): boolean {
    return this.#asked.length > 0;
  }

  /** Rejects when the thread is gone before it answers: what it did until then is not known. */
  ask(question: Question): Promise<Answer> {
    clearTimeout(this.#idle);
    const answer = new Promise<Answer>((resolve, reject) => {
      this.#asked.push({ resolve, reject });
      try {
        if (this.#isBroken) throw new Error('the thread has ended');
        this.#worker ??= this.#started();
        this.#worker.ref();
        this.#worker.postMessage(question);
      } catch (error) {
        // Node's permission model, for one, can refuse threads.
        this.#break(error);
      }
    });
    this.#newest = answer.catch(() => undefined);
    return answer;
  }

  /** Resolves when nobody waits for an answer. */
  async idle(): Promise<void> {
    while (this.isBusy) await this.#newest;
  }

  /** For good. Who waits for an answer is told that there is none. */
  async end(): Promise<void> {
    this.#isBroken = true;
    await this.#rest();
    this.#refuseAll(new Error('the thread was ended'));
  }

  #started(): Worker {
    const worker = this.#options.start();
    let cause: unknown;
    worker.on('message', (answer: Answer) => {
      if (this.#worker === worker) this.#answered(answer);
    });
    worker.on('error', (error) => {
      cause = error;
    });
    // Not before: what it has open is closed then.
    worker.on('exit', (code) => {
      if (this.#worker === worker) this.#break(cause ?? new Error(`the thread ended (${code})`));
    });
    return worker;
  }

  #answered(answer: Answer): void {
    const asked = this.#asked.shift();
    if (!this.isBusy) {
      // A process that waits for nothing else may end.
      this.#worker?.unref();
      this.#idle = setTimeout(() => this.#rest(), this.#options.idleMs).unref();
    }
    asked?.resolve(answer);
  }

  async #rest(): Promise<void> {
    clearTimeout(this.#idle);
    const worker = this.#worker;
    this.#worker = undefined;
    await worker?.terminate();
  }

  #break(error: unknown): void {
    this.#worker = undefined;
    if (!this.#isBroken) {
      this.#isBroken = true;
      this.#options.onBroken(error);
    }
    this.#refuseAll(error);
  }

  #refuseAll(error: unknown): void {
    const refused = this.#asked;
    this.#asked = [];
    for (const { reject } of refused) reject(error);
  }
}
