/**
 * Answers the routes that many ask at once before Koa's middleware, and the brokers' hooks: found by their whole path
 * or its beginning, by the same steps, with the same bytes. What it does not know goes on to Koa.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type Koa from 'koa';
import type { Context } from 'koa';
import { type Dispatch, positionOf } from './dispatch.ts';
import type { Edge, Exchange, Guard, RequestState } from './edge.ts';
import { endOfTurn } from './end-of-turn.ts';
import { Problem, type ProblemAnswer, problemText, problemType } from './response/problem.ts';
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
  /** Rejects with what is answered as a problem. */
  answer(exchange: Exchange): Promise<RouteResponse>;
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
  headers.push('Content-Length', String(Buffer.byteLength(text)));
  res.writeHead(status, headers);
  res.end(text);
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
          servedDirectly(route.path, answer, position, options),
        ];
      }),
  );
  const servedBelow = below.map(({ beginning, answer, tells }) => ({
    beginning,
    serve: servedDirectly(beginning, answer, () => undefined, options, tells),
  }));
  return (req, res) => {
    const { url = '' } = req;
    const serve = hot.get(`${req.method} ${url}`);
    if (serve !== undefined) {
      void serve(req, res, url);
      return true;
    }
    const found = servedBelow.find((one) => url.startsWith(one.beginning));
    void found?.serve(req, res, url.split('?', 1)[0] ?? '');
    return found !== undefined;
  };
}

/** `path`: where it is, or begins; `positionIn`: the value of `Gatebook-Position`. */
function servedDirectly(
  path: string,
  answer: (exchange: Exchange) => Promise<RouteResponse>,
  positionIn: (response: RouteResponse) => string | undefined,
  options: DirectOptions,
  tells?: AnswersBelow['tells'],
) {
  const { edge, guards } = options;
  const security = Object.entries(securityHeaders(path, edge.strictTransport)).flat();
  // Whoever is answered while the service stops shall not come back on this connection.
  const connection = () => (edge.stopping.aborted ? ['Connection', 'close'] : []);
  const failed = (error: Error) => edge.logger.debug('A response could not be sent', { error });

  const sendProblem = (res: ServerResponse, problem: ProblemAnswer) => {
    if (tells !== undefined) return sendBody(res, tells(problem));
    send(
      res,
      problem.status,
      [
        ...security,
        ...connection(),
        ...['Content-Type', problemType],
        ...Object.entries(problem.headers).flat(),
      ],
      problemText(problem),
    );
  };

  const sendBody = (res: ServerResponse, response: RouteResponse) => {
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

  return async (req: IncomingMessage, res: ServerResponse, asked: string): Promise<void> => {
    const exchange = new DirectExchange(options, asked, req, res);
    // Answers known in the turn in which their questions came are written together: a write that has to wake
    // whoever reads it costs as much as the rest of such an answer.
    const together = endOfTurn();
    noteAnswer(edge, exchange);
    res.on('error', failed);
    try {
      if (edge.stopping.aborted) throw new Problem('stopping');
      for (const guard of guards) guard(req);
      const response = await answer(exchange);
      await together;
      if (response.problem === undefined) sendBody(res, response);
      else sendProblem(res, counted(edge, response.problem));
    } catch (error) {
      sendProblem(res, answeredProblem(edge, exchange.state, error));
    }
  };
}
