/**
 * Sends every event of the log to a SIEM: in order, at least once, from where it was. The log is the buffer, so
 * that a receiver may be away for as long as it likes; of several nodes one sends at a time.
 */
import type { Tree } from '../../audit/transparency-log/tree.ts';
import {
  siemEventsAtOnceMax,
  siemGatherMs,
  siemPortionBytesMax,
  siemPortionMaxMs,
  siemRetryMaxMs,
  siemRetryMinMs,
} from '../../limits/notifications.ts';
import type { Logger } from '../../logger.ts';
import { pause } from '../../platform/pause.ts';
import { createWakeup, type Wakeup } from '../../platform/wakeup.ts';
import type { EventStore } from '../../store/event-store.ts';
import type { LeasedJob } from '../../store/job.ts';
import { isMarkOf, markAtBeginning, markAtEnd, markText, readMark, type SiemMark } from './mark.ts';
import { NotDelivered, type SiemRecord, type SiemSink, siemRecord } from './record.ts';

interface SiemOptions {
  readonly store: Pick<EventStore, 'logId' | 'readAll'>;
  readonly tree: Pick<Tree, 'size' | 'leaf' | 'leaves' | 'positionOf' | 'momentOf'>;
  readonly job: Pick<LeasedJob, 'lease' | 'readNote' | 'writeNote'>;
  readonly sink: SiemSink;
  /** Where it begins when nothing was delivered yet. */
  readonly from: 'beginning' | 'now';
  /** Resolves once the tree is as far as the log was. */
  readonly caughtUp: () => Promise<boolean>;
  readonly onApplied: (listener: () => void) => void;
  /** What stands in the log at this index is not what the tree was grown by. */
  readonly onDifference: (index: number) => void;
  readonly metrics: {
    readonly delivered: (count: number) => void;
    readonly failed: () => void;
  };
  readonly logger: Logger;
  readonly now: () => string;
  readonly signal: AbortSignal;
  /** Other than the limit. */
  readonly portionMaxMs?: number;
}

interface Siem {
  /** What this node has to send and has not; nothing while another node sends. */
  lag(): { readonly events: number; readonly seconds: number };
  readonly ended: Promise<void>;
}

export function startSiem(options: SiemOptions): Siem {
  const { job, tree, now, signal, sink } = options;
  const changed = createWakeup();
  options.onApplied(changed.wake);
  let sender: Sender | null = null;
  const work = job.lease.whileHeld(signal, async (held) => {
    sender = new Sender(options, changed, held);
    await sender.run();
    sender = null;
  });
  return {
    lag() {
      const index = sender?.deliveredCount() ?? null;
      if (index === null || index >= tree.size()) return { events: 0, seconds: 0 };
      const waitingMs = Date.parse(now()) - Date.parse(tree.momentOf(index));
      return { events: tree.size() - index, seconds: Math.max(0, waitingMs / 1_000) || 0 };
    },
    ended: work.finally(() => sink.close()),
  };
}

/** One tenure: from the note of what was delivered until the lease is lost, or the service stops. */
class Sender {
  readonly #options: SiemOptions;
  readonly #changed: Wakeup;
  readonly #signal: AbortSignal;
  #mark: SiemMark | null = null;
  #noted: SiemMark | null = null;
  #atOnce = siemEventsAtOnceMax;
  #failures = 0;

  constructor(options: SiemOptions, changed: Wakeup, signal: AbortSignal) {
    this.#options = options;
    this.#changed = changed;
    this.#signal = signal;
  }

  deliveredCount = (): number | null => this.#mark?.index ?? null;

  /** Never rejects; resolves when the signal aborts. */
  async run(): Promise<void> {
    while (!this.#signal.aborted)
      try {
        this.#mark ??= await this.#resumed();
        if (this.#mark !== null && (await this.#step(this.#mark))) this.#succeeded();
      } catch (error) {
        if (!this.#signal.aborted) await this.#failed(error);
      }
  }

  /** Null: the tree is not as far yet. */
  async #resumed(): Promise<SiemMark | null> {
    const { job, store, tree, from, caughtUp, logger } = this.#options;
    if (!(await caughtUp())) return null;
    const text = await job.readNote();
    const mark = text === null ? null : readMark(text);
    const fits = mark !== null && isMarkOf(mark, store.logId, tree);
    if (text !== null && !fits)
      logger.warn('What was sent to the SIEM is not what this log begins with: all of it is sent', {
        delivered: mark?.index,
      });
    const begun =
      text === null && from === 'now' ? markAtEnd(store.logId, tree) : markAtBeginning(store.logId);
    const resumed = fits ? mark : begun;
    if (fits) this.#noted = mark;
    logger.info('Audit events are sent to the SIEM', { from: resumed.index });
    return resumed;
  }

  /** Sends what is new, or waits for it; whether something was sent. @throws NotDelivered, StoreUnavailable */
  async #step(mark: SiemMark): Promise<boolean> {
    const { store, tree, job } = this.#options;
    if (this.#noted !== mark) {
      await job.writeNote(markText(mark));
      this.#noted = mark;
    }
    const waiting = tree.size() - mark.index;
    if (waiting <= 0) {
      await this.#changed.next(this.#signal);
      // What comes together is sent together.
      await pause(siemGatherMs, this.#signal);
      return false;
    }
    const limit = Math.min(waiting, this.#atOnce);
    const events = await store.readAll(mark.position, limit);
    if (events.length === 0) throw new NotDelivered('the log ends before what was recorded');
    const records = events.map((event, at) => siemRecord(event, mark.index + at));
    this.#compare(records);
    for (const portion of portionsOf(records)) await this.#deliver(portion);
    return true;
  }

  async #deliver(portion: readonly SiemRecord[]): Promise<void> {
    const { sink, store, job, metrics } = this.#options;
    const late = AbortSignal.timeout(this.#options.portionMaxMs ?? siemPortionMaxMs);
    await sink.send(portion, AbortSignal.any([this.#signal, late]));
    const last = portion.at(-1) as SiemRecord;
    const { position, hash } = last;
    metrics.delivered(portion.length);
    const mark = { logId: store.logId, index: last.index + 1, position, hash };
    // Delivered it is, also where that cannot be noted: then it is noted before the next is sent.
    this.#mark = mark;
    await job.writeNote(markText(mark));
    this.#noted = mark;
  }

  /** A SIEM gets what stands in the log, also where that was rewritten, which is told where proofs are made. */
  #compare(records: readonly SiemRecord[]): void {
    const { tree, onDifference } = this.#options;
    const from = records[0]?.index ?? 0;
    const leaves = tree.leaves(from, from + records.length);
    const different = records.find(({ hash }, at) => leaves[at]?.toString('hex') !== hash);
    if (different !== undefined) onDifference(different.index);
  }

  #succeeded(): void {
    if (this.#failures > 0)
      this.#options.logger.info('Audit events reach the SIEM again', {
        failedAttempts: this.#failures,
      });
    this.#failures = 0;
    this.#atOnce = Math.min(this.#atOnce * 2, siemEventsAtOnceMax);
  }

  /** Told once for each time that it is away; then fewer at once, for a receiver that takes no more. */
  async #failed(error: unknown): Promise<void> {
    const { logger, metrics } = this.#options;
    const waitMs = Math.min(siemRetryMinMs * 2 ** Math.min(this.#failures, 20), siemRetryMaxMs);
    if (this.#failures === 0) {
      const why = error instanceof NotDelivered ? { detail: error.message } : { error };
      logger.warn('Audit events do not reach the SIEM; they wait in the log', why);
    }
    this.#failures += 1;
    this.#atOnce = Math.ceil(this.#atOnce / 2);
    metrics.failed();
    await pause(waitMs, this.#signal);
  }
}

/** Never none: a record that is larger than a portion goes alone. */
function* portionsOf(records: readonly SiemRecord[]): Generator<readonly SiemRecord[], void, void> {
  let portion: SiemRecord[] = [];
  let bytes = 0;
  for (const record of records) {
    const more = Buffer.byteLength(record.leaf);
    if (portion.length > 0 && bytes + more > siemPortionBytesMax) {
      yield portion;
      portion = [];
      bytes = 0;
    }
    portion.push(record);
    bytes += more;
  }
  if (portion.length > 0) yield portion;
}
