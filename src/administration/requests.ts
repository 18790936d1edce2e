/** Requests granted and denied, one by one and in bulk. */
import type { GivenRights } from '../../domain/client/client.ts';
import { holdsHttpRights } from '../../domain/matching.ts';
import { mergeRights, noRights } from '../../domain/rights.ts';
import type { RequestRow } from '../../projections/requests.ts';
import type { Authority } from '../authority.ts';
import type { Done } from '../commands/record.ts';
import { Refused } from '../commands/refused.ts';
import { bulkAtOnceMax } from '../limits/administration.ts';
import type { Rows } from '../read-models/row-table.ts';
import type { ClientChanges } from './client-changes.ts';
import { actorOf, type CommandContext, requireOwnRights, requireRoles } from './context.ts';

type GrantOptions = GivenRights & {
  readonly reason?: string | undefined;
  readonly confirmContested?: boolean | undefined;
};

interface DenyOptions {
  readonly reason?: string | undefined;
  readonly blockedUntil?: string | undefined;
}

interface Results {
  readonly position: string;
  readonly results: readonly (
    | { readonly requestId: string }
    | { readonly requestId: string; readonly error: unknown }
  )[];
}

export interface RequestAdministrationOptions {
  readonly authority: Authority;
  readonly rows: { readonly requests: Rows<RequestRow> };
  readonly position: () => string;
  readonly now: () => string;
  readonly onDecision?: (decision: 'granted' | 'denied') => void;
}

export function createRequestAdministration(
  options: RequestAdministrationOptions,
  { change, heldBy, httpOfRoles, newestWindow, stamp }: ClientChanges,
) {
  const { authority, rows, now } = options;

  async function grant(
    context: CommandContext,
    requestId: string,
    wanted: GrantOptions,
    inBulk = false,
  ): Promise<Done> {
    const { username, kind } = requestOf(rows.requests, requestId);
    const { reason, confirmContested, ...rights } = wanted;
    requireRoles(authority, rights.roles ?? []);
    const done = await change(context, username, (state) => {
      const replaces = kind === 'replacement' && state.status === 'active';
      const given = mergeRights(replaces ? state.rights : noRights, rights);
      requireOwnRights(context, authority.effective(username, given));
      return {
        type: 'GrantRegistration',
        username,
        requestId,
        rights,
        httpOfRoles: httpOfRoles(given.roles),
        reason: reason ?? null,
        confirmContested: confirmContested ?? false,
        inBulk,
        holdsHttpRights: holdsHttpRights(heldBy(username, state)),
        at: now(),
        by: actorOf(context),
      };
    });
    options.onDecision?.('granted');
    return done;
  }

  async function deny(
    context: CommandContext,
    requestId: string,
    denial: DenyOptions,
  ): Promise<Done> {
    const { username } = requestOf(rows.requests, requestId);
    const done = await change(context, username, {
      type: 'DenyRegistration',
      requestId,
      windowId: newestWindow(),
      blockedUntil: denial.blockedUntil ?? null,
      ...stamp(context, username, denial.reason ?? null),
    });
    options.onDecision?.('denied');
    return done;
  }

  return {
    grant: (context: CommandContext, requestId: string, wanted: GrantOptions) =>
      grant(context, requestId, wanted),
    deny,
    grantAll: (context: CommandContext, ids: readonly string[], wanted: GrantOptions) =>
      each(ids, options.position(), (requestId) => grant(context, requestId, wanted, true)),
    denyAll: (context: CommandContext, ids: readonly string[], denial: DenyOptions) =>
      each(ids, options.position(), (requestId) => deny(context, requestId, denial)),
  };
}

function requestOf(requests: Rows<RequestRow>, requestId: string): RequestRow {
  const request = requests.get(requestId);
  if (!request) throw new Refused('request-not-found');
  return request;
}

async function each(
  ids: readonly string[],
  from: string,
  decide: (requestId: string) => Promise<Done>,
): Promise<Results> {
  const results: Results['results'][number][] = [];
  let position = from;
  for (let at = 0; at < ids.length; at += bulkAtOnceMax)
    results.push(
      ...(await Promise.all(
        ids.slice(at, at + bulkAtOnceMax).map(async (requestId) => {
          try {
            const done = await decide(requestId);
            if (done.position > position) position = done.position;
            return { requestId };
          } catch (error) {
            return { requestId, error };
          }
        }),
      )),
    );
  return { position, results };
}
