/** Refuses a request of which two readers could find two different ends (RFC 9112, section 6.1). */
import type { IncomingMessage } from 'node:http';
import type { Guard } from '../edge.ts';
import { malformed, Problem } from '../response/problem.ts';

/** A coding beside `chunked`, or one in HTTP/1.0; what contradicts itself is refused by node:http. */
const isOtherCoding = (coding: string) => coding.toLowerCase() !== 'chunked';

/** Whether it is sure where it ends: after another nothing on its connection is taken for a request. */
export const isClearlyFramed = ({ headers, httpVersion }: IncomingMessage): boolean => {
  const coding = headers['transfer-encoding'];
  return coding === undefined || (httpVersion === '1.1' && !isOtherCoding(coding));
};

/** @throws Problem 501, 400 */
export const clearlyFramedOnly: Guard = (request) => {
  if (isClearlyFramed(request)) return;
  if (isOtherCoding(request.headers['transfer-encoding'] ?? ''))
    throw new Problem('transfer-coding-unsupported');
  const detail = 'HTTP/1.0 has no Transfer-Encoding: send a Content-Length.';
  throw malformed([{ parameter: 'Transfer-Encoding', detail }]);
};
