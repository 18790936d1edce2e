/** What a browser has in place of a machine's network, time and chance. */
import { type AskedRegistry, answerBytesMax, type DoorResponse } from '../answer.ts';
import { retryAfterMs } from '../retry-after.ts';
import type { DeviceTime } from '../time.ts';

export const timeOfBrowser: DeviceTime = {
  nowMs: () => Date.now(),
  sleep: (ms, signal) =>
    new Promise((resolve, reject) => {
      const give = () => {
        clearTimeout(timer);
        reject(signal?.reason);
      };
      const timer = setTimeout(() => {
        signal?.removeEventListener('abort', give);
        resolve();
      }, ms);
      signal?.addEventListener('abort', give, { once: true });
      if (signal?.aborted) give();
    }),
  timeout: (ms) => AbortSignal.timeout(ms),
};

/** Of the page that this runs in. */
export const pageOrigin = (): string =>
  (globalThis as unknown as { readonly location: { readonly origin: string } }).location.origin;

export const randomHex = (bytes: number): string =>
  [...crypto.getRandomValues(new Uint8Array(bytes))]
    .map((byte) => byte.toString(16).padStart(2, '0'))
    .join('');

/** An object of JSON; empty where it is none. */
async function boundedJson({ body }: Response): Promise<DoorResponse['body']> {
  const decoder = new TextDecoder();
  let text = '';
  let length = 0;
  const reader = body?.getReader();
  for (;;) {
    const portion = await reader?.read();
    if (portion === undefined || portion.done) break;
    length += portion.value.byteLength;
    if (length > answerBytesMax) throw new Error('the answer is too large');
    text += decoder.decode(portion.value, { stream: true });
  }
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as DoorResponse['body']) : {};
  } catch {
    return {};
  }
}

export const registryByFetch = (url: string, signal: AbortSignal | undefined): AskedRegistry => ({
  url,
  async ask(path, timeoutMs, { method, headers, body }) {
    signal?.throwIfAborted();
    const timeout = timeOfBrowser.timeout(timeoutMs);
    try {
      const response = await fetch(url + path, {
        method,
        headers: { ...(body && { 'content-type': 'application/json' }), ...headers },
        ...(body && { body: JSON.stringify(body) }),
        // It asks as a device, not as whoever is signed in at the page; and the password goes to nobody else.
        ...{ credentials: 'omit', redirect: 'error', cache: 'no-store' },
        signal: signal === undefined ? timeout : AbortSignal.any([signal, timeout]),
      });
      const told = (name: string) => response.headers.get(name) ?? undefined;
      return {
        status: response.status,
        body: await boundedJson(response),
        retryAfterMs: retryAfterMs(told('retry-after'), told('date'), timeOfBrowser.nowMs()),
      };
    } catch (error) {
      signal?.throwIfAborted();
      const detail = timeout.aborted ? 'ETIMEDOUT' : String(error);
      return { status: 0, body: { detail }, retryAfterMs: null };
    }
  },
});
