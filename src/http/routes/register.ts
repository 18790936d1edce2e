/** The explicit door: a device asks for access and polls for the decision (SPEC 4). */

import type { ClientKey } from '../../../domain/client/events.ts';
import { noRights } from '../../../domain/rights.ts';
import { Register } from '../../api/input.ts';
import { Pending, Registered } from '../../api/output.ts';
import type { Fault, ProblemCode } from '../../api/problems.ts';
import type { App } from '../../app.ts';
import type { ShownCertificate } from '../../broker/ports/authenticator.ts';
import type { Cause } from '../../commands/handle.ts';
import { readCsr } from '../../credentials/certificates/csr.ts';
import { retryAfterSeconds, takenRetryAfterSeconds } from '../../limits/http.ts';
import { type Soon, soon } from '../../platform/soon.ts';
import type { DoorAnswer } from '../../registration/answers.ts';
import {
  clientAuthFaultsOf,
  csrFaultsOf,
  passwordFaultsOf,
  personNameFaultsOf,
} from '../request/command-context.ts';
import { readLeniently } from '../request/lenient.ts';
import { Problem, refusal } from '../response/problem.ts';
import { type Route, type RouteRequest, type RouteResponse, route } from '../route.ts';

const group = 'The door';
export const self = '/api/client-registry/requests/self';

const answers = {
  201: { description: 'Granted, now and on every later poll.', body: Registered },
  202: { description: 'Waits for a decision: ask again.', body: Pending },
};
/** Of an access that was. */
export const overRefusals: readonly ProblemCode[] = [
  'access-suspended',
  'access-revoked',
  'access-expired',
];
export const refusals: readonly ProblemCode[] = [
  ...overRefusals,
  'registration-denied',
  'replacement-pending',
];

type LongPoll = Pick<RouteRequest<unknown, unknown, unknown, 'open'>, 'waitMs' | 'signal'>;

/** The request whose decision changes an answer; undefined: nothing is waited for. */
const awaitedRequestId = (answer: DoorAnswer): string | undefined => {
  if (answer.kind === 'pending') return answer.requestId;
  return answer.kind === 'refused' && answer.refusal === 'replacement-pending'
    ? (answer.requestId ?? undefined)
    : undefined;
};

/** Holds an answer back while nothing is decided, at most as long as the client prefers to wait. */
function awaitDecision(app: App, first: DoorAnswer, request: LongPoll): Soon<DoorAnswer> {
  const firstId = awaitedRequestId(first);
  // Most do not wait, and need no signal made for them.
  return request.waitMs === 0 || firstId === undefined
    ? first
    : decisionOf(app, firstId, first, request);
}

async function decisionOf(
  { registration }: App,
  firstId: string,
  first: DoorAnswer,
  { waitMs, signal }: LongPoll,
): Promise<DoorAnswer> {
  const endMs = performance.now() + waitMs;
  // What was decided since the first answer is not waited for.
  let answer = registration.answerFor(firstId) ?? first;
  for (let leftMs = waitMs; leftMs > 0 && !signal.aborted; leftMs = endMs - performance.now()) {
    const requestId = awaitedRequestId(answer);
    if (requestId === undefined || !(await registration.changed(requestId, leftMs, signal))) break;
    answer = registration.answerFor(requestId) ?? answer;
  }
  return answer;
}

interface Asker {
  readonly cause: Cause;
  /**
   * A CSR is no secret: who shows nothing else is told status and certificate, which is useless without the key. Asked where a
   * credential matched, and nowhere else: to look up a name takes longer where it is known.
   */
  readonly isByKeyAlone: () => boolean;
  /** The key of a CSR that came with a password. */
  readonly key: ClientKey | null;
}

/** Rights as they are told to who may only know that access was granted. */
const untold = { ...noRights, effectivePermissions: [] };

async function grantedResponse(
  { certificates, views }: App,
  answer: Extract<DoorAnswer, { kind: 'granted' }>,
  { cause, isByKeyAlone, key }: Asker,
): Promise<RouteResponse> {
  const { username, position } = answer;
  // Of the credential that was shown just now.
  const isUntold = isByKeyAlone();
  await certificates.ensure(answer, key, cause);
  const registered = views.registered(username);
  if (registered === undefined) throw new Error('a granted client has no row');
  const body = {
    ...registered,
    ...(isUntold && untold),
    certificate: certificates.chainOf(username),
  };
  return { status: 201, body, headers: { Location: self }, position };
}

export const membersTold = (
  members: Readonly<Record<string, unknown>>,
  { isByKeyAlone }: Pick<Asker, 'isByKeyAlone'>,
) => ('reason' in members && isByKeyAlone() ? { ...members, reason: null } : { ...members });

const comeBack = { 'Retry-After': String(retryAfterSeconds) };

function pendingResponse(
  answer: Extract<DoorAnswer, { kind: 'pending' }>,
  registrationToken: string,
): RouteResponse {
  const { requestId, username, pairingId, expiresAt, position } = answer;
  const body: Pending = {
    status: 'pending',
    requestId,
    username,
    pairingId,
    registrationToken,
    expiresAt,
  };
  return { status: 202, body, headers: comeBack, position };
}

function doorResponse(app: App, answer: DoorAnswer, asker: Asker): Soon<RouteResponse> {
  switch (answer.kind) {
    case 'pending':
      return soon(app.registration.tokenFor(answer), (token) => pendingResponse(answer, token));
    case 'granted':
      return grantedResponse(app, answer, asker);
    case 'refused':
      return refused(answer, asker);
    case 'throttled':
      throw new Problem('source-throttled', { retryAfterSeconds: answer.retryAfterSeconds });
  }
}

/** Always the same: when to come back must not tell a contest from a challenge. */
const taken = refusal('username-taken', { retryAfterSeconds: takenRetryAfterSeconds });

function refused(answer: Extract<DoorAnswer, { kind: 'refused' }>, asker: Asker): RouteResponse {
  const { refusal: code, members } = answer;
  const plain = code === 'username-taken' ? taken : refusal(code);
  const problem =
    members === null ? plain : refusal(code, { members: membersTold(members, asker) });
  return { status: problem.status, problem };
}

/** Who proved the key of a certificate is told everything: what it may, and why it may no more. */
export async function certifiedResponse(
  app: App,
  certificate: ShownCertificate | null,
  cause: Cause,
): Promise<RouteResponse> {
  // The first use of a next one takes the place of the current one.
  if (certificate !== null) await app.clientCertificates.use(certificate, cause);
  const answer = certificate === null ? null : app.registration.answerForCertificate(certificate);
  if (!answer) throw new Problem('token-invalid');
  return await doorResponse(app, answer, { cause, isByKeyAlone: () => false, key: null });
}

const faultsOf = (body: unknown, app: App): Fault[] =>
  personNameFaultsOf(body, app.isPersonName).concat(
    passwordFaultsOf(body, app.passwordFaults),
    csrFaultsOf(body, app),
    clientAuthFaultsOf(body, app.config.clientAuth),
  );

const knownMembers = Object.keys(Register.shape);

/** How a door reads that is lenient. */
const leniently = (app: App): NonNullable<Route['leniently']> => ({
  isOn: () => app.config.door === 'lenient',
  read(bytes, contentType) {
    const read = readLeniently(bytes, contentType, knownMembers);
    if (read.isForeign) app.metrics.lenientRegistrations.inc();
    app.metrics.lenientLeftOut.inc(read.leftOutCount);
    return read.body;
  },
});

const registerRoute = (app: App): Route =>
  route({
    method: 'POST',
    path: '/api/client-registry/register',
    group,
    operationId: 'register',
    summary: 'Ask for access, or for what became of it',
    description:
      'Repeat it with the same username and password, or csr, until it answers 201; polling works while locked. Clients of EST (RFC 7030) come by /.well-known/est/ where TLS is spoken.',
    access: 'open',
    hot: true,
    waits: true,
    body: Register,
    leniently: leniently(app),
    faults: (body) => faultsOf(body, app),
    answers,
    problems: [
      ...refusals,
      'username-taken',
      'registry-locked',
      'source-throttled',
      'window-full',
      'pending-full',
      'hashing-busy',
    ],
    handle(request) {
      const { username, password, csr, pairingId, context } = request.body;
      const { requestedRoles, requestedPermissions, enrolmentCode } = request.body;
      const key = csr === undefined ? null : readCsr(csr, username).key;
      const attempt = {
        username,
        password: password ?? null,
        key,
        enrolmentCode: enrolmentCode ?? null,
        source: request.source,
        flow: 'explicit',
        clientId: null,
        pairingId: pairingId ?? null,
        context: context ?? null,
        requestedRoles: requestedRoles ?? [],
        requestedPermissions: requestedPermissions ?? [],
        gone: request.gone,
      } as const;
      const ask = () => app.registration.ask(attempt, request.cause);
      const told = soon(ask(), (first) =>
        soon(awaitDecision(app, first, request), (answer) =>
          // A request that nobody decided in time leaves the name free: whoever shows the password may ask anew.
          answer !== first && answer.kind === 'refused' && answer.refusal === 'access-expired'
            ? ask()
            : answer,
        ),
      );
      return soon(told, (answer) => {
        const isByKeyAlone = () => password === undefined || app.registration.isKeyAlone(username);
        return doorResponse(app, answer, { cause: request.cause, isByKeyAlone, key });
      });
    },
  });

const selfRoute = (app: App): Route =>
  route({
    method: 'GET',
    path: self,
    group,
    operationId: 'registrationStatus',
    summary:
      'What became of the request that a registrationToken or a client certificate stands for',
    description:
      'Over TLS with a client certificate and no token, it tells all rights and reasons.',
    access: 'registration',
    hot: true,
    waits: true,
    answers,
    problems: refusals,
    async handle(request) {
      const { bearer, certificate } = request;
      if (bearer === null) return await certifiedResponse(app, certificate, request.cause);
      const { registration } = app;
      const requestId = await registration.requestIdOf(bearer);
      const first = requestId === null ? undefined : registration.answerFor(requestId);
      if (requestId === null || first === undefined) throw new Problem('token-invalid');
      const answer = await awaitDecision(app, first, request);
      // No password would be told anything of it either: it is gone from the vault.
      if (answer.kind === 'refused' && registration.isErased(requestId))
        throw new Problem('token-invalid');
      const isByKeyAlone = () => registration.isByKey(requestId);
      return doorResponse(app, answer, { cause: request.cause, isByKeyAlone, key: null });
    },
  });

export const doorRoutes = (app: App): Route[] => [registerRoute(app), selfRoute(app)];
