/** Calls to nodes of a cluster, of which some get no answer; whoever calls knows the newest position that anybody was told. */
import { setTimeout as delay } from 'node:timers/promises';
import type { ClusterNode } from './cluster.ts';

export interface Heard {
  readonly status: number;
  // biome-ignore lint/suspicious/noExplicitAny: a body of whichever route
  readonly body: any;
}

export interface Ask {
  readonly token?: string;
  readonly body?: object;
  /** Who asks, to a node that trusts whoever is before it. */
  readonly source?: string;
}

export interface Caller {
  /** Null: nobody heard an answer, or it says that nothing is known (5xx, 429). */
  ask(node: ClusterNode, method: string, path: string, asked?: Ask): Promise<Heard | null>;
  /** Again and again, until there is an answer. Only for what may be repeated. */
  surely(node: ClusterNode, method: string, path: string, asked?: Ask): Promise<Heard>;
}

/** Milliseconds of one call, between two, and of all of them. */
const [patienceMs, againMs, surelyMs] = [4_000, 100, 60_000];

export function callerOfNodes(): Caller {
  let known = '';
  /** Of the last call that got none: what stood in the place of an answer. */
  let instead = '';
  const ask: Caller['ask'] = async ({ served }, method, path, { token, body, source } = {}) => {
    try {
      const response = await fetch(served.url + path, {
        method,
        headers: {
          ...(body !== undefined && { 'Content-Type': 'application/json' }),
          ...(token !== undefined && { Authorization: `Bearer ${token}` }),
          ...(source !== undefined && { 'X-Forwarded-For': source }),
          ...(known !== '' && { 'Gatebook-Position': known }),
        },
        body: body === undefined ? null : JSON.stringify(body),
        signal: AbortSignal.timeout(patienceMs),
      });
      const heard: Heard = { status: response.status, body: await response.json() };
      const position = response.headers.get('gatebook-position') ?? '';
      if (position > known) known = position;
      if (heard.status < 500 && heard.status !== 429) return heard;
      instead = `${heard.status} ${heard.body?.code}`;
    } catch (error) {
      instead = String(error);
    }
    return null;
  };
  return {
    ask,
    async surely(node, method, path, asked) {
      for (const late = performance.now() + surelyMs; performance.now() < late; ) {
        const heard = await ask(node, method, path, asked);
        if (heard !== null) return heard;
        await delay(againMs);
      }
      throw new Error(`${method} ${path}: no answer in ${surelyMs / 1_000} s, last ${instead}`);
    },
  };
}
