/**
 * Answers the routes that many ask at once before Koa's middleware, and the brokers' hooks: found by their whole path
 * or its beginning, by the same steps, with the same bytes. What it does not know goes on to Koa.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type Koa from 'koa';
import type { Context } from 'koa';
import type { Soon } from '../platform/soon.ts';
import { type Dispatch, positionOf } from './dispatch.ts';
import type { Edge, Exchange, Guard, RequestState } from './edge.ts';
import { atEndOfTurn } from './end-of-turn.ts';
import { mayBeAtHandSoon } from './request/body.ts';
import {
  isPlain,
  Problem,
  type ProblemAnswer,
  problemText,
  problemType,
} from './response/problem.ts';
import { securityHeaders } from './response/security-headers.ts';
import { parametersOf, type Route, type RouteResponse } from './route.ts';
import { answeredProblem, beginning, counted, noteAnswer } from './steps.ts';

interface DirectOptions {
  readonly edge: Edge;
  readonly guards: readonly Guard[];
  readonly dispatch: Dispatch;
  readonly below: readonly AnswersBelow[];
  /** Reads of a request what only few routes want. */
  readonly koa: Koa<RequestState>;
}

/** Answers every path with a beginning, in a form of its own. */
export interface AnswersBelow {
  /** Ends with a slash. */
  readonly beginning: string;
  /** @throws and rejects with what is answered as a problem */
  answer(exchange: Exchange): Soon<RouteResponse>;
  /** How a problem is told here; absent: as everywhere, as a document. */
  tells?(problem: ProblemAnswer): RouteResponse;
}

/** A request to a hot route; Koa reads what is seldom asked of it. */
class DirectExchange implements Exchange {
  readonly req: IncomingMessage;
  readonly res: ServerResponse;
  readonly method: string;
  readonly path: string;
  readonly querystring = '';
  readonly params = {};
  readonly state: RequestState;
  readonly #koa: DirectOptions['koa'];
  #context: Context | undefined;

  constructor(options: DirectOptions, path: string, req: IncomingMessage, res: ServerResponse) {
    this.req = req;
    this.res = res;
    this.method = req.method ?? '';
    this.path = path;
    this.state = beginning(options.edge, req);
    this.#koa = options.koa;
  }

  get #read(): Context {
    this.#context ??= this.#koa.createContext(this.req, this.res) as unknown as Context;
    return this.#context;
  }

  get host(): string {
    return this.#read.host;
  }

  accepts(...types: string[]): string | false | string[] {
    return this.#read.accepts(...types);
  }
}

type Send = (res: ServerResponse, status: number, headers: string[], text: string) => void;

/** Nothing more can be written to who is gone. */
const isGone = ({ writableEnded, socket }: ServerResponse): boolean =>
  writableEnded || (socket !== null && !socket.writable);

const send: Send = (res, status, headers, text) => {
  if (isGone(res)) {
    res.end();
    return;
  }
  const length = Buffer.byteLength(text);
  headers.push('Content-Length', String(length));
  res.writeHead(status, headers);
  // As many bytes as characters: all of them are ASCII, and are written as they stand.
  res.end(text, length === text.length ? 'latin1' : 'utf8');
};

/** Whether the request was one of these routes: then it is answered. */
export function directAnswers(
  routes: readonly Route[],
  options: DirectOptions,
): (req: IncomingMessage, res: ServerResponse) => boolean {
  const { below, edge, dispatch } = options;
  const hot = new Map(
    routes
      .filter(({ hot, path }) => hot === true && parametersOf(path).length === 0)
      .map((route) => {
        const answer = (exchange: Exchange) => dispatch(route, exchange);
        const position = (response: RouteResponse) => positionOf(route, response, edge);
        return [
          `${route.method} ${route.path}`,
          servedDirectly(answer, writerOf(route.path, position, edge), options),
        ];
      }),
  );
  const servedBelow = below.map(({ beginning, answer, tells }) => ({
    beginning,
    serve: servedDirectly(
      answer,
      writerOf(beginning, () => undefined, edge, tells),
      options,
    ),
  }));
  return (req, res) => {
    const { url = '' } = req;
    const serve = hot.get(`${req.method} ${url}`);
    if (serve !== undefined) {
      serve(req, res, url);
      return true;
    }
    const found = servedBelow.find((one) => url.startsWith(one.beginning));
    found?.serve(req, res, url.split('?', 1)[0] ?? '');
    return found !== undefined;
  };
}

const closes: readonly string[] = ['Connection', 'close'];
const staysOpen: readonly string[] = [];

interface AnswerWriter {
  /** @throws where it cannot be written as it is */
  readonly body: (res: ServerResponse, response: RouteResponse) => void;
  readonly problem: (res: ServerResponse, problem: ProblemAnswer) => void;
}

/**
 * How answers below a path are written, each of them in one piece.
 * @param positionIn the value of `Gatebook-Position`
 */
function writerOf(
  path: string,
  positionIn: (response: RouteResponse) => string | undefined,
  edge: Edge,
  tells?: AnswersBelow['tells'],
): AnswerWriter {
  const security = Object.entries(securityHeaders(path, edge.strictTransport)).flat();
  // Whoever is answered while the service stops shall not come back on this connection.
  const connection = () => (edge.stopping.aborted ? closes : staysOpen);
  const problemHead = ({ headers }: ProblemAnswer) => [
    ...security,
    ...connection(),
    ...['Content-Type', problemType],
    ...Object.entries(headers).flat(),
  ];
  /** Of problems that say the same each time: a closed gate answers many. */
  const plainHeads = new Map<string, readonly string[]>();

  function headOf(answer: ProblemAnswer): string[] {
    if (!isPlain(answer) || edge.stopping.aborted) return problemHead(answer);
    const known = plainHeads.get(answer.code) ?? problemHead(answer);
    plainHeads.set(answer.code, known);
    return known.slice();
  }

  const body: AnswerWriter['body'] = (res, response) => {
    const headers = [...security];
    for (const name in response.headers) headers.push(name, response.headers[name] as string);
    const position = positionIn(response);
    if (position !== undefined) headers.push('Gatebook-Position', position);
    const { type = 'application/json; charset=utf-8', body } = response;
    if (response.status === 204) {
      res.writeHead(204, [...headers, ...connection()]);
      res.end();
      return;
    }
    headers.push('Content-Type', type, ...connection());
    send(res, response.status, headers, typeof body === 'string' ? body : JSON.stringify(body));
  };

  const problem: AnswerWriter['problem'] = (res, answer) => {
    if (tells !== undefined) return body(res, tells(answer));
    send(res, answer.status, headOf(answer), problemText(answer));
  };
  return { body, problem };
}

function servedDirectly(
  answer: (exchange: Exchange) => Soon<RouteResponse>,
  writer: AnswerWriter,
  options: DirectOptions,
) {
  const { edge, guards } = options;
  const failed = (error: Error) => edge.logger.debug('A response could not be sent', { error });

  function tell(exchange: Exchange, response: RouteResponse): void {
    const { res, state } = exchange;
    try {
      if (response.problem === undefined) writer.body(res, response);
      else writer.problem(res, counted(edge, response.problem));
    } catch (error) {
      writer.problem(res, answeredProblem(edge, state, error));
    }
  }

  const serve = (req: IncomingMessage, res: ServerResponse, asked: string, startedMs: number) => {
    const exchange = new DirectExchange(options, asked, req, res);
    res.on('error', failed);
    // Answers known in the same turn are written together: a write that has to wake whoever reads it costs as much
    // as the rest of such an answer.
    const told = (response: RouteResponse) =>
      atEndOfTurn(() => {
        tell(exchange, response);
        noteAnswer(edge, exchange, startedMs);
      });
    const refused = (error: unknown) => {
      writer.problem(res, answeredProblem(edge, exchange.state, error));
      noteAnswer(edge, exchange, startedMs);
    };
    try {
      if (edge.stopping.aborted) throw new Problem('stopping');
      for (const guard of guards) guard(req);
      const response = answer(exchange);
      if (response instanceof Promise) response.then(told, refused);
      else told(response);
    } catch (error) {
      refused(error);
    }
  };

  return (req: IncomingMessage, res: ServerResponse, asked: string): void => {
    const startedMs = performance.now();
    // The body of each is there by then, and all of a turn are looked at with warm caches.
    if (mayBeAtHandSoon(req)) atEndOfTurn(() => serve(req, res, asked, startedMs));
    else serve(req, res, asked, startedMs);
  };
}
