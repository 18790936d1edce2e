/**
 * Load over HTTP, from a process of its own: raw requests over connections that stay open, so that the
 * generator costs less than what it measures.
 *
 * `node src/bench/http-load.ts --url http://127.0.0.1:8080 --method POST --path /… --body '{"n":"{n}"}'
 * [--count 10000] --connections 64 [--rate 500] [--from 0] [--header 'A: b'] [--values FILE]`
 *
 * `{n}` is the number of the call, `{hex}` 32 hex digits made of it, `{v}` its line of the file. With a
 * rate the calls are due by the clock, whatever the answers take, and latency counts from when a call was
 * due (no coordinated omission). Without a count it goes on until SIGTERM, and waits for the answers that
 * are due. Prints JSON.
 */
import { readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { parseArgs } from 'node:util';
import { secretOf } from './names.ts';
import { sampleOf } from './sample.ts';

export interface HttpLoad {
  readonly url: string;
  readonly path: string;
  readonly method?: string;
  readonly body?: string;
  readonly headers?: readonly string[];
  /** Infinity: until `ending` aborts. */
  readonly count: number;
  readonly connections: number;
  /** Calls that are due each second; undefined: the next when an answer is there. */
  readonly rate?: number | undefined;
  /** The number of the first call. */
  readonly from?: number;
  readonly values?: readonly string[];
}

/** Bytes of a call. */
function requestOf(load: HttpLoad, index: number): Buffer {
  const { host } = new URL(load.url);
  const n = (load.from ?? 0) + index;
  const filled = (text: string) =>
    text
      .replaceAll('{n}', String(n))
      .replaceAll('{hex}', () => secretOf(n))
      .replaceAll('{v}', () => load.values?.[index % load.values.length] ?? '');
  const body = load.body === undefined ? '' : filled(load.body);
  const head = [
    `${load.method ?? 'GET'} ${filled(load.path)} HTTP/1.1`,
    `Host: ${host}`,
    ...(load.headers ?? []).map(filled),
    ...(load.body === undefined || load.headers?.some((one) => /^content-type:/i.test(one))
      ? []
      : ['Content-Type: application/json']),
    ...(load.body === undefined ? [] : [`Content-Length: ${Buffer.byteLength(body)}`]),
  ];
  return Buffer.from(`${head.join('\r\n')}\r\n\r\n${body}`);
}

/** Where they are counted they are made before the clock starts. */
function requestsOf(load: HttpLoad): (index: number) => Buffer {
  if (load.count === Number.POSITIVE_INFINITY) return (index) => requestOf(load, index);
  const requests = Array.from({ length: load.count }, (_, index) => requestOf(load, index));
  return (index) => requests[index] as Buffer;
}

/** Where the answer that a text begins with ends, and its status; undefined: more is to come. */
function answerIn(text: string): { status: number; length: number; closes: boolean } | undefined {
  const headEnd = text.indexOf('\r\n\r\n');
  if (headEnd < 0) return undefined;
  const head = text.slice(0, headEnd);
  const closes = /\r\nconnection: close/i.test(head);
  const status = Number(head.slice(9, 12));
  const told = /\r\ncontent-length: (\d+)/i.exec(head);
  let length = headEnd + 4;
  if (told !== null) length += Number(told[1]);
  else if (/\r\ntransfer-encoding: chunked/i.test(head)) {
    const end = text.indexOf('0\r\n\r\n', length);
    if (end < 0) return undefined;
    length = end + 5;
  }
  return text.length < length ? undefined : { status, length, closes };
}

/** Status 0: the connection ended before the answer. */
type Answered = (status: number) => void;

/** One connection, made anew when the other side ends it. */
class CallingSocket {
  readonly #port: number;
  readonly #host: string;
  readonly #isTls: boolean;
  #socket: Socket | undefined;
  #text = '';
  #answered: Answered | undefined;

  constructor(url: string) {
    const { protocol, hostname, port } = new URL(url);
    this.#isTls = protocol === 'https:';
    this.#host = hostname;
    this.#port = Number(port);
  }

  call(request: Buffer, answered: Answered): void {
    this.#answered = answered;
    this.#socket ??= this.#connected();
    this.#socket.write(request);
  }

  end(): void {
    this.#socket?.destroy();
  }

  #connected(): Socket {
    const to = { host: this.#host, port: this.#port };
    const socket = this.#isTls
      ? connectTls({ ...to, rejectUnauthorized: false }).setNoDelay()
      : connect({ ...to, noDelay: true });
    socket.setEncoding('latin1');
    socket.on('data', (data) => {
      this.#text += data;
      const answer = answerIn(this.#text);
      if (answer === undefined) return;
      this.#text = this.#text.slice(answer.length);
      if (answer.closes) this.#socket = undefined;
      this.#done(answer.status);
    });
    socket.on('error', () => {});
    socket.on('close', () => {
      if (this.#socket !== socket) return;
      this.#socket = undefined;
      this.#text = '';
      this.#done(0);
    });
    return socket;
  }

  #done(status: number): void {
    const answered = this.#answered;
    this.#answered = undefined;
    answered?.(status);
  }
}

export type HttpLoaded = Awaited<ReturnType<typeof loadHttp>>;

async function loadHttp(load: HttpLoad, ending: AbortSignal) {
  const requestAt = requestsOf(load);
  const callers = Array.from({ length: load.connections }, () => new CallingSocket(load.url));
  const timesMs: number[] = [];
  const statuses: Record<number, number> = {};
  let { count } = load;
  const beganMs = performance.now();
  const dueMs = (index: number) => beganMs + (index * 1_000) / (load.rate ?? 1);
  await new Promise<void>((resolve) => {
    const idle: CallingSocket[] = [];
    let next = 0;
    const take = (caller: CallingSocket): void => {
      const index = next;
      const nowMs = performance.now();
      const due = load.rate === undefined ? nowMs : dueMs(index);
      if (index >= count || due > nowMs) {
        idle.push(caller);
        return;
      }
      next += 1;
      caller.call(requestAt(index), (status) => {
        timesMs.push(performance.now() - due);
        statuses[status] = (statuses[status] ?? 0) + 1;
        if (timesMs.length === count) resolve();
        else take(caller);
      });
    };
    ending.addEventListener('abort', () => {
      count = next;
      if (timesMs.length === count) resolve();
    });
    callers.forEach(take);
    if (load.rate === undefined) return;
    const clock = setInterval(() => {
      if (next >= count) clearInterval(clock);
      while (idle.length > 0 && next < count && dueMs(next) <= performance.now())
        take(idle.pop() as CallingSocket);
    }, 1);
  });
  const seconds = (performance.now() - beganMs) / 1_000;
  for (const caller of callers) caller.end();
  return { ...sampleOf(timesMs, seconds), statuses };
}

if (import.meta.main) {
  const text = { type: 'string' } as const;
  const { values } = parseArgs({
    options: {
      ...{ url: text, path: text, method: text, body: text, count: text, connections: text },
      ...{ rate: text, from: text, values: text },
      header: { type: 'string', multiple: true, default: [] },
    },
  });
  const ending = new AbortController();
  process.once('SIGTERM', () => ending.abort());
  const load: HttpLoad = {
    url: values.url ?? 'http://127.0.0.1:8080',
    path: values.path ?? '/healthz',
    method: values.method ?? 'GET',
    ...(values.body === undefined ? {} : { body: values.body }),
    headers: values.header,
    count: Number(values.count ?? Number.POSITIVE_INFINITY),
    connections: Number(values.connections ?? 64),
    ...(values.rate === undefined ? {} : { rate: Number(values.rate) }),
    from: Number(values.from ?? 0),
    ...(values.values === undefined
      ? {}
      : { values: readFileSync(values.values, 'utf8').trimEnd().split('\n') }),
  };
  const loaded = await loadHttp(load, ending.signal);
  process.stdout.write(`${JSON.stringify(loaded)}\n`);
}
