/** Closes the sessions of names whose certificate was ended a second time, when no connection from before that can open one any more. */
import { brokerRetryMaxMs } from '../limits/brokers.ts';
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
}

export interface LateClosings {
  /** A certificate of that name was ended now; said again before its time, the time begins anew. */
  add(username: string): void;
}

/**
 * A connection whose handshake was done while its certificate was good may say CONNECT after the list of revoked
 * certificates was read, and nobody looks at the certificate again.
 */
export function lateClosings({ afterMs, close, signal }: LateClosingsOptions): LateClosings {
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
  const isClosed = (username: string, endedMs: number): Promise<boolean> =>
    close(username, endedMs).then(
      () => true,
      (error: unknown) => error instanceof BrokerRefused,
    );

  return {
    add(username) {
      due.delete(username);
      due.set(username, performance.now() + afterMs);
      if (!isRunning) void run();
    },
  };
}
