/** Closes the sessions of names whose certificate was ended a second time, when no connection from before that can open one any more. */
import { brokerRetryMaxMs, lateClosingsMax } from '../limits/brokers.ts';
import { pause } from '../platform/pause.ts';
import { BrokerRefused } from './ports/broker.ts';

interface LateClosingsOptions {
  /** How long the broker keeps a connection that says nothing. */
  readonly afterMs: number;
  /**
   * `endedMs`: when the certificate was ended, by `performance.now()`; nothing of before comes in later than `afterMs` from then.
   * Rejects where the broker is away; it is called again then, but not where the broker refuses it: others wait behind it.
   */
  readonly close: (username: string, endedMs: number) => Promise<void>;
  readonly signal: AbortSignal;
  /** Other than the named limit, so that a test can reach it. */
  readonly max?: number;
}

export interface LateClosings {
  /**
   * A certificate of that name was ended now; said again before its time, the time begins anew. Where too many wait, the one that waits
   * longest is closed before its time: rejects, and nothing is added, where its broker is away.
   */
  add(username: string): Promise<void>;
}

/**
 * A connection whose handshake was done while its certificate was good may say CONNECT after the list of revoked
 * certificates was read, and nobody looks at the certificate again.
 */
export function lateClosings(options: LateClosingsOptions): LateClosings {
  const { afterMs, close, signal, max = lateClosingsMax } = options;
  /** When each is due, by `performance.now()`; the first to be due is the first. */
  const due = new Map<string, number>();
  let isRunning = false;

  async function run(): Promise<void> {
    isRunning = true;
    for (const [username, at] of due) {
      await pause(Math.max(0, at - performance.now()), signal);
      if (due.get(username) !== at) continue;
      due.delete(username);
      while (!signal.aborted && !(await isClosed(username, at - afterMs)))
        await pause(brokerRetryMaxMs, signal);
      if (signal.aborted) return;
    }
    isRunning = false;
  }
  /** Rejects where the broker is away. */
  const closed = (username: string, endedMs: number): Promise<void> =>
    close(username, endedMs).catch((error: unknown) => {
      if (!(error instanceof BrokerRefused)) throw error;
    });
  const isClosed = (username: string, endedMs: number): Promise<boolean> =>
    closed(username, endedMs).then(
      () => true,
      () => false,
    );

  function put(username: string, at: number): void {
    due.delete(username);
    due.set(username, at);
    if (!isRunning) void run();
  }

  return {
    async add(username) {
      const [oldest] = due.size >= max && !due.has(username) ? due : [];
      if (oldest !== undefined) due.delete(oldest[0]);
      put(username, performance.now() + afterMs);
      if (oldest === undefined) return;
      const [before, at] = oldest;
      try {
        await closed(before, at - afterMs);
      } catch (error) {
        due.delete(username);
        if (!due.has(before)) put(before, at);
        throw error;
      }
    },
  };
}
