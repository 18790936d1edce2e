/** A small load generator: so many calls, so many at once, over connections that stay open. */
import { Agent, request } from 'node:http';

export interface Call {
  readonly method?: string;
  readonly path: string;
  readonly body?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface Load {
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** How often each status came back. */
  readonly statuses: Readonly<Record<number, number>>;
}

/** Runs `count` of anything, `atOnce` at a time, and times each. */
export async function timed(
  count: number,
  atOnce: number,
  act: (index: number) => Promise<number>,
): Promise<Load> {
  const times: number[] = [];
  const statuses: Record<number, number> = {};
  let next = 0;
  const started = performance.now();
  const work = async () => {
    while (next < count) {
      const index = next++;
      const before = performance.now();
      const status = await act(index);
      times.push(performance.now() - before);
      statuses[status] = (statuses[status] ?? 0) + 1;
    }
  };
  await Promise.all(Array.from({ length: atOnce }, work));
  const seconds = (performance.now() - started) / 1_000;
  times.sort((a, b) => a - b);
  const at = (share: number) =>
    times[Math.min(times.length - 1, Math.floor(times.length * share))] ?? 0;
  return { perSecond: count / seconds, p50Ms: at(0.5), p99Ms: at(0.99), statuses };
}

/** Calls an HTTP server, each call made from its index. */
export async function callMany(
  url: string,
  options: { count: number; atOnce: number },
  callOf: (index: number) => Call,
): Promise<Load> {
  const agent = new Agent({ keepAlive: true, maxSockets: options.atOnce });
  const { hostname, port } = new URL(url);
  const one = (call: Call) =>
    new Promise<number>((resolve, reject) => {
      const sent = request(
        {
          agent,
          hostname,
          port,
          method: call.method ?? 'GET',
          path: call.path,
          headers: {
            ...call.headers,
            ...(call.body === undefined
              ? {}
              : {
                  'Content-Type': 'application/json',
                  'Content-Length': Buffer.byteLength(call.body),
                }),
          },
        },
        (response) => {
          response.resume();
          response.once('end', () => resolve(response.statusCode ?? 0));
        },
      );
      sent.once('error', reject);
      sent.end(call.body);
    });
  try {
    return await timed(options.count, options.atOnce, (index) => one(callOf(index)));
  } finally {
    agent.destroy();
  }
}
