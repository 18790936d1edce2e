/**
 * EST (RFC 7030, with its errata and RFC 8951): the explicit door for clients that know certificates alone. On ports
 * that speak TLS; refusals are text for people.
 */
import type { ClientKey } from '../../../domain/client/events.ts';
import { Register } from '../../api/input.ts';
import type { App } from '../../app.ts';
import type { Cause } from '../../commands/handle.ts';
import { certificatesOnly } from '../../credentials/certificates/cms.ts';
import { readNamedCsr } from '../../credentials/certificates/csr.ts';
import {
  bodyBytesMax,
  estRetryAfterMaxSeconds,
  estReturnsPerSecond,
  malformedPerMinuteMax,
} from '../../limits/http.ts';
import { sourceKey } from '../../platform/networks.ts';
import type { DoorAnswer } from '../../registration/answers.ts';
import type { AnswersBelow } from '../direct.ts';
import type { Edge, Exchange } from '../edge.ts';
import { goneWith } from '../gone.ts';
import { basicOf, basicWanted } from '../request/basic.ts';
import { bodyBytes } from '../request/body.ts';
import {
  clientAuthFaultsOf,
  passwordFaultsOf,
  serverNameFaultsOf,
} from '../request/command-context.ts';
import { createMalformedCount } from '../request/malformed-count.ts';
import { allOf, parsedBody, withFaults } from '../request/parse.ts';
import { estProblem, estWaits, pkcs7 } from '../response/est.ts';
import { malformed, Problem, refusal } from '../response/problem.ts';
import { createReturnTime, type ReturnTime } from '../response/return-time.ts';
import type { RouteResponse } from '../route.ts';
import { membersTold } from './register.ts';

const beginning = '/.well-known/est/';
const pkcs10 = { type: /^application\/pkcs10[\t ]*(;.*)?$/i, bytesMax: bodyBytesMax };

/** What the operations share. */
interface EstParts {
  readonly app: App;
  readonly edge: Edge;
  readonly returnTime: ReturnTime;
  readonly malformedCount: ReturnType<typeof createMalformedCount>;
}

interface EstOperation {
  readonly method: 'GET' | 'POST';
  answer(parts: EstParts, exchange: Exchange): RouteResponse | Promise<RouteResponse>;
}

/** The certificates of a PEM text, DER each. */
const certificatesIn = (pem: string): Buffer[] =>
  [...pem.matchAll(/-----BEGIN CERTIFICATE-----([^-]+)-----END CERTIFICATE-----/g)].map(
    ([, body = '']) => Buffer.from(body, 'base64'),
  );

/** The request that was sent, read as far as it says whose it is. @throws Problem 413, 415, 400 */
async function sentCsr({ edge }: EstParts, { req, res }: Exchange) {
  const bytes = await bodyBytes(req, res, edge.bodyTimeoutMs, pkcs10);
  if (bytes === undefined)
    throw malformed([{ pointer: '#/csr', detail: 'The body is empty: send a PKCS#10 request.' }]);
  const read = readNamedCsr(bytes.toString('latin1'));
  if (read.fault !== null)
    throw malformed([{ pointer: '#/csr', detail: `The CSR ${read.fault}.` }]);
  return read;
}

/** The password beside a name; a name may hold colons itself (SPEC 3), so the CSR says where it ends. */
function passwordBeside(basic: string | null, username: string): string | undefined {
  if (basic === null) return undefined;
  if (basic.startsWith(`${username}:`)) return basic.slice(username.length + 1);
  const detail = 'The name of the Basic credentials is not the CN of the CSR: make them the same.';
  throw malformed([{ pointer: '#/username', detail }]);
}

/** The same checks as of a registration by REST. @throws Problem 400 */
async function offered(parts: EstParts, exchange: Exchange, basic: string | null) {
  const { app } = parts;
  const { username, key } = await sentCsr(parts, exchange);
  const password = passwordBeside(basic, username);
  const body = { username, csr: '-', ...(password === undefined ? {} : { password }) };
  allOf(
    withFaults(parsedBody(Register, body), [
      ...passwordFaultsOf(body, app.passwordFaults),
      ...serverNameFaultsOf(username, app.isServerName),
      ...clientAuthFaultsOf(body, app.config.clientAuth),
    ]),
  );
  return { username, key, password: password ?? null };
}

async function enrolled(parts: EstParts, exchange: Exchange): Promise<RouteResponse> {
  const { app } = parts;
  const { source } = exchange.state;
  const basic = basicOf(exchange.req);
  if (basic === null && app.config.est.basic === 'required')
    throw basicWanted('Send the name of this client and its password as Basic credentials.');
  const offer = await parts.malformedCount(`simpleenroll ${sourceKey(source)}`, () =>
    offered(parts, exchange, basic),
  );
  const cause = exchange.state;
  const answer = await app.registration.ask(
    {
      ...offer,
      ...{ source, flow: 'explicit', door: 'est', clientId: null, context: null },
      // Nobody made one: people compare the beginning of the key's fingerprint.
      pairingId: offer.key.fingerprint.slice(0, 6),
      ...{ requestedRoles: [], requestedPermissions: [] },
      gone: goneWith(exchange.res),
    },
    cause,
  );
  if (isWaiting(answer)) return estWaits(parts.returnTime());
  if (answer.kind === 'granted') return await issued(parts, answer, offer.key, cause);
  const isByKeyAlone = () => offer.password === null || app.registration.isKeyAlone(offer.username);
  return refused(answer, { isByKeyAlone });
}

/** Told as waiting whatever REST would tell: an unmodified client asks again, and a stranger learns nothing. */
const isWaiting = (answer: DoorAnswer): boolean =>
  answer.kind === 'pending' ||
  (answer.kind === 'refused' &&
    (answer.refusal === 'registry-locked' ||
      answer.refusal === 'replacement-pending' ||
      answer.becameChallenger === true));

function refused(answer: DoorAnswer, asker: Parameters<typeof membersTold>[1]): RouteResponse {
  if (answer.kind === 'throttled')
    throw new Problem('source-throttled', { retryAfterSeconds: answer.retryAfterSeconds });
  if (answer.kind !== 'refused') throw new Error(`${answer.kind} is no refusal`);
  const { refusal: code, members } = answer;
  const problem =
    members === null ? refusal(code) : refusal(code, { members: membersTold(members, asker) });
  return { status: problem.status, problem };
}

async function issued(
  { app, returnTime }: EstParts,
  answer: Extract<DoorAnswer, { kind: 'granted' }>,
  key: ClientKey,
  cause: Cause,
): Promise<RouteResponse> {
  await app.certificates.ensure(answer, key, cause);
  const chain = app.certificates.chainOf(answer.username);
  // Whatever came between stands: the client asks again.
  if (chain === null) return estWaits(returnTime());
  return leafOf(chain, key);
}

/** The client's own certificate alone (RFC 7030, section 4.2.3). */
function leafOf(chain: string, key: ClientKey): RouteResponse {
  const [leaf = Buffer.alloc(0)] = certificatesIn(chain);
  // Two keys came with one password at once, and the other was first.
  if (!leaf.includes(Buffer.from(key.publicKey, 'base64'))) throw new Problem('username-taken');
  return pkcs7(certificatesOnly([leaf]), '; smime-type=certs-only');
}

/** No password and no proxy stands for the certificate in hand (SPEC 11). */
async function reenrolled(parts: EstParts, exchange: Exchange): Promise<RouteResponse> {
  const { app, edge } = parts;
  const certificate = edge.certificateOf(exchange.req);
  if (certificate === null) throw certificateWanted();
  const cause = exchange.state;
  const stands = async () => {
    const answer = app.registration.answerForCertificate(certificate);
    if (answer === undefined) throw certificateWanted();
    // Whatever came between stands: the client asks again.
    if (answer.kind === 'granted') return estWaits(parts.returnTime());
    return refused(answer, { isByKeyAlone: () => false });
  };
  if (!(await app.clientCertificates.use(certificate, cause))) return await stands();
  const key = await parts.malformedCount(`simplereenroll ${certificate.username}`, async () => {
    const { username, key: next } = await sentCsr(parts, exchange);
    const detail = 'The CN of the CSR is not the name in the certificate: make them the same.';
    if (username !== certificate.username) throw malformed([{ pointer: '#/csr', detail }]);
    const faults = serverNameFaultsOf(username, app.isServerName);
    if (faults.length > 0) throw malformed(faults);
    return next;
  });
  const answer = await app.renewals.renew(certificate, key, cause);
  if (answer.kind === 'refused') return await stands();
  if (answer.kind === 'renewed') return leafOf(answer.chain, key);
  const { retryAfterSeconds } = answer;
  throw new Problem('source-throttled', { retryAfterSeconds });
}

const certificateWanted = () =>
  basicWanted(
    'This takes the client certificate in hand, over TLS, while it is good; without one: simpleenroll.',
  );

const operations: Readonly<Record<string, EstOperation>> = {
  cacerts: {
    method: 'GET',
    answer: ({ app }) => pkcs7(certificatesOnly(certificatesIn(app.ca.trustPem)), ''),
  },
  // Nothing is asked of a CSR but its CN (RFC 7030, section 4.5.2).
  csrattrs: { method: 'GET', answer: () => ({ status: 204 }) },
  simpleenroll: { method: 'POST', answer: enrolled },
  simplereenroll: { method: 'POST', answer: reenrolled },
};

const elsewhere: Readonly<Partial<Record<string, string>>> = {
  'media-type-unsupported':
    'Send the CSR as "Content-Type: application/pkcs10": its DER in base64, without a content encoding.',
  'route-not-found': `EST has ${Object.keys(operations).join(', ')} here, on the ports that speak TLS.`,
};

/** Its operations, for every port; where no TLS is spoken there is none. */
export function estAnswers(app: App, edge: Edge): AnswersBelow {
  const parts = {
    ...{ app, edge },
    malformedCount: createMalformedCount(edge.malformedPerMinute ?? malformedPerMinuteMax),
    returnTime: createReturnTime({
      baseSeconds: app.config.est.retryAfterSeconds,
      maxSeconds: estRetryAfterMaxSeconds,
      perSecond: estReturnsPerSecond,
    }),
  };
  return {
    beginning,
    async answer(exchange) {
      const { path, req, state } = exchange;
      const name = path.slice(beginning.length);
      const operation = Object.hasOwn(operations, name) ? operations[name] : undefined;
      if (operation === undefined || !('encrypted' in req.socket))
        throw new Problem('route-not-found');
      state.route = `${beginning}${name}`;
      const { method } = operation;
      if (req.method !== method)
        throw new Problem('method-not-allowed', {
          ...{ detail: `This path takes ${method}.`, headers: { Allow: method } },
        });
      return await operation.answer(parts, exchange);
    },
    tells: (problem) => estProblem(problem, elsewhere[problem.code]),
  };
}
