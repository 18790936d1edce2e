/** Carries out what enough people approved: the route's own handler, by what all of them may together. */
import {
  beyondOwn,
  compiled,
  holdsHttpRights,
  httpPermissionsOf,
  withinHttpLimit,
} from '../../../domain/matching.ts';
import type { Permission } from '../../../domain/permission.ts';
import type { ProposalRow } from '../../../projections/proposals.ts';
import type { App } from '../../app.ts';
import type { Caller } from '../../authority.ts';
import { Refused } from '../../commands/refused.ts';
import { byChance, fromSeed, type Making } from '../../credentials/making.ts';
import { serial } from '../../platform/serial.ts';
import { requirePermission } from '../request/authorization.ts';
import { type ProblemAnswer, problemOf } from '../response/problem.ts';
import type { Route, RouteRequest, RouteResponse } from '../route.ts';
import { fileIn, hashNow } from './proposing.ts';

/** The route of an operation. */
export type FindRoute = (operationId: string) => Route;

const pathOf = ({ path }: Route, params: Readonly<Record<string, unknown>>): string =>
  path.replaceAll(/\{([^}]+)\}/g, (_, name: string) => encodeURIComponent(String(params[name])));

/** @throws Refused when somebody of a proposal may not, or does not act any more */
export function permittedTo(
  app: App,
  route: Route,
  { proposed }: Pick<ProposalRow, 'proposed'>,
  who: { readonly by: string; readonly tokenId: string },
): readonly Permission[] {
  const permissions = app.authority.limited(who.by, who.tokenId);
  if (permissions === undefined)
    throw new Refused('token-invalid', { detail: `${who.by} does not act here any more.` });
  const caller: Caller = {
    ...{ username: who.by, tokenId: who.tokenId, tokenExpiresAt: '', httpLimit: null },
    permissions: compiled(permissions),
  };
  if (route.access === 'permitted' || proposed.action === 'issueToken')
    requirePermission(caller, route.method, pathOf(route, proposed.params));
  const beyond = beyondOwn(
    caller.permissions,
    proposed.gives.filter((one) => holdsHttpRights([one])),
  );
  if (beyond !== undefined)
    throw new Refused('rights-exceed-own', {
      detail: `${who.by} cannot give rights that they do not have: ${beyond.operation} on ${beyond.resource}.`,
    });
  return permissions;
}

/** What its people may together, as the proposer. @throws Refused */
function jointCaller(app: App, route: Route, row: ProposalRow): Caller {
  const [proposer, ...others] = row.approvals;
  if (proposer === undefined) throw new Error('a proposal has a proposer');
  let permissions = permittedTo(app, route, row, proposer);
  for (const one of others) {
    const theirs = permittedTo(app, route, row, one);
    permissions = withinHttpLimit(
      theirs.filter((p) => p.context === 'http'),
      permissions,
    );
  }
  const joint = compiled(permissions);
  return {
    ...{ username: proposer.by, tokenId: proposer.tokenId, tokenExpiresAt: row.until },
    ...{ permissions: joint, httpLimit: httpPermissionsOf(joint) },
  };
}

function requestOf(app: App, route: Route, row: ProposalRow, making: Making) {
  const { params, query, body, credentialId } = row.proposed;
  const authorize = () => jointCaller(app, route, row);
  const request: RouteRequest<unknown, unknown, unknown, 'permitted'> = {
    ...{ params, query, caller: authorize(), authorize },
    upload: fileIn(body) ?? Buffer.alloc(0),
    contentType: String((body as { contentType?: unknown } | null)?.contentType ?? ''),
    body: credentialId === null ? body : { ...(body as object), password: { credentialId } },
    ...{ bearer: null, certificate: null, lastEventId: null, source: null, waitMs: 0 },
    ...{ querystring: '', signOn: null, isConfidential: false },
    ...{ seesPersonalData: () => false, prefersHtml: false, permit: () => void authorize() },
    cause: { correlationId: row.proposalId, causationId: null },
    making,
    signal: new AbortController().signal,
    gone: () => new AbortController().signal,
  };
  return request as unknown as Parameters<Route['handle']>[0];
}

/** Faults that pass by themselves: the proposal stays approved, and is carried out later. */
const passes = ({ status }: ProblemAnswer): boolean => status >= 500 || status === 429;

/** @throws Refused `approval-changed` when it would come to something else than what was approved */
async function requireUnchanged(app: App, { proposed, approvals }: ProposalRow): Promise<void> {
  if ((await hashNow(app, proposed, approvals[0]?.by ?? '')) !== proposed.hash)
    throw new Refused('approval-changed');
}

type DeedOutcome = { readonly response: RouteResponse } | { readonly problem: ProblemAnswer };

async function outcomeOf(
  app: App,
  route: Route,
  row: ProposalRow,
  making: Making,
): Promise<DeedOutcome> {
  try {
    // A crash, or a store that was away, may lie between the last approval and now.
    if (!making.isBegun) await requireUnchanged(app, row);
    const response = await route.handle(requestOf(app, route, row, making));
    return response.problem === undefined ? { response } : { problem: response.problem };
  } catch (error) {
    const problem = problemOf(error);
    if (problem === undefined || passes(problem)) throw error;
    return { problem };
  }
}

/** What is carried out by this node just now, by the proposal's id. */
const underWay = new WeakMap<App, Map<string, Promise<void>>>();

function underWayOf(app: App): Map<string, Promise<void>> {
  const known = underWay.get(app) ?? new Map<string, Promise<void>>();
  underWay.set(app, known);
  return known;
}

/** Resolves when this node is at a proposal no more. */
export const whileCarriedOut = async (app: App, proposalId: string): Promise<void> =>
  await underWayOf(app)
    .get(proposalId)
    ?.catch(() => undefined);

/**
 * Does what was approved, unless it was done already, and records what came of it; once, however many ask for it.
 * @throws what passes by itself: it is tried again by `startCarryingOut`
 */
export async function carryOut(app: App, findRoute: FindRoute, row: ProposalRow): Promise<void> {
  const known = underWayOf(app);
  const { proposalId } = row;
  const running =
    known.get(proposalId) ??
    turnOf(app)(() => carryOutNow(app, findRoute, row)).finally(() => known.delete(proposalId));
  known.set(proposalId, running);
  await running;
}

/** One deed after the other: what the one changes, the next is weighed with. */
const turns = new WeakMap<App, ReturnType<typeof serial>>();

function turnOf(app: App): ReturnType<typeof serial> {
  const known = turns.get(app) ?? serial();
  turns.set(app, known);
  return known;
}

/** They come to the same when they are done twice, and a crash may have left them half done. */
const isRepeatable: ReadonlySet<string> = new Set([
  ...['grantRequests', 'importUsers', 'eraseUser'],
]);

const deedsWithSecrets: ReadonlySet<string> = new Set([
  ...['createUser', 'rotateCredential', 'issueToken'],
  ...['createPreauthorization', 'importPreauthorizations'],
]);

/** What the last approval keeps for a deed that makes ids and secrets; null: it makes none that anybody is told. */
export const seedFor = ({ answers }: App, { proposed, approvals }: ProposalRow) =>
  deedsWithSecrets.has(proposed.action) ? answers.seedFor(approvals[0]?.by ?? '') : null;

/** By chance where nothing was kept: by an older version. */
async function makingOf(app: App, row: ProposalRow): Promise<Making> {
  const { proposalId, index, seedId, approvals } = row;
  const isBegun = app.views.wasCausedBy(proposalId, index);
  const seed = seedId === null ? undefined : await app.answers.seed(approvals[0]?.by ?? '', seedId);
  return seed === undefined ? { ...byChance, isBegun } : fromSeed(seed, isBegun);
}

async function carryOutNow(app: App, findRoute: FindRoute, row: ProposalRow): Promise<void> {
  const { proposalId, proposed, approvals, seedId } = row;
  const record = async (over: Parameters<App['administration']['carriedOut']>[1]) => {
    await app.administration.carriedOut(proposalId, over);
    // What cannot be destroyed now is an orphan, and the sweep finds it.
    if (seedId !== null) await app.answers.destroy(seedId).catch(() => undefined);
  };
  // All its people are asked for as the log has them, whichever node this is.
  await app.upToDate();
  const making = await makingOf(app, row);
  if (making.isBegun && !making.isSeeded && !isRepeatable.has(proposed.action)) {
    await record({ problem: null, answerId: null });
    return;
  }
  const outcome = await outcomeOf(app, findRoute(proposed.action), row, making);
  if ('problem' in outcome && making.isBegun && making.isSeeded) {
    // It was done, and others have undone it since: what it made opens nothing.
    await record({ problem: null, answerId: null });
    return;
  }
  if ('problem' in outcome) {
    const { status, code, document } = outcome.problem;
    await record({ problem: { status, code, detail: document.detail }, answerId: null });
    return;
  }
  const { status, body = null, headers = {} } = outcome.response;
  const answerId = await app.answers.keep(approvals[0]?.by ?? '', { status, body, headers });
  await record({ problem: null, answerId });
}
