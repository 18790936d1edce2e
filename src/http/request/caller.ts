/** Who calls, and whether they still may: asked again wherever something is decided or sent. */
import { mayCall } from '../../../domain/matching.ts';
import { personalDataResource } from '../../../domain/role.ts';
import type { Caller } from '../../authority.ts';
import { Refused } from '../../commands/refused.ts';
import { callerLookMs } from '../../limits/http.ts';
import type { Soon } from '../../platform/soon.ts';
import type { Edge, Exchange } from '../edge.ts';
import type { Route } from '../route.ts';
import { requirePermission } from './authorization.ts';
import { tokenOf } from './session-cookie.ts';

/** Who may be known by a token, and who it is now. */
export interface Callers {
  /** Who holds this token; null when it is not good (any more). */
  readonly authenticate: (token: string) => Promise<Caller | null>;
  /** The same caller with the rights of this moment; null when their token lets nobody in any more. */
  readonly current: (caller: Caller) => Caller | null;
}

/** The caller of one request. */
export interface RequestCaller {
  /** As they came; null: the route asks for nobody. */
  readonly caller: Caller | null;
  /**
   * The caller as they stand now; null: the route asks for nobody.
   * @throws Refused `token-invalid`, `permission-missing`
   */
  authorize(): Caller | null;
  /** From here on the permission that the path names is needed, too. @throws as `authorize` */
  permit(): void;
  /** Whether personal fields are opened for the caller as they stand now (SPEC 5). */
  seesPersonalData(): boolean;
  /** Aborts soon after the caller may no more. */
  ended(response: Exchange['res']): AbortSignal;
}

const nobody: RequestCaller = {
  caller: null,
  authorize: () => null,
  permit() {
    throw new Refused('token-missing');
  },
  seesPersonalData: () => false,
  ended: () => new AbortController().signal,
};

const isOwnThing = (route: Route, { params, querystring }: Exchange, caller: Caller): boolean =>
  route.own?.({ params, query: new URLSearchParams(querystring), caller }) === true;

/** @throws (and rejects with) Refused `token-missing`, `token-invalid`, `permission-missing` */
export function requestCallerOf(
  route: Route,
  exchange: Exchange,
  callers: Callers & Pick<Edge, 'certificateOf'>,
): Soon<RequestCaller> {
  if (route.access === 'open') return nobody;
  const token = tokenOf(exchange);
  const isCertified = () =>
    (route.access === 'registration' || route.access === 'certificate') &&
    callers.certificateOf(exchange.req) !== null;
  if (token === null && !isCertified()) throw new Refused('token-missing');
  // No token stands for the certificate in hand.
  if (route.access === 'certificate' && !isCertified()) throw new Refused('token-invalid');
  if (token === null || route.access === 'registration' || route.access === 'certificate')
    return nobody;
  return callerBy(token, route, exchange, callers);
}

async function callerBy(
  token: string,
  route: Route,
  exchange: Exchange,
  callers: Callers,
): Promise<RequestCaller> {
  const caller = await callers.authenticate(token);
  if (caller === null) throw new Refused('token-invalid');
  let isPermissionNeeded = route.access === 'permitted' && !isOwnThing(route, exchange, caller);

  const check = (now: Caller | null): Caller => {
    if (now === null) throw new Refused('token-invalid');
    if (isPermissionNeeded) requirePermission(now, exchange.method, exchange.path);
    return now;
  };
  check(caller);
  const authorize = () => check(callers.current(caller));
  return {
    caller,
    authorize,
    permit() {
      isPermissionNeeded = true;
      authorize();
    },
    seesPersonalData() {
      const now = callers.current(caller);
      return now !== null && mayCall(now.permissions, personalDataResource.split('/'), 'read');
    },
    ended: (response) => endOf(authorize, response),
  };
}

/** Looks at it from time to time, since a reader who takes nothing is sent nothing, and so not asked about. */
function endOf(authorize: () => Caller, response: Exchange['res']): AbortSignal {
  const ending = new AbortController();
  // Who is gone already is told of no more, and nothing else would end the timer.
  if (response.closed) return ending.signal;
  const timer = setInterval(() => {
    try {
      authorize();
    } catch (error) {
      ending.abort(error);
    }
  }, callerLookMs);
  const over = () => clearInterval(timer);
  ending.signal.addEventListener('abort', over);
  response.once('close', over);
  return ending.signal;
}
