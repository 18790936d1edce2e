/** Reads the body of a request, JSON or a file: bounded in bytes, content and time, in strict UTF-8. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { bodyBytesMax, bodyTimeoutMs } from '../../limits/http.ts';
import type { Soon } from '../../platform/soon.ts';
import { malformed, Problem } from '../response/problem.ts';
import { jsonExcess } from './json-bounds.ts';

const wrong = (detail: string) => malformed([{ pointer: '#', detail }]);

/** `application/json`, alone or with `charset=utf-8` (RFC 8259, section 8.1: there is no other). */
export const jsonType = /^application\/json[\t ]*(;[\t ]*charset=("utf-8"|utf-8)[\t ]*)?;?$/i;

/** Whether the headers announce a body (RFC 9112, section 6.3). */
const announced = (request: IncomingMessage) =>
  request.headers['transfer-encoding'] !== undefined ||
  Number(request.headers['content-length'] ?? 0) > 0;

/** A file that a route takes instead of JSON. */
export interface Upload {
  readonly mediaType: string;
  /** Which `Content-Type` it may have. */
  readonly type: RegExp;
  readonly bytesMax: number;
  readonly timeoutMs: number;
}

/** What a body may be, and what is said of another. */
type Wanted = Pick<Upload, 'type' | 'bytesMax'> &
  Partial<Upload> & {
    /** It need not say what it is. */
    readonly isAnyType?: true;
  };

/** Whatever it says that it is, or if it says nothing. */
export const ofAnyType: Wanted = { type: /^/, bytesMax: bodyBytesMax, isAnyType: true };

const json: Wanted = { type: jsonType, bytesMax: bodyBytesMax };

const tooLarge = ({ mediaType, bytesMax }: Wanted) =>
  new Problem(
    'body-too-large',
    mediaType === undefined ? {} : { detail: `A file has at most ${bytesMax} bytes: send less.` },
  );

const otherType = ({ mediaType }: Wanted) =>
  new Problem(
    'media-type-unsupported',
    mediaType === undefined
      ? {}
      : { detail: `Send the file as "Content-Type: ${mediaType}", without a content encoding.` },
  );

function checkHeaders({ headers }: IncomingMessage, wanted: Wanted): void {
  if (Number(headers['content-length'] ?? 0) > wanted.bytesMax) throw tooLarge(wanted);
  const encoding = headers['content-encoding'];
  if (encoding !== undefined && encoding.trim().toLowerCase() !== 'identity')
    throw new Problem('media-type-unsupported', {
      detail: 'Send the body without a Content-Encoding.',
    });
  const type = headers['content-type'];
  if (type !== undefined && !wanted.type.test(type.trim())) throw otherType(wanted);
}

function bytesOf(
  request: IncomingMessage,
  response: ServerResponse,
  timeoutMs: number,
  wanted: Wanted,
): Promise<Buffer> {
  const chunks: Buffer[] = [];
  const wholeLength = Number(request.headers['content-length']);
  let length = 0;
  let isSettled = false;
  let timer: NodeJS.Timeout | undefined;
  return new Promise((resolve, reject) => {
    // Listeners are left where they are, and do nothing more: to take them off costs more than all they do.
    const settle = (fault?: () => Error) => {
      if (isSettled) return;
      isSettled = true;
      clearTimeout(timer);
      const [first] = chunks;
      if (fault !== undefined) reject(fault());
      else resolve(first !== undefined && chunks.length === 1 ? first : Buffer.concat(chunks));
      chunks.length = 0;
    };
    request.on('data', (chunk: Buffer) => {
      length += chunk.length;
      if (length > wanted.bytesMax) settle(() => tooLarge(wanted));
      else if (!isSettled) chunks.push(chunk);
      if (length === wholeLength) settle();
    });
    // Nearly every body comes with its headers: then it is there by now, and nobody waits for it.
    process.nextTick(() => {
      if (isSettled) return;
      const failed = () => settle(() => wrong('The body ended before all of it arrived.'));
      if (request.destroyed || response.closed) return failed();
      request.on('end', () => settle());
      const late = () =>
        settle(() =>
          wrong(`The body did not arrive within ${timeoutMs / 1_000} s: send it at once.`),
        );
      timer = setTimeout(late, timeoutMs);
      request.on('error', failed).on('close', failed);
      // Whose body broke is answered before anybody has read it.
      response.on('close', failed);
    });
  });
}

/** Nearly every body comes with its headers: at the end of their turn it is there, and nobody waits for it. */
export const mayBeAtHandSoon = ({ headers }: IncomingMessage): boolean =>
  headers['content-length'] !== undefined;

/** All of a body whose length was said, where it has come; undefined: it has not, or not all. */
function bytesAtHand(request: IncomingMessage): Buffer | undefined {
  const { readableLength } = request;
  return readableLength > 0 && readableLength === Number(request.headers['content-length'])
    ? ((request.read() as Buffer | null) ?? undefined)
    : undefined;
}

/** It keeps nothing from one text to the next. */
const utf8 = new TextDecoder('utf-8', { fatal: true });

function jsonOf(bytes: Buffer): unknown {
  let text: string;
  try {
    text = utf8.decode(bytes);
  } catch {
    throw wrong('The body is not UTF-8: encode it as UTF-8.');
  }
  const excess = jsonExcess(bytes);
  if (excess !== undefined) throw wrong(excess);
  try {
    return JSON.parse(text);
  } catch {
    throw wrong('The body is not JSON: send one JSON object.');
  }
}

/**
 * The bytes of a body, `undefined` when there is none; its content is not looked at yet, so that 413
 * and 415 come before any 400.
 * @throws Problem `body-too-large`, `media-type-unsupported`, and `request-malformed` for a body that
 *   breaks off or takes longer than `timeoutMs`
 */
export function bodyBytes(
  request: IncomingMessage,
  response: ServerResponse,
  timeoutMs = bodyTimeoutMs,
  wanted: Wanted = json,
): Soon<Buffer | undefined> {
  if (!announced(request)) return undefined;
  checkHeaders(request, wanted);
  if (request.headers['content-length'] !== undefined) typeNamed(request, wanted);
  // The client waits for this word before it sends a body [RFC 9110, section 10.1.1].
  if (request.headers.expect !== undefined) response.writeContinue();
  const whole = bytesAtHand(request);
  if (whole !== undefined) return whole;
  return bytesOf(request, response, wanted.timeoutMs ?? timeoutMs, wanted).then((bytes) => {
    if (bytes.length === 0) return undefined;
    typeNamed(request, wanted);
    return bytes;
  });
}

function typeNamed({ headers }: IncomingMessage, wanted: Wanted): void {
  if (headers['content-type'] === undefined && wanted.isAnyType !== true) throw otherType(wanted);
}

/** The JSON of a body; no body is `{}`. @throws Problem `request-malformed` */
export const bodyJson = (bytes: Buffer | undefined): unknown =>
  bytes === undefined ? {} : jsonOf(bytes);
