/**
 * The connection to KurrentDB. The client's reads keep the address that they found first, also when that
 * node is gone or leads no more: this replaces the client then, and where nothing at all is heard.
 */
import type {
  AllStreamResolvedEvent,
  KurrentDBClient,
  ResolvedEvent,
} from '@kurrent/kurrentdb-client';
import { storeAttemptMs, storeReconnectMs } from '../../limits/store.ts';
import { clientOf } from './address.ts';
import { isElsewhere, isUnanswered, Unanswered } from './errors.ts';
import { retryUntil } from './retry.ts';

interface Link {
  readonly client: KurrentDBClient;
  /** Aborts when another client takes this one's place. */
  readonly lost: AbortSignal;
}

export interface KurrentConnection {
  readonly link: () => Link;
  /** Asks once. @throws Unanswered after `storeAttemptMs`, and what the client throws. */
  readonly ask: <Answer>(question: (client: KurrentDBClient) => Promise<Answer>) => Promise<Answer>;
  /**
   * Reads to the end, asking again when the connection has just broken. @throws StoreUnavailable when
   * nothing comes, and what the client throws of the stream.
   */
  readonly collect: <Event extends ResolvedEvent | AllStreamResolvedEvent>(
    read: (client: KurrentDBClient) => AsyncIterable<Event>,
  ) => Promise<Event[]>;
  /** Notes that the store said something. */
  readonly heard: () => void;
  /** Milliseconds since the store said anything. */
  readonly silentMs: () => number;
  /** Aborts when it is closed: nothing is tried after that. */
  readonly closed: AbortSignal;
  readonly close: () => Promise<void>;
}

function linkTo(connectionString: string) {
  const ending = new AbortController();
  return {
    ...{ client: clientOf(connectionString), madeMs: performance.now() },
    ...{ lost: ending.signal, end: () => ending.abort() },
  };
}

/** @param answerMs for how long a read is tried */
export function connectionTo(connectionString: string, answerMs: number): KurrentConnection {
  let link = linkTo(connectionString);
  let heardMs = performance.now();
  const closing = new AbortController();

  const heard = () => {
    heardMs = performance.now();
  };

  function replace(failed: Link): void {
    // Others that waited for the same client find it replaced; a new one is given time to find its node.
    if (link !== failed || performance.now() - link.madeMs < storeReconnectMs) return;
    const old = link;
    link = linkTo(connectionString);
    old.end();
    letGo(old.client);
  }

  /** Takes a new client when no sign of life came for too long, or another node may answer. */
  async function within<Answer>(
    link: Link,
    work: (alive: () => void) => Promise<Answer>,
  ): Promise<Answer> {
    try {
      const answer = await unlessSilent(work);
      heard();
      return answer;
    } catch (error) {
      if (isElsewhere(error)) replace(link);
      if (!isUnanswered(error)) heard();
      throw error;
    }
  }

  return {
    link: () => link,
    heard,
    closed: closing.signal,
    silentMs: () => performance.now() - heardMs,
    ask(question) {
      const used = link;
      return within(used, () => question(used.client));
    },
    async collect<Event extends ResolvedEvent | AllStreamResolvedEvent>(
      read: (client: KurrentDBClient) => AsyncIterable<Event>,
    ) {
      return retryUntil(performance.now() + answerMs, closing.signal, () => {
        const used = link;
        return within(used, async (alive) => {
          const events: Event[] = [];
          for await (const event of read(used.client)) {
            alive();
            events.push(event);
          }
          return events;
        });
      });
    },
    async close() {
      closing.abort();
      link.end();
      await letGo(link.client);
    },
  };
}

/** Every sign of life that the work tells of gives it its whole time again. @throws Unanswered */
async function unlessSilent<Answer>(work: (alive: () => void) => Promise<Answer>): Promise<Answer> {
  const silence = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    silence.reject(new Unanswered(`nothing came for ${storeAttemptMs} ms`));
  }, storeAttemptMs);
  const working = work(() => timer.refresh());
  // It may still fail when nobody waits for it any more.
  working.catch(() => undefined);
  try {
    return await Promise.race([working, silence.promise]);
  } finally {
    clearTimeout(timer);
  }
}

/** Ends the client's calls, and its connection, which `dispose` would leave open. */
export async function letGo(client: KurrentDBClient): Promise<void> {
  try {
    await client.dispose();
    // biome-ignore lint/complexity/useLiteralKeys: the dot does not reach what is protected.
    (await client['getChannel']()).close();
  } catch {
    // It was not connected.
  }
}
