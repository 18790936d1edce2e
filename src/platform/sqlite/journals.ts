/**
 * Writes the journals of SQLite's files (checkpoints of their write-ahead logs) in a thread of its own, which waits for
 * the disk in place of the event loop. It starts when a journal is long for the first time.
 */

import { extname } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { Worker } from 'node:worker_threads';
import {
  journalPagesMax,
  journalsGrowFastMs,
  journalThreadIdleMs,
  journalWritePages,
} from '../../limits/store.ts';
import type { Logger } from '../../logger.ts';
import { OccasionalThread } from '../threads/occasional-thread.ts';
import type { ToJournalThread } from './journal-thread.ts';

/** The journal of one file, beside the only connection that writes. */
export interface Journal {
  /** After each commit: has the journal written where it is long. */
  committed(): void;
  /** Resolves when the thread is not at it: until the next commit nobody else is. */
  rest(): Promise<void>;
  /** Resolves when the thread has left the file. */
  close(): Promise<void>;
}

export interface Journals {
  /**
   * @param file that other connections of this process can open as well
   * @returns undefined where this SQLite should be left to do it by itself
   */
  keep(database: DatabaseSync, file: URL): Journal | undefined;
  /** Resolves when the thread has left every file. */
  end(): Promise<void>;
}

/**
 * Before, two connections that wrote and checkpointed in the same instant could lose a page
 * (https://www.sqlite.org/wal.html, "the WAL-reset bug"), and a journal's length could not be asked.
 */
const [majorMin, minorMin, patchMin] = [3, 51, 3];

function isNewEnough(version: string | undefined): boolean {
  const [major = 0, minor = 0, patch = 0] = (version ?? '').split('.').map(Number);
  return (
    major > majorMin ||
    (major === majorMin && (minor > minorMin || (minor === minorMin && patch >= patchMin)))
  );
}

/** Beside this file, compiled as this one is. */
const threadFile = new URL(`./journal-thread${extname(import.meta.filename)}`, import.meta.url);

/** It has no objects of its own to speak of. */
const resourceLimits = { maxOldGenerationSizeMb: 16, maxYoungGenerationSizeMb: 2, stackSizeMb: 1 };

class JournalThread {
  readonly #thread: OccasionalThread<ToJournalThread, unknown>;

  constructor(onBroken: (error: unknown) => void) {
    const start = () => new Worker(threadFile, { resourceLimits });
    this.#thread = new OccasionalThread({ start, idleMs: journalThreadIdleMs, onBroken });
  }

  get isBroken(): boolean {
    return this.#thread.isBroken;
  }

  get isRunning(): boolean {
    return this.#thread.isRunning;
  }

  /** Resolves when it is written, or never will be. One thing at a time for each address. */
  write(address: string): Promise<void> {
    return this.#ask({ address, work: 'write' });
  }

  async leave(address: string): Promise<void> {
    // Where it has ended, its files are closed with it.
    if (this.#thread.isRunning) await this.#ask({ address, work: 'close' });
  }

  end(): Promise<void> {
    return this.#thread.end();
  }

  async #ask(message: ToJournalThread): Promise<void> {
    try {
      await this.#thread.ask(message);
    } catch {
      // It has ended, and whoever keeps the thread was told.
    }
  }
}

/** Pages in it, and how many of them are in the file as well. */
type Length = readonly [busy: number, pages: number, written: number];

class KeptJournal implements Journal {
  readonly #address: string;
  readonly #thread: JournalThread;
  readonly #length: () => Length;
  readonly #writeHere: () => unknown;
  #underWay: Promise<void> | undefined;
  #dueAtMs = -Infinity;
  #isClosed = false;

  constructor(database: DatabaseSync, file: URL, thread: JournalThread) {
    this.#address = file.href;
    this.#thread = thread;
    const length = database.prepare('PRAGMA wal_checkpoint(NOOP)');
    length.setReturnArrays(true);
    this.#length = () => length.get() as unknown as Length;
    const write = database.prepare('PRAGMA wal_checkpoint(PASSIVE)');
    this.#writeHere = () => write.get();
    // Where the thread does not keep up, SQLite does it itself after the commit that passes this.
    database.exec(`PRAGMA wal_autocheckpoint = ${journalPagesMax}`);
  }

  committed(): void {
    if (this.#underWay !== undefined || this.#isClosed) return;
    const [, pages, written] = this.#length();
    if (pages - written < journalWritePages) return;
    if (this.#isThreadWorthIt()) this.#underWay = this.#write();
    else
      try {
        this.#writeHere();
      } catch {
        // As where SQLite does it: the journal stays, and whoever commits next hears what is wrong with the disk.
      }
  }

  async rest(): Promise<void> {
    while (this.#underWay !== undefined) await this.#underWay;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.rest();
    await this.#thread.leave(this.#address);
  }

  /** Memory for a thread is taken where journals grow fast, and kept while they do. */
  #isThreadWorthIt(): boolean {
    const now = performance.now();
    const isSoon = now - this.#dueAtMs < journalsGrowFastMs;
    this.#dueAtMs = now;
    return !this.#thread.isBroken && (isSoon || this.#thread.isRunning);
  }

  async #write(): Promise<void> {
    await this.#thread.write(this.#address);
    this.#underWay = undefined;
  }
}

export function keepJournals(logger: Logger): Journals {
  const kept: KeptJournal[] = [];
  const thread = new JournalThread((error) =>
    logger.warn('Journals are written by the event loop, since no thread can', { error }),
  );
  return {
    keep(database, file) {
      const journal = isNewEnough(process.versions.sqlite)
        ? new KeptJournal(database, file, thread)
        : undefined;
      if (journal !== undefined) kept.push(journal);
      return journal;
    },
    async end() {
      await Promise.all(kept.map((journal) => journal.close()));
      await thread.end();
    },
  };
}
