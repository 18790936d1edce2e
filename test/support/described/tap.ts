/**
 * Keeps what Gatebook's servers in this process are asked and answer, until a test has ended and it is held against the
 * API's description. Whoever asks, and by whatever client, is seen.
 */
import { subscribe } from 'node:diagnostics_channel';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { ExchangeSeen } from './exchange.ts';

/** More of a body is not kept. */
const bodyBytesMax = 1024 * 1024;
/** Of a flood, so many answers of one kind are looked at between two tests. */
const ofAKindMax = 50;

const kept: ExchangeSeen[] = [];
const kinds = new Map<string, number>();

/** Keeps an exchange that no server of this process had. */
export function keepExchange(exchange: ExchangeSeen): void {
  const { method, path, status } = exchange;
  const kind = `${status} ${method} ${path.split('/', 5).join('/')}`;
  const count = (kinds.get(kind) ?? 0) + 1;
  kinds.set(kind, count);
  if (count <= ofAKindMax) kept.push(exchange);
}

/** What was kept, which is forgotten. */
export function takeExchanges(): ExchangeSeen[] {
  kinds.clear();
  return kept.splice(0);
}

class Bytes {
  #chunks: Buffer[] | null = [];
  #length = 0;

  take(chunk: unknown, encoding: unknown): void {
    if (this.#chunks === null || (typeof chunk !== 'string' && !(chunk instanceof Uint8Array)))
      return;
    const isNamed = typeof encoding === 'string';
    const bytes =
      typeof chunk === 'string'
        ? Buffer.from(chunk, isNamed ? (encoding as BufferEncoding) : 'utf8')
        : Buffer.from(chunk);
    this.#length += bytes.length;
    if (this.#length > bodyBytesMax) this.#chunks = null;
    else this.#chunks.push(bytes);
  }

  whole = (): Buffer | null => this.#chunks && Buffer.concat(this.#chunks);
}

/** Its headers as they went out: those that are given to `writeHead` alone are nowhere else. */
function headersOf(response: ServerResponse): Record<string, string> {
  const { _header: head } = response as unknown as { _header: string | null };
  const lines = (head ?? '').split('\r\n').slice(1);
  return Object.fromEntries(
    lines
      .map((line) => /^([^:]+):\s*(.*)$/.exec(line))
      .filter((found) => found !== null)
      .map(([, name = '', value = '']) => [name.toLowerCase(), value]),
  );
}

/** What every answer of Gatebook has, and no other server in these tests. */
const isOurs = (told: Readonly<Record<string, string>>): boolean =>
  told['cross-origin-resource-policy'] === 'same-origin' &&
  (told['content-security-policy'] ?? '').length > 0;

function watch(request: IncomingMessage, response: ServerResponse): void {
  const sent = new Bytes();
  const answered = new Bytes();
  let isKept = false;

  const keep = (isWhole: boolean) => {
    if (isKept || !response.headersSent) return;
    isKept = true;
    const told = headersOf(response);
    if (!isOurs(told)) return;
    const [path = '', query = ''] = (request.url ?? '').split('?', 2);
    keepExchange({
      ...{ method: request.method ?? '', path, query, told, status: response.statusCode },
      asked: request.headers as Record<string, string>,
      sent: request.complete ? sent.whole() : null,
      answered: isWhole ? answered.whole() : null,
    });
  };

  const { push } = request;
  request.push = function (chunk, encoding) {
    sent.take(chunk, encoding);
    return push.call(this, chunk, encoding);
  };
  const write = response.write as (...args: unknown[]) => boolean;
  response.write = ((...args: unknown[]) => {
    answered.take(args[0], args[1]);
    return write.apply(response, args);
  }) as typeof response.write;
  const end = response.end as (...args: unknown[]) => ServerResponse;
  // Before whoever asked can have the answer: at the end of a test none is missing.
  response.end = ((...args: unknown[]) => {
    answered.take(args[0], args[1]);
    const isGone = response.socket === null || !response.socket.writable;
    const ended = end.apply(response, args);
    keep(!isGone);
    return ended;
  }) as typeof response.end;
  response.setMaxListeners(response.getMaxListeners() + 1);
  response.once('close', () => keep(response.writableFinished));
}

subscribe('http.server.request.start', (message) => {
  const { request, response } = message as { request: IncomingMessage; response: ServerResponse };
  watch(request, response);
});
