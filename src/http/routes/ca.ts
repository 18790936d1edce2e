/** The registry's CA, for whoever trusts it: its fingerprint, its chain, and what it has revoked. */

import { RevocationListQuery } from '../../api/input.ts';
import { CaDescription } from '../../api/service.ts';
import type { App } from '../../app.ts';
import type { TrustedAuthority } from '../../credentials/certificates/authority.ts';
import { malformed } from '../response/problem.ts';
import { ok, type Route, route } from '../route.ts';

const group = 'Certificates';

const unknownIssuer = {
  parameter: 'issuer',
  detail: 'issuer must be one whose key is here: GET /ca names them.',
};

const described = ({ root, fingerprint }: Pick<TrustedAuthority, 'root' | 'fingerprint'>) => ({
  ...{ subject: root.subject, fingerprint },
  notAfter: root.validToDate.toISOString(),
});

export const caRoutes = ({ ca, revocationList }: App): Route[] => [
  route({
    method: 'GET',
    path: '/ca',
    group,
    operationId: 'ca',
    summary:
      'The root of the CA; a device is told its fingerprint by a person, never by this answer',
    access: 'open',
    answers: { 200: { description: 'The root.', body: CaDescription } },
    handle: () =>
      ok({
        ...described(ca),
        ...(ca.others.length > 0 && {
          others: ca.others.map((one) => ({
            ...described(one),
            crl: one.key === null ? null : `/ca/crl?issuer=${one.keyId}`,
          })),
        }),
      }),
  }),
  route({
    method: 'GET',
    path: '/ca/certificate',
    group,
    operationId: 'caCertificate',
    summary: 'The chain of the CA, the issuer first, the root last',
    description: 'While the CA changes, the chains of the others that are trusted follow.',
    access: 'open',
    answers: { 200: { description: 'PEM.', type: 'application/x-pem-file' } },
    handle: () => ({ status: 200, body: ca.trustPem, type: 'application/x-pem-file' }),
  }),
  route({
    method: 'GET',
    path: '/ca/crl',
    group,
    operationId: 'caCrl',
    summary: 'The certificates that are revoked or held, and have not ended',
    description: 'While the CA changes, each issuer whose key is here has a list of its own.',
    access: 'open',
    query: RevocationListQuery,
    answers: { 200: { description: 'DER (RFC 5280, section 5).', type: 'application/pkix-crl' } },
    async handle({ query: { issuer } }) {
      const { current, of } = revocationList;
      const body = await (issuer === undefined ? current() : of(issuer));
      if (body === undefined) throw malformed([unknownIssuer]);
      return { status: 200, body, type: 'application/pkix-crl' };
    },
  }),
];
