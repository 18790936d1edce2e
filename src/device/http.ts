/** One request of a device: bounded in time and size; no answer is an answer too. */

const answerBytesMax = 1024 * 1024;

export interface DoorResponse {
  /** 0: nobody answered. */
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
  readonly retryAfterMs: number | null;
}

/** Worth asking again although nothing was said about the request itself. */
export const isTransient = ({ status }: DoorResponse): boolean =>
  status === 0 || status === 408 || status === 429 || status >= 500;

export const textIn = (body: DoorResponse['body'], name: string): string | null => {
  const value = body[name];
  return typeof value === 'string' ? value : null;
};

/** One request. A redirect is not followed: the password would go to somebody else. */
export async function send(
  url: string,
  timeoutMs: number,
  signal: AbortSignal | undefined,
  init: RequestInit,
): Promise<DoorResponse> {
  signal?.throwIfAborted();
  const timeout = AbortSignal.timeout(timeoutMs);
  try {
    const response = await fetch(url, {
      ...init,
      redirect: 'manual',
      signal: signal === undefined ? timeout : AbortSignal.any([signal, timeout]),
    });
    const body = await boundedJson(response);
    return { status: response.status, body, retryAfterMs: retryAfterOf(response) };
  } catch (error) {
    signal?.throwIfAborted();
    const { code } = ((error as Error).cause ?? {}) as { code?: unknown };
    const detail = typeof code === 'string' ? code : timeout.aborted ? 'ETIMEDOUT' : String(error);
    return { status: 0, body: { detail }, retryAfterMs: null };
  }
}

async function boundedJson(response: Response): Promise<DoorResponse['body']> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of response.body ?? []) {
    length += chunk.byteLength;
    if (length > answerBytesMax) throw new Error('the answer is too large');
    chunks.push(chunk);
  }
  try {
    const value: unknown = JSON.parse(Buffer.concat(chunks).toString());
    return typeof value === 'object' && value !== null ? (value as DoorResponse['body']) : {};
  } catch {
    return {};
  }
}

/** Seconds or a date [RFC 9110, 10.2.3]. */
function retryAfterOf(response: Response): number | null {
  const text = response.headers.get('retry-after');
  if (text === null) return null;
  const afterMs = /^\d{1,9}$/.test(text) ? Number(text) * 1_000 : Date.parse(text) - Date.now();
  return Number.isNaN(afterMs) ? null : Math.max(0, afterMs);
}
