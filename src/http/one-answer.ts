/**
 * One answer for each request of a connection, few of them at work at once; where its bytes break, or ask for a tunnel, that is said once, in its turn,
 * and it ends.
 */
import { type IncomingMessage, type Server, type ServerResponse, STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import { pipelinedMax } from '../limits/http.ts';
import { isClearlyFramed } from './request/framing.ts';
import { malformed, problemText, problemType } from './response/problem.ts';
import { securityHeaders } from './response/security-headers.ts';

export type Serve = (request: IncomingMessage, response: ServerResponse) => void;

/** What node:http says of bytes that it cannot take, and what is said of others that are no request here; `reason`: of its parser, in words of which none were sent. */
interface Broken extends Error {
  readonly code?: string;
  readonly reason?: string;
}

interface LastWord {
  readonly status: number;
  readonly fields: Readonly<Record<string, string>>;
  readonly body: string;
}

/** Those whose status says everything. */
const statuses: Readonly<Record<string, number>> = {
  HPE_HEADER_OVERFLOW: 431,
  HPE_CHUNK_EXTENSIONS_OVERFLOW: 413,
  ERR_HTTP_REQUEST_TIMEOUT: 408,
};

const noTunnel: Broken = {
  ...{ name: 'Broken', message: 'a tunnel was asked for' },
  reason: 'CONNECT asks for a tunnel, and this is no proxy',
};

function lastWordOn({ code = '', reason }: Broken): LastWord {
  const status = statuses[code] ?? 400;
  const detail = `No HTTP request that can be read: ${reason ?? code}.`;
  const body = status === 400 ? problemText(malformed([{ pointer: '#', detail }])) : '';
  const fields = {
    ...securityHeaders('/api', false),
    ...(status === 400 ? { 'Content-Type': problemType } : {}),
    'Content-Length': String(Buffer.byteLength(body)),
    Connection: 'close',
  };
  return { status, fields, body };
}

function written({ status, fields, body }: LastWord): string {
  const lines = Object.entries(fields).map(([name, value]) => `${name}: ${value}\r\n`);
  return `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${lines.join('')}\r\n${body}`;
}

/** What is under way on one connection. */
interface UnderWay {
  /** The answer to the request that came last. */
  latest: ServerResponse;
  /** Requests that are served and not answered. */
  served: number;
  /** Behind them, in the order in which they came; while there are any, nothing more is read. */
  readonly waiting: [request: IncomingMessage, response: ServerResponse][];
  /** No more requests are taken. */
  isOver: boolean;
}

type Connections = WeakMap<Socket, UnderWay>;

function underWayOn(connections: Connections, socket: Socket, latest: ServerResponse): UnderWay {
  const known = connections.get(socket);
  if (known !== undefined) return known;
  const underWay = { latest, served: 0, waiting: [], isOver: false };
  connections.set(socket, underWay);
  return underWay;
}

/** @param lingerMs how long bytes that nobody wants are still taken, so that their sender sees the answer */
export function answerOnce(server: Server, serve: Serve, lingerMs: number): void {
  const connections: Connections = new WeakMap();
  const take = inTurn(connections, serve, lingerMs);
  server.on('request', take);
  // Whoever asks before sending a body (RFC 9110, section 10.1.1) is told when somebody reads it.
  server.on('checkContinue', take);
  server.on('checkExpectation', (request, response) => {
    underWayOn(connections, request.socket, response).latest = response;
    response.writeHead(417).end();
  });
  server.on('connect', (_request, stream) => {
    const socket = stream as Socket;
    // node:http has let go of it.
    socket.on('error', () => socket.destroy());
    socket.resume();
    endBroken(socket, connections.get(socket), noTunnel, lingerMs);
  });
  server.on('clientError', (error: Broken, stream) => {
    const socket = stream as Socket;
    const isOfBytes = error.code?.startsWith('HPE_') || error.code === 'ERR_HTTP_REQUEST_TIMEOUT';
    if (isOfBytes) endBroken(socket, connections.get(socket), error, lingerMs);
    else socket.destroy(error);
  });
}

/** What follows it in the same piece is lost in node:http, which takes it for another protocol: who asked would wait for answers that never come. */
const offersUpgrade = ({ headers }: IncomingMessage): boolean => headers.upgrade !== undefined;

/** Serves few requests of a connection at once, and those behind them when they are answered. */
function inTurn(connections: Connections, serve: Serve, lingerMs: number): Serve {
  function answered(this: ServerResponse): void {
    const { req: request } = this;
    if (!request.complete) linger(request, lingerMs);
    const underWay = connections.get(request.socket);
    if (underWay === undefined) return;
    underWay.served -= 1;
    if (underWay.waiting.length > 0) goOn(request.socket, underWay);
  }

  /** Where a connection is gone no answer is finished, so that nothing more of it is served. */
  function goOn(socket: Socket, underWay: UnderWay): void {
    const { waiting } = underWay;
    const [request, response] = waiting.shift() ?? [];
    if (waiting.length === 0) socket.resume();
    if (request === undefined || response === undefined || response.writableEnded) return;
    underWay.served += 1;
    serve(request, response);
  }

  return (request, response) => {
    const { socket } = request;
    const underWay = underWayOn(connections, socket, response);
    // The parser goes on with what came in the same piece.
    if (underWay.isOver) return;
    underWay.latest = response;
    if (!isClearlyFramed(request) || offersUpgrade(request)) {
      underWay.isOver = true;
      response.shouldKeepAlive = false;
    }
    response.on('finish', answered);
    if (underWay.served < pipelinedMax) {
      underWay.served += 1;
      serve(request, response);
      return;
    }
    underWay.waiting.push([request, response]);
    socket.pause();
  };
}

function end(socket: Socket, lingerMs: number, text = ''): void {
  if (socket.writable) socket.end(text);
  destroyLater(socket, lingerMs);
}

/** Says once what is wrong with the bytes of a connection, after all that was asked before. */
function endBroken(
  socket: Socket,
  underWay: UnderWay | undefined,
  error: Broken,
  lingerMs: number,
): void {
  const isFirst = underWay === undefined;
  if (isFirst) end(socket, lingerMs, written(lastWordOn(error)));
  if (isFirst || underWay.isOver) return;
  underWay.isOver = true;
  const { latest } = underWay;
  const isBegun = latest.headersSent;
  // The body of a request broke: if its answer has begun, that is the one.
  if (!latest.req.complete && isBegun && !latest.writableEnded) {
    socket.destroy(error);
    return;
  }
  if (!latest.req.complete && !isBegun) {
    const { status, fields, body } = lastWordOn(error);
    latest.writeHead(status, fields).end(body);
  }
  const rest = latest.req.complete ? written(lastWordOn(error)) : '';
  after(latest, () => end(socket, lingerMs, rest));
}

/** Acts when an answer, and every one before it on its connection, is written. */
function after(response: ServerResponse, act: () => void): void {
  if (response.closed) act();
  else response.once('close', act);
}

function destroyLater(socket: Socket, afterMs: number): () => void {
  const timer = setTimeout(() => socket.destroy(), afterMs);
  const over = () => {
    clearTimeout(timer);
    socket.off('close', over);
  };
  socket.once('close', over);
  return over;
}

/**
 * An answer went out before its request was all there. The rest is taken for a moment, since a closed
 * connection could take the answer away from a client that still sends (RFC 9112, section 9.6).
 */
function linger(request: IncomingMessage, forMs: number): void {
  request.once('end', destroyLater(request.socket, forMs));
  request.resume();
}
