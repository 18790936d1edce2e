/** What each command would come to, for those who approve it: judged by its effect, so that no route is a way around. */
import { createHash } from 'node:crypto';
import {
  beyondOwn,
  compiled,
  covers,
  holdsHttpRights,
  levelsOf,
} from '../../../domain/matching.ts';
import type { Permission } from '../../../domain/permission.ts';
import { mergeRights, noRights } from '../../../domain/rights.ts';
import { renewedRights } from '../../administration/users.ts';
import type { App } from '../../app.ts';
import type { Authority } from '../../authority.ts';
import { holdersShownMax } from '../../limits/administration.ts';
import type { RouteRequest } from '../route.ts';

export type Sent = Pick<
  RouteRequest<Record<string, string>, Record<string, unknown>, never, 'permitted'>,
  'params' | 'query' | 'body' | 'upload'
> & { readonly caller: { readonly username: string } };

export interface Weight {
  /** What it is about, in a word. */
  readonly subject: string;
  /** What it gives, roles resolved and templates filled. */
  readonly gives: readonly Permission[];
  /** Names that come to hold HTTP rights by it, or more of them. */
  readonly gains: readonly string[];
  /** Whether it touches a name that holds HTTP rights. */
  readonly isOfPeople: boolean;
  /** Why such a name is out of its reach, in words: one person must not make the second approver (SPEC 3); null: it is not. */
  readonly barredForPeople: string | null;
  /** Whether a policy of its own makes it wait, whoever it is about. */
  readonly isByPolicy: boolean;
  /** What else of the registry was shown to whoever approves. */
  readonly seen: unknown;
}

/** Null: it happens at once. What may happen at once is never a promise, since it is asked again when it is decided. */
type Weigh = (sent: Sent, app: App) => Promise<Weight | null> | Weight | null;

const atOnce: Weigh = () => null;

const weight = (subject: string, over: Partial<Weight> = {}): Weight => ({
  ...{
    subject,
    gives: [],
    gains: [],
    isOfPeople: false,
    barredForPeople: null,
    isByPolicy: false,
    seen: null,
  },
  ...over,
});

type SentRights = Partial<Parameters<typeof mergeRights>[1]>;

/** The HTTP part goes beyond what was held. */
const gainsHttp = (held: readonly Permission[], given: readonly Permission[]): boolean =>
  beyondOwn(compiled(held), given) !== undefined;

const heldBy = (authority: Authority, username: string): readonly Permission[] =>
  authority.principal(username)?.effective ?? [];

const isPerson = (authority: Authority, username: string): boolean =>
  authority.principal(username)?.holdsHttpRights === true;

const setByOthers = (name: string): string =>
  `Where decisions need several people, nobody sets what opens HTTP rights of others (${name}): the person asks at the door, and is granted, or signs in by single sign-on.`;

/** Those who approve compare the pairing ID with the one that its owner was told: by MQTT and EST nobody is told one. */
const unpaired = (name: string, door: string): string =>
  `Where decisions need several people, HTTP rights are granted by the pairing ID, and ${name} asked by ${door}, which shows its owner none: ask by REST (gatebook register), or sign in by single sign-on.`;

function ofGrant(app: App, requestId: string, given: SentRights): Weight | null {
  const request = app.views.requestRow(requestId);
  // Its own refusal says more.
  if (request?.status !== 'pending') return null;
  const { username, kind, conflictCount, pairingId, csr, door } = request;
  const contested = conflictCount > 0;
  const row = app.authority.principal(username)?.row;
  const base = kind === 'replacement' && row?.status === 'active' ? row.rights : noRights;
  const gives = app.authority.effective(username, mergeRights(base, given));
  return weight(username, {
    gives,
    gains: gainsHttp([], gives) ? [username] : [],
    isOfPeople: isPerson(app.authority, username),
    barredForPeople: door === 'rest' ? null : unpaired(username, door.toUpperCase()),
    seen: { username, kind, contested, pairingId, key: csr?.fingerprint ?? null },
  });
}

/** Whether it touches a name with HTTP rights that is out of its reach. */
export const barredOf = ({ barredForPeople, gains, isOfPeople }: Weight): boolean =>
  barredForPeople !== null && (gains.length > 0 || isOfPeople);

function ofBulkGrant(app: App, ids: readonly string[], given: SentRights) {
  const weights: Weight[] = [];
  for (const id of ids) {
    const one = ofGrant(app, id, given);
    if (one !== null) weights.push(one);
  }
  if (weights.length === 0) return null;
  return weight(`${weights.length} requests`, {
    gives: weights.flatMap(({ gives }) => gives),
    gains: weights.flatMap(({ gains }) => gains),
    isOfPeople: weights.some(({ isOfPeople }) => isOfPeople),
    barredForPeople: weights.find(barredOf)?.barredForPeople ?? null,
    seen: weights.map(({ seen }) => seen),
  });
}

/** Rights of a name that are set whole; null: they only take rights or time away. */
function ofAuthorization(app: App, username: string, given: SentRights): Weight | null {
  const row = app.authority.principal(username)?.row;
  if (row?.status !== 'active' && row?.status !== 'suspended') return null;
  const rights = mergeRights(noRights, given);
  const [held, gives] = [
    heldBy(app.authority, username),
    app.authority.effective(username, rights),
  ];
  const { expiresAt, mqttPublishPrefix, mqttClientId } = row.rights;
  const endsNoLater =
    rights.expiresAt === expiresAt ||
    (rights.expiresAt !== null && (expiresAt === null || rights.expiresAt < expiresAt));
  const isNarrower =
    endsNoLater &&
    rights.mqttPublishPrefix === mqttPublishPrefix &&
    (mqttClientId === null || rights.mqttClientId === mqttClientId) &&
    isWithin(held, gives);
  if (isNarrower) return null;
  const isOfPeople = holdsHttpRights(held) || holdsHttpRights(gives);
  return weight(username, {
    ...{ gives, isOfPeople, barredForPeople: setByOthers(username) },
    gains: gainsHttp(held, gives) || (isOfPeople && !endsNoLater) ? [username] : [],
    seen: { status: row.status, rights: row.rights },
  });
}

/** Whether what was held covers all that is given. */
function isWithin(held: readonly Permission[], given: readonly Permission[]): boolean {
  const own = compiled(held);
  const within = { mqtt: [own.mqttRead, own.mqttWrite], http: [own.httpRead, own.httpWrite] };
  return given.every(({ context, resource, operation }) => {
    const levels = levelsOf(resource);
    const [reads, writes] = within[context].map((filters) =>
      filters.some((filter) => covers(filter, levels)),
    );
    return (operation === 'write' || reads) && (operation === 'read' || writes);
  });
}

/** Commands to a name that gives back or destroys what it has. */
const ofName =
  (isBarred = false): Weigh =>
  ({ params }, { authority }) => {
    const username = String(params.username);
    const row = authority.principal(username)?.row;
    if (row === undefined) return null;
    const [gives, isOfPeople] = [heldBy(authority, username), isPerson(authority, username)];
    const seen = { status: row.status };
    const barredForPeople = isBarred ? setByOthers(username) : null;
    return weight(username, { gives, isOfPeople, barredForPeople, seen });
  };

function ofRole(
  app: App,
  name: string,
  permissions: readonly Permission[],
): Promise<Weight> | Weight | null {
  const before = app.authority.permissionsOf(name);
  if (app.authority.roleExists(name) && isWithin(before, permissions)) return null;
  const isOfPeople = holdsHttpRights(permissions) || holdsHttpRights(before);
  const role = { gives: permissions, isOfPeople, seen: before };
  if (!gainsHttp(before, permissions)) return weight(name, role);
  return app.views.users({ role: name, limit: holdersShownMax }).then(({ items }) =>
    weight(name, {
      ...role,
      gains: items.map(({ username }) => username),
      barredForPeople: items.length > 0 ? setByOthers(name) : null,
    }),
  );
}

function ofPreauthorization(
  app: App,
  body: SentRights & { usernamePattern?: string | null; effect?: string },
): Weight | null {
  // It only keeps out.
  if (body.effect === 'deny') return null;
  const gives = [
    ...(body.permissions ?? []),
    ...(body.roles ?? []).flatMap((role) => app.authority.permissionsOf(role)),
  ];
  return weight(body.usernamePattern ?? 'any name', { gives });
}

/** Names that come in with what they had elsewhere; HTTP rights are never among it. */
function ofImport(app: App, users: readonly (SentRights & { username: string })[]): Weight {
  const gives = users.flatMap(({ username, ...given }) =>
    app.authority.effective(username, mergeRights(noRights, given)),
  );
  return weight(`${users.length} clients`, {
    gives,
    gains: users
      .filter(({ username: _name, ...given }) =>
        holdsHttpRights(app.authority.effective('', mergeRights(noRights, given))),
      )
      .map(({ username }) => username),
    barredForPeople: 'An import never gives HTTP rights: grant them to a person by hand.',
  });
}

const body = <Shape>({ body: sent }: Sent) => sent as Shape;
const name = ({ params }: Sent) => String(params.username);

/**
 * By `operationId`: every command that an administrator gives. Sign-in, one's own token and password, and what only
 * takes away happen at once (SPEC 3).
 */
export const weights: Readonly<Record<string, Weigh>> = {
  unlock: (sent, { config }) =>
    config.approvals.isUnlockAmongThem
      ? weight('the registry', { isByPolicy: true, seen: body(sent) })
      : null,
  lock: atOnce,
  // Its route gives no keys where several people decide.
  takeBackup: atOnce,
  createSchedule: (sent) => weight('the registry', { seen: body(sent) }),
  cancelSchedule: atOnce,
  grantRequest: (sent, app) => ofGrant(app, String(sent.params.id), body<SentRights>(sent)),
  grantRequests: (sent, app) => {
    const { ids, ...given } = body<SentRights & { ids: string[] }>(sent);
    return ofBulkGrant(app, ids, given);
  },
  denyRequest: atOnce,
  denyRequests: atOnce,
  createUser: (sent, { authority }) => {
    const { username, ...given } = body<SentRights & { username: string }>(sent);
    const gives = authority.effective(username, mergeRights(noRights, given));
    const gains = holdsHttpRights(gives) ? [username] : [];
    return weight(username, { gives, gains, barredForPeople: setByOthers(username) });
  },
  importUsers: (sent, app) =>
    ofImport(app, body<{ users: (SentRights & { username: string })[] }>(sent).users),
  setAuthorization: (sent, app) => ofAuthorization(app, name(sent), body<SentRights>(sent)),
  renewUser: (sent, app) => {
    const row = app.authority.principal(name(sent))?.row;
    if (row?.status !== 'active' && row?.status !== 'suspended') return null;
    const { expiresAt } = body<{ expiresAt?: string | null }>(sent);
    return ofAuthorization(app, name(sent), renewedRights(row, expiresAt));
  },
  rotateCredential: (sent, app) =>
    name(sent) === sent.caller.username ? null : ofName(true)(sent, app),
  suspendUser: atOnce,
  revokeUser: atOnce,
  resumeUser: ofName(),
  reinstateUser: ofName(),
  eraseUser: ofName(),
  putRole: (sent, app) =>
    ofRole(app, String(sent.params.name), body<{ permissions: Permission[] }>(sent).permissions),
  removeRole: atOnce,
  issueToken: (sent, app) => {
    const username = body<{ username?: string }>(sent).username ?? sent.caller.username;
    if (username === sent.caller.username) return null;
    return ofName(true)({ ...sent, params: { username } }, app);
  },
  revokeToken: atOnce,
  closeSession: atOnce,
  rotateKeys: () => weight('the keys that sign tokens', { isOfPeople: true }),
  reconcileBroker: (sent) =>
    body<{ repair?: boolean }>(sent).repair === true ? weight(String(sent.params.name)) : null,
  createPreauthorization: (sent, app) => ofPreauthorization(app, body(sent)),
  importPreauthorizations: ({ query, upload }) => {
    const digest = createHash('sha256').update(upload).digest('hex');
    return query.dryRun === true ? null : weight('a file of preauthorizations', { seen: digest });
  },
  withdrawPreauthorization: (sent, { views }) => {
    const rule = views.preauthorization(String(sent.params.id));
    // Only what keeps out lets more in by its end.
    return rule?.effect === 'deny' && rule.status === 'active'
      ? weight(rule.usernamePattern ?? 'any name', { seen: rule.preauthorizationId })
      : null;
  },
  approveProposal: atOnce,
  rejectProposal: atOnce,
  collectProposal: atOnce,
};

/**
 * A few words of what each one of many comes to: weighed anew for each of them, all of them would be weighed a
 * thousand times. Replacements are left alone in bulk, so that what is given is all that counts.
 */
const ofEachInBulk = (sent: Sent, app: App): Weight | null => {
  const given = mergeRights(noRights, body<SentRights>(sent));
  const gives = app.authority.effective('', given);
  return holdsHttpRights(gives) ? weight('a request', { gives, gains: ['a request'] }) : null;
};

/** Asked again where it is decided, of what was found to happen at once. */
export const weightsAgain: Readonly<Record<string, Weigh>> = {
  ...weights,
  grantRequests: ofEachInBulk,
  // No rule gives HTTP rights, and hashing its file for each of them would take long.
  importPreauthorizations: atOnce,
  // Nor does an import of clients, which looks at each of them itself.
  importUsers: atOnce,
};
