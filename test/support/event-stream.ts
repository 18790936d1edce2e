/** Reads a stream of server-sent events, as a browser would, one event at a time. */
import { assert } from './suite.ts';

export interface Told {
  readonly id: string;
  readonly event: string;
  // biome-ignore lint/suspicious/noExplicitAny: a test looks into whatever came
  readonly data: any;
}

export interface EventStream {
  readonly status: number;
  /** The last event id that was sent, also without an event. */
  lastId(): string;
  /** The next event, whatever it is; rejects after some seconds. */
  next(): Promise<Told>;
  /** Skips to the next event of this name. */
  until(event: string, fits?: (told: Told) => boolean): Promise<Told>;
  /** Resolves when the service ends the stream. */
  ended(): Promise<void>;
  close(): void;
}

const patienceMs = 8_000;

export async function eventStream(
  url: string,
  headers: Readonly<Record<string, string>>,
): Promise<EventStream> {
  const gone = new AbortController();
  const response = await fetch(url, { headers, signal: gone.signal });
  const told: Told[] = [];
  let id = '';
  let over = false;
  let wake: () => void = () => undefined;
  const lines = async () => {
    let text = '';
    const decoder = new TextDecoder();
    try {
      for await (const bytes of response.body ?? []) {
        text += decoder.decode(bytes, { stream: true });
        const blocks = text.split('\n\n');
        text = blocks.pop() ?? '';
        for (const block of blocks) {
          const fields = new Map(
            block
              .split('\n')
              .map((line) => [line.split(': ')[0], line.slice(line.indexOf(': ') + 2)]),
          );
          id = fields.get('id') ?? id;
          const data = fields.get('data');
          if (data !== undefined)
            told.push({ id, event: fields.get('event') ?? '', data: JSON.parse(data) });
        }
        wake();
      }
    } catch {
      // Closed from one side or the other.
    }
    over = true;
    wake();
  };
  void lines();

  const waited = async (ready: () => boolean, what: string): Promise<void> => {
    const until = Date.now() + patienceMs;
    while (!ready()) {
      if (Date.now() > until) assert.unreachable(`${what} did not come`);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, 100);
        wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  };

  const next = async (): Promise<Told> => {
    await waited(() => told.length > 0, 'an event');
    return told.shift() as Told;
  };

  return {
    status: response.status,
    lastId: () => id,
    next,
    async until(event, fits = () => true) {
      for (;;) {
        const one = await next();
        if (one.event === event && fits(one)) return one;
      }
    },
    ended: () => waited(() => over, 'the end'),
    close: () => gone.abort(),
  };
}
