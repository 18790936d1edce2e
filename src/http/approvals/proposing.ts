/** Turns a command that needs several people into a proposal, and works out anew what a proposal would do. */
import { createHash } from 'node:crypto';
import { gunzipSync, gzipSync } from 'node:zlib';
import type { ProposedCommand } from '../../../domain/approvals/proposal.ts';
import { compiled, holdsHttpRights, httpPermissionsOf } from '../../../domain/matching.ts';
import type { Permission } from '../../../domain/permission.ts';
import { requireOwnRights } from '../../administration/context.ts';
import type { ImportedUser } from '../../api/input.ts';
import type { App } from '../../app.ts';
import { canonicalJson } from '../../audit/transparency-log/canonical-json.ts';
import { Refused } from '../../commands/refused.ts';
import { proposalRetrySeconds, proposedFileCharactersMax } from '../../limits/administration.ts';
import { commandContext, found } from '../request/command-context.ts';
import { Problem } from '../response/problem.ts';
import type { Route, RouteRequest, RouteResponse } from '../route.ts';
import { barredOf, type Sent, type Weight, weights, weightsAgain } from './weights.ts';

type CommandRequest = RouteRequest<
  Record<string, string>,
  Record<string, unknown>,
  never,
  'permitted'
>;

/** SHA-256 over everything that is approved: the command as it was sent, and what it comes to. */
const hashOf = (
  { action, params, query, body }: Pick<ProposedCommand, 'action' | 'params' | 'query' | 'body'>,
  { subject, gives, gains, seen }: Weight,
): string =>
  createHash('sha256')
    .update(canonicalJson({ action, params, query, body, subject, gives, gains, seen }))
    .digest('hex');

/** What a proposal would come to now, in the hash that its approvers confirm; '': nothing any more. */
export async function hashNow(app: App, proposed: ProposedCommand, by: string): Promise<string> {
  const { action, params, query, body } = proposed;
  const upload = fileIn(body) ?? Buffer.alloc(0);
  const sent = { params, query, body, upload, caller: { username: by } } as unknown as Sent;
  const weight = await weights[action]?.(sent, app);
  return weight == null ? '' : hashOf(proposed, weight);
}

const waitsFor = ({ config }: App, { gains, isOfPeople, isByPolicy }: Weight): boolean =>
  config.approvals.of === 'all' || isByPolicy || gains.length > 0 || isOfPeople;

/**
 * Who calls, as `authorize` says it, of a command that happens at once: others may have taken away what it would
 * give back, or widened what it gives, while it was on its way. @throws Refused `approval-changed`
 */
function stillAtOnce(
  app: App,
  operationId: string,
  request: CommandRequest,
): CommandRequest['authorize'] {
  const { authorize } = request;
  return () => {
    const caller = authorize();
    const weight = weightsAgain[operationId]?.(request, app);
    const isLight = weight == null || (!(weight instanceof Promise) && !waitsFor(app, weight));
    if (isLight) return caller;
    throw new Refused('approval-changed', {
      detail:
        'What this comes to changed while it was on its way: it needs several people now. Send it again.',
    });
  };
}

/** @throws Refused `rights-exceed-own` for what no number of approvers makes right (SPEC 3) */
function requireReachable(weight: Weight): void {
  if (barredOf(weight))
    throw new Refused('rights-exceed-own', { detail: weight.barredForPeople ?? '' });
}

/** A file that was sent, as an event can hold it. @throws Problem `body-too-large` */
function fileKept({ upload, contentType }: Pick<CommandRequest, 'upload' | 'contentType'>) {
  const file = gzipSync(upload).toString('base64');
  if (file.length > proposedFileCharactersMax)
    throw new Problem('body-too-large', {
      detail: `Where several people approve, a file has at most ${proposedFileCharactersMax} characters of gzip in base64: send it in parts.`,
    });
  const digest = createHash('sha256').update(upload).digest('hex');
  return {
    file,
    contentType,
    digest,
    count: upload.toString('latin1').trimEnd().split('\n').length - 1,
  };
}

/** The file of a proposal; undefined: it has none. */
export const fileIn = (body: unknown): Buffer | undefined => {
  const { file } = (body ?? {}) as { readonly file?: unknown };
  return typeof file === 'string' ? gunzipSync(Buffer.from(file, 'base64')) : undefined;
};

/** An import without what checks its passwords, which waits in the vault. */
async function withoutVerifiers(
  { administration }: App,
  users: readonly ImportedUser[],
  request: CommandRequest,
) {
  const { credentialId } = await administration.keepVerifiers(commandContext(request), users);
  const shown = users.map(({ password: _password, verifier: _verifier, ...user }) => user);
  return { body: { ...(request.body as object), users: shown }, credentialId };
}

/** What was sent without the password, whose verifier waits in the vault. */
async function withoutSecrets(app: App, weight: Weight, request: CommandRequest) {
  if (request.upload.length > 0) return { body: fileKept(request), credentialId: null };
  const { users } = request.body as { readonly users?: readonly ImportedUser[] };
  if (users !== undefined) return await withoutVerifiers(app, users, request);
  const { password, ...body } = request.body as { password?: unknown } & Record<string, unknown>;
  if (typeof password !== 'string') return { body, credentialId: null };
  const kept = await app.administration.keepPassword(request, weight.subject, password);
  return { body, credentialId: kept.credentialId };
}

/** What its people must have themselves, each once: what many devices get is too much to write out. */
const httpOf = (gives: readonly Permission[]): Permission[] =>
  httpPermissionsOf(compiled(gives.filter((one) => holdsHttpRights([one]))));

/** JSON as it would be stored: `undefined` is left out. */
const plain = <T>(value: T): T => JSON.parse(JSON.stringify(value)) as T;

/** What becomes of a command: the answer to one that waits, or who may go on with one that happens at once. */
type Proposing =
  | { readonly response: RouteResponse }
  | { readonly authorize: CommandRequest['authorize'] };

/**
 * Whoever sets the password of a person can sign in as them: where only sessions approve, none of that by a token
 * that lies in a file somewhere. @throws Problem `approval-needs-session`
 */
function requireOwnSession(app: App, operationId: string, { caller, params }: CommandRequest) {
  if (operationId !== 'rotateCredential' || params.username !== caller.username) return;
  if (app.authority.principal(caller.username)?.holdsHttpRights !== true) return;
  if (app.views.token(caller.tokenId)?.kind === 'login') return;
  throw new Problem('approval-needs-session', {
    detail: 'Where decisions need several people, a long-lived token changes no password: sign in.',
  });
}

/** @throws Refused, Problem, HashingBusy, StoreUnavailable */
export async function proposing(
  app: App,
  { operationId }: Pick<Route, 'operationId'>,
  request: CommandRequest,
): Promise<Proposing> {
  const needed = app.views.approvalsNeeded();
  if (needed < 2) return request;
  requireOwnSession(app, operationId, request);
  const weight = await weights[operationId]?.(request, app);
  if (weight == null || !waitsFor(app, weight))
    return { authorize: stillAtOnce(app, operationId, request) };
  requireReachable(weight);
  const context = commandContext(request);
  requireOwnRights(context, weight.gives);
  const { body, credentialId } = await withoutSecrets(app, weight, request);
  const sent = plain({ action: operationId, params: request.params, query: request.query, body });
  const { subject, gives, gains } = weight;
  const proposed: ProposedCommand = {
    ...{ ...sent, subject, credentialId, gives: httpOf(gives), gains: [...gains] },
    hash: hashOf(sent, weight),
  };
  const { proposalId, position } = await app.administration.propose(context, proposed, needed);
  const waiting = found(app.views.proposal(proposalId), 'approval-not-found');
  const headers = {
    Location: `/api/approvals/${proposalId}`,
    'Retry-After': String(proposalRetrySeconds),
  };
  return { response: { status: 202, body: waiting, headers, position } };
}
