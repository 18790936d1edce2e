/** The time of a device: what it is, and how it waits. Another one makes hours of waiting short where a client is tried. */
import { setTimeout as sleep } from 'node:timers/promises';

export interface DeviceTime {
  nowMs(): number;
  /** Rejects with the signal's reason when it aborts. */
  sleep(ms: number, signal: AbortSignal | undefined): Promise<void>;
  /** Aborts when so much time is over. */
  timeout(ms: number): AbortSignal;
}

export const realTime: DeviceTime = {
  nowMs: () => Date.now(),
  async sleep(ms, signal) {
    await sleep(ms, undefined, signal && { signal }).catch(() => signal?.throwIfAborted());
  },
  timeout: (ms) => AbortSignal.timeout(ms),
};
