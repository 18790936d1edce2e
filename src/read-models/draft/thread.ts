/** The second of the two threads that make the rows of a long log, as the first has it. */
import { rmSync } from 'node:fs';
import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import { history } from '../../../projections/history.ts';
import { bulkFoldPagesBehindMin } from '../../limits/rows.ts';
import type { HasherBeside, RowsHash } from '../state-hash.ts';
import type { FromWorker, ToWorker, WorkerData } from './worker.ts';

/** Beside this file, compiled as this one is. */
const workerFile = new URL(`./worker${extname(import.meta.filename)}`, import.meta.url);

/** What it parses is garbage a page later: it is not to be copied meanwhile. */
const resourceLimits = { maxYoungGenerationSizeMb: 64 };

/** What each of the threads writes; the second one's becomes the file. */
export const draftsOf = (file: string) =>
  ({ whole: `${file}.draft`, half: `${file}.half` }) as const;

const withJournals = (file: string) => ['', '-journal', '-wal', '-shm'].map((end) => file + end);

export function remove(...files: readonly string[]): void {
  for (const one of files.flatMap(withJournals)) rmSync(one, { force: true });
}

/** What a process that was killed left. */
export const removeDrafts = (file: string): void => remove(...Object.values(draftsOf(file)));

export class DraftThread implements HasherBeside {
  /** About half of what there is to hash. */
  readonly names = [history.name];
  readonly #worker: Worker;
  /** Who waits for its answers, the oldest first. */
  readonly #waiting: ((answer: FromWorker) => void)[] = [];
  #failure: Error | undefined;
  #wake = () => {};

  /** Begins a draft of this file. @param isHashed whether its rows are hashed while they are written */
  constructor(file: string, logId: string, isHashed = false) {
    removeDrafts(file);
    const workerData: WorkerData = { file: draftsOf(file).whole, logId, isHashed };
    this.#worker = new Worker(workerFile, { workerData, resourceLimits });
    this.#worker.on('message', (answer: FromWorker) => {
      this.#waiting.shift()?.(answer);
      this.#wake();
    });
    this.#worker.on('error', (error: Error) => {
      this.#failure = error;
      for (const answered of this.#waiting.splice(0)) answered(undefined);
      this.#wake();
    });
  }

  send(message: ToWorker, answered: (answer: FromWorker) => void = () => {}): void {
    this.#waiting.push(answered);
    this.#worker.postMessage(message);
  }

  /** Half of what may wait for it does. */
  get isBehind(): boolean {
    return this.#waiting.length >= bulkFoldPagesBehindMin;
  }

  /** Resolves when fewer than so many messages wait. @throws what stopped the thread */
  async room(size: number): Promise<void> {
    while (this.#waiting.length >= size && this.#failure === undefined)
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    if (this.#failure !== undefined) throw this.#failure;
  }

  async hash(file: string, names: readonly string[]): Promise<readonly RowsHash[] | undefined> {
    if (this.#failure !== undefined) return undefined;
    return await new Promise((resolve) => this.send({ rowsIn: file, names }, resolve));
  }

  /** What it did not finish is left as it is. */
  async end(): Promise<void> {
    await this.#worker.terminate();
  }
}
