/** Delivers one message: the HTTP POST, its retries, and why the receiver did not accept it. */
import { notificationRetriesMs, notificationTimeoutMs } from '../limits/notifications.ts';
import { pause } from '../platform/pause.ts';
import type { Message } from './messages.ts';

/**
 * One attempt. Resolves with null when the receiver accepted the message, else with the reason, without
 * the address, which may be a secret. Never rejects.
 */
export async function postMessage(message: Message, signal: AbortSignal): Promise<string | null> {
  try {
    const response = await fetch(message.url, {
      method: 'POST',
      body: message.body,
      headers: message.headers(Date.now()),
      redirect: 'manual',
      signal,
    });
    await response.body?.cancel();
    return response.ok ? null : `answered ${response.status}`;
  } catch (error) {
    const { name, cause } = error as { name?: string; cause?: { code?: string } };
    return cause?.code ?? name ?? 'not reached';
  }
}

interface DeliveryFailure {
  readonly attemptCount: number;
  /** The reason of the last attempt. */
  readonly detail: string;
}

/**
 * Attempts until the receiver accepts the message, with a pause before each retry. Resolves with null when
 * it did, and when the signal aborts. Never rejects.
 */
export async function deliver(
  message: Message,
  signal: AbortSignal,
  retriesMs: readonly number[] = notificationRetriesMs,
): Promise<DeliveryFailure | null> {
  let detail: string | null = null;
  for (const pauseMs of [0, ...retriesMs]) {
    if (pauseMs > 0) await pause(pauseMs, signal);
    if (signal.aborted) return null;
    const timeout = AbortSignal.timeout(notificationTimeoutMs);
    detail = await postMessage(message, AbortSignal.any([signal, timeout]));
    if (detail === null) return null;
  }
  if (signal.aborted || detail === null) return null;
  return { attemptCount: retriesMs.length + 1, detail };
}
