/** One answer for each request of a connection, also where its bytes break: then that is said once, in its turn, and it ends. */
import { type IncomingMessage, type Server, type ServerResponse, STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import { isClearlyFramed } from './request/framing.ts';
import { malformed, problemText, problemType } from './response/problem.ts';
import { securityHeaders } from './response/security-headers.ts';

export type Serve = (request: IncomingMessage, response: ServerResponse) => void;

/** What node:http says of bytes that it cannot take; `reason`: of its parser, in words of which none were sent. */
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

/** @param lingerMs how long bytes that nobody wants are still taken, so that their sender sees the answer */
export function answerOnce(server: Server, serve: Serve, lingerMs: number): void {
  /** The answer to the request that came last on each connection. */
  const latest = new WeakMap<Socket, ServerResponse>();
  /** On which no more requests are taken. */
  const over = new WeakSet<Socket>();

  function answered(this: ServerResponse): void {
    if (!this.req.complete) linger(this.req, lingerMs);
  }

  const served =
    (serve: Serve): Serve =>
    (request, response) => {
      const { socket } = request;
      // The parser goes on with what came in the same piece.
      if (over.has(socket)) return;
      latest.set(socket, response);
      if (!isClearlyFramed(request)) {
        over.add(socket);
        response.shouldKeepAlive = false;
      }
      response.on('finish', answered);
      serve(request, response);
    };

  function end(socket: Socket, text = ''): void {
    if (socket.writable) socket.end(text);
    destroyLater(socket, lingerMs);
  }

  /** The body of a request broke: if its answer has begun, that is the one. */
  function endRequest(response: ServerResponse, socket: Socket, error: Broken): void {
    if (response.headersSent && !response.writableEnded) return void socket.destroy(error);
    if (!response.headersSent) {
      const { status, fields, body } = lastWordOn(error);
      response.writeHead(status, fields).end(body);
    }
    after(response, () => end(socket));
  }

  server.on('request', served(serve));
  // Whoever asks before sending a body (RFC 9110, section 10.1.1) is told when somebody reads it.
  server.on('checkContinue', served(serve));
  server.on(
    'checkExpectation',
    served((_request, response) => response.writeHead(417).end()),
  );
  server.on('clientError', (error: Broken, stream) => {
    const socket = stream as Socket;
    const isOfBytes = error.code?.startsWith('HPE_') || error.code === 'ERR_HTTP_REQUEST_TIMEOUT';
    if (!isOfBytes) return void socket.destroy(error);
    if (over.has(socket)) return;
    over.add(socket);
    const response = latest.get(socket);
    if (response === undefined) end(socket, written(lastWordOn(error)));
    else if (!response.req.complete) endRequest(response, socket, error);
    else after(response, () => end(socket, written(lastWordOn(error))));
  });
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
