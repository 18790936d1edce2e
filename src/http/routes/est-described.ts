/** EST as the API description tells it: what is asked below `/.well-known/est/` is answered in `est.ts`, in the form of RFC 7030. */
import type { ProblemCode } from '../../api/problems.ts';
import { bodyBytesMax } from '../../limits/http.ts';
import type { Upload } from '../request/body.ts';
import { type Route, route } from '../route.ts';
import { refusals } from './register.ts';

const group = 'EST';
const base = '/.well-known/est';

/** Its answers come from `est.ts`, before any route is looked for. */
const handle = (): never => {
  throw new Error('EST is answered below its beginning');
};

const pkcs10: Upload = {
  mediaType: 'application/pkcs10',
  type: /^application\/pkcs10/i,
  bytesMax: bodyBytesMax,
  timeoutMs: 0,
};
const encoding = { 'Content-Transfer-Encoding': '`base64`, for clients of RFC 7030.' };
const issued = {
  description: 'The certificate alone, in PKCS#7, as base64 on one line.',
  ...{ type: 'application/pkcs7-mime', headers: encoding },
};
const waits = {
  description:
    'There is none yet: ask again with the same key. Always the same bytes, while locked too.',
  type: 'text/plain',
};
const problems: readonly ProblemCode[] = [
  ...(['credentials-invalid', 'route-not-found', 'username-taken'] as const),
  ...refusals.filter((code) => code !== 'replacement-pending'),
  ...(['window-full', 'pending-full', 'hashing-busy', 'store-unavailable'] as const),
];

/** RFC 7030 with its errata and RFC 8951, on the ports that speak TLS. */
export const estDescribed: readonly Route[] = [
  route({
    method: 'GET',
    path: `${base}/cacerts`,
    group,
    operationId: 'estCaCertificates',
    summary: 'The certificates of the CA',
    ...{ access: 'open', tells: 'text', handle },
    answers: {
      200: { ...issued, description: 'The chain, in PKCS#7, as base64 on one line.' },
    },
    problems: ['route-not-found'],
  }),
  route({
    method: 'GET',
    path: `${base}/csrattrs`,
    group,
    operationId: 'estCsrAttributes',
    summary: 'What a CSR must ask for: nothing but its CN',
    ...{ access: 'open', tells: 'text', handle },
    answers: { 204: { description: 'Nothing.' } },
    problems: ['route-not-found'],
  }),
  route({
    method: 'POST',
    path: `${base}/simpleenroll`,
    group,
    operationId: 'estEnroll',
    summary: 'Ask for access by a key, and for its certificate',
    description:
      'With HTTP Basic (name and password), or without: then the CN of the CSR is the name. The body is the DER of the CSR in base64.',
    ...{ access: 'open', tells: 'text', upload: pkcs10, handle },
    answers: { 200: issued, 202: waits },
    problems,
  }),
  route({
    method: 'POST',
    path: `${base}/simplereenroll`,
    group,
    operationId: 'estReenroll',
    summary: 'The next certificate, authorised by the current one',
    description: 'Over TLS with the client certificate. The body is the DER of the CSR in base64.',
    ...{ access: 'open', tells: 'text', upload: pkcs10, handle },
    answers: { 200: issued, 202: waits },
    problems,
  }),
];
