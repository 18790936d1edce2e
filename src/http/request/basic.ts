/** Basic credentials of a request (RFC 7617). */
import type { IncomingMessage } from 'node:http';
import { Problem } from '../response/problem.ts';

/** Asks for them: an answer 401. @param detail what was wrong, and what to do */
export const basicWanted = (detail: string): Problem =>
  new Problem('credentials-invalid', {
    detail,
    headers: { 'WWW-Authenticate': 'Basic realm="gatebook", charset="UTF-8"' },
  });

const utf8 = new TextDecoder('utf-8', { fatal: true });

/** Name and password with the colon between them; null: none were sent. @throws Problem 401 where they are malformed */
export function basicOf({ headers }: IncomingMessage): string | null {
  const { authorization } = headers;
  if (authorization === undefined) return null;
  const malformed = () =>
    basicWanted('Authorization is not well formed: send "Basic", and name:password in base64.');
  const [, encoded = ''] = /^Basic +([A-Za-z0-9+/]+={0,2})$/i.exec(authorization.trim()) ?? [];
  const bytes = Buffer.from(encoded, 'base64');
  if (encoded === '' || bytes.toString('base64') !== encoded) throw malformed();
  let text: string;
  try {
    text = utf8.decode(bytes);
  } catch {
    throw malformed();
  }
  if (text.indexOf(':') < 1) throw malformed();
  return text;
}
