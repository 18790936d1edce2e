/** The registry's CA, for whoever trusts it: its fingerprint, its chain, and what it has revoked. */
import { CaDescription } from '../../api/service.ts';
import type { App } from '../../app.ts';
import { ok, type Route, route } from '../route.ts';

const group = 'Certificates';

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
        subject: ca.root.subject,
        fingerprint: ca.fingerprint,
        notAfter: ca.root.validToDate.toISOString(),
      }),
  }),
  route({
    method: 'GET',
    path: '/ca/certificate',
    group,
    operationId: 'caCertificate',
    summary: 'The chain of the CA, the issuer first, the root last',
    access: 'open',
    answers: { 200: { description: 'PEM.', type: 'application/x-pem-file' } },
    handle: () => ({ status: 200, body: ca.chainPem, type: 'application/x-pem-file' }),
  }),
  route({
    method: 'GET',
    path: '/ca/crl',
    group,
    operationId: 'caCrl',
    summary: 'The certificates that are revoked or held, and have not ended',
    access: 'open',
    answers: { 200: { description: 'DER (RFC 5280, section 5).', type: 'application/pkix-crl' } },
    handle: async () => ({
      ...{ status: 200, body: await revocationList.current(), type: 'application/pkix-crl' },
    }),
  }),
];
