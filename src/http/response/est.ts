/** Answers of EST (RFC 7030): certificates in base64 on one line, one answer to all who wait, text for people. */
import { printable } from '../../platform/printable.ts';
import type { RouteResponse } from '../route.ts';
import type { ProblemAnswer } from './problem.ts';

const text = 'text/plain; charset=utf-8';
const kept = { 'Cache-Control': 'no-store' };

/**
 * Certificates, as `certificatesOnly` makes them. The encoding is named as RFC 7030 has it, since older clients look
 * for it; RFC 8951 takes the header back, and lets others ignore it.
 * @param parameter of the media type; none: the CA's certificates
 */
export const pkcs7 = (der: Buffer, parameter: '' | '; smime-type=certs-only'): RouteResponse => ({
  status: 200,
  type: `application/pkcs7-mime${parameter}`,
  headers: { 'Content-Transfer-Encoding': 'base64', ...kept },
  // On one line, since there are clients that take no other; it is sent with its length, never in chunks.
  body: der.toString('base64'),
});

/** The same bytes to everybody who waits, also while the registry is locked (RFC 7030, section 4.2.3). */
export const estWaits = (retryAfterSeconds: number): RouteResponse => ({
  status: 202,
  type: text,
  headers: { 'Retry-After': String(retryAfterSeconds), ...kept },
  body: 'There is no certificate yet: ask again, with the same key, after the seconds in Retry-After.\n',
});

/** What is refused, in words: what happened, each fault, and the reason that an administrator gave. @param detail in place of its own */
export function estProblem(
  { status, document, headers }: ProblemAnswer,
  detail = document.detail,
): RouteResponse {
  const { errors = [], reason } = document;
  const faults = errors.map((fault) => fault.detail).filter((fault) => fault !== detail);
  const because = typeof reason === 'string' && reason !== '' ? [`Reason: ${reason}`] : [];
  const body = [detail, ...faults, ...because].map((line) => `${printable(line)}\n`).join('');
  return { status, type: text, headers: { ...headers, ...kept }, body };
}
