/** Renewal: the certificate in hand authorises the key of the next one (WIRE "Renewal"). */
import { Renewal } from '../../api/input.ts';
import { Registered } from '../../api/output.ts';
import type { App } from '../../app.ts';
import { readCsr } from '../../credentials/certificates/csr.ts';
import { csrFaultsOf } from '../request/command-context.ts';
import { malformed, Problem } from '../response/problem.ts';
import { type Route, type RouteRequest, type RouteResponse, route } from '../route.ts';
import { certifiedResponse, overRefusals, self } from './register.ts';

type RenewalRequest = Pick<
  RouteRequest<unknown, unknown, Renewal, 'certificate'>,
  'body' | 'certificate' | 'cause'
>;

/** Nobody's proxy vouches for a certificate, and no token stands for one. */
async function renewed(
  app: App,
  { certificate, body: { csr }, cause }: RenewalRequest,
): Promise<RouteResponse> {
  if (certificate === null || !(await app.clientCertificates.use(certificate, cause)))
    return await certifiedResponse(app, certificate, cause);
  const { username } = certificate;
  const faults = csrFaultsOf({ csr, username }, app);
  const { key } = readCsr(csr, username);
  if (key === null || faults.length > 0) throw malformed(faults);
  const answer = await app.renewals.renew(certificate, key, cause);
  if (answer.kind === 'throttled') {
    const { retryAfterSeconds } = answer;
    throw new Problem('source-throttled', { retryAfterSeconds });
  }
  const registered = app.views.registered(username);
  // Whatever came between stands: it is asked anew.
  if (answer.kind === 'refused' || registered === undefined)
    return await certifiedResponse(app, certificate, cause);
  return {
    ...{ status: 201, headers: { Location: self } },
    body: { ...registered, certificate: answer.chain },
  };
}

export const renewalRoutes = (app: App): Route[] => [
  route({
    method: 'POST',
    path: '/api/client-registry/certificate',
    group: 'The door',
    operationId: 'renewCertificate',
    summary: 'The next certificate, authorised by the current one',
    description:
      'Over TLS, with the client certificate. The current one goes on until the next one is used; the same key gets the same next one again.',
    access: 'certificate',
    body: Renewal,
    answers: { 201: { description: 'The next certificate.', body: Registered } },
    problems: [...overRefusals, 'source-throttled'],
    handle: (request) => renewed(app, request),
  }),
];
