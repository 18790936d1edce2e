/** What a device asks the registry, and what it is told: the same on a machine and in a browser. */

/** Of an answer that is longer nothing is read. */
export const answerBytesMax = 1024 * 1024;

export interface DoorResponse {
  /** 0: nobody answered. */
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
  readonly retryAfterMs: number | null;
}

export interface DoorRequest {
  readonly method: 'GET' | 'POST';
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as JSON. */
  readonly body?: object;
}

/** How a device reaches its registry. */
export interface AskedRegistry {
  readonly url: string;
  /** @param shown the certificate that is shown, with its key; PEM. @throws what makes asking again useless; the signal's reason */
  ask(
    path: string,
    timeoutMs: number,
    asked: DoorRequest,
    shown?: { readonly cert: string; readonly key: string },
  ): Promise<DoorResponse>;
}

/** Worth asking again although nothing was said about the request itself. */
export const isTransient = ({ status }: DoorResponse): boolean =>
  status === 0 || status === 408 || status === 429 || status >= 500;

export const textIn = (body: DoorResponse['body'], name: string): string | null => {
  const value = body[name];
  return typeof value === 'string' ? value : null;
};
