/** Why a credential exists, and the report of a window: its events put together. */
import { explainedEventsMax, reportedRequestsMax } from '../../limits/audit.ts';
import { everyRow } from '../../read-models/every-row.ts';
import type { Views } from '../../views/views.ts';
import type { Signer } from '../transparency-log/signed-note.ts';
import { signatureOf } from '../transparency-log/signed-report.ts';
import { limitsOf, type WindowThenOptions, windowById } from './window-then.ts';

interface ExplainOptions extends WindowThenOptions {
  readonly views: Pick<Views, 'request' | 'events'> & {
    user(
      username: string,
    ): ReturnType<Views['user']> | Promise<ReturnType<Views['user']> | undefined>;
  };
}

export type SignedWindowReport = NonNullable<
  Awaited<ReturnType<ReturnType<typeof createReport>['report']>>
>;

export function createExplain(options: ExplainOptions) {
  const { views } = options;

  /** The window of a request with the limits in force when it came in, and all that it had. */
  function windowThen(windowId: string | null, requestId: string | null) {
    const window = windowId === null ? undefined : windowById(options, windowId)?.window;
    if (windowId === null || window === undefined)
      return { window: null, limits: [], askedUnder: null };
    const limitsFound = limitsOf(options, windowId, requestId);
    const { limits } = limitsFound;
    if (limitsFound.askedUnder === undefined) return { window, limits, askedUnder: null };
    const {
      index: askedUnder,
      until,
      maxRequests,
      usernamePattern,
      sources,
      note,
    } = limitsFound.askedUnder;
    const limitsThen = { until, maxRequests, usernamePattern, sources, note };
    return { window: { ...window, ...limitsThen }, limits, askedUnder };
  }

  return {
    /** Request, window, decision, activations and the changes since; undefined: no such name. */
    async explain(username: string, seeing: boolean) {
      const user = await views.user(username);
      if (user === undefined) return undefined;
      const request =
        user.requestId === null ? null : ((await views.request(user.requestId, seeing)) ?? null);
      const windowId = request?.windowId ?? null;
      const { items } = await views.events(
        { username, order: 'desc', limit: explainedEventsMax },
        seeing,
      );
      return {
        user,
        request,
        ...windowThen(windowId, request?.requestId ?? null),
        decision: request?.decision ?? null,
        activations: user.activations,
        events: items.toReversed(),
      };
    },
  };
}

interface ReportOptions extends WindowThenOptions {
  readonly views: Pick<Views, 'request'>;
  readonly signer: Signer;
}

export function createReport(options: ReportOptions) {
  const { views, history, signer } = options;
  return {
    /** One window with what was asked in it, signed; undefined: no such window. */
    async report(windowId: string, seeing: boolean) {
      const found = windowById(options, windowId);
      if (found === undefined) return undefined;
      const { window, turnedAwayCount } = found;
      const { limits, unlistedCount } = limitsOf(options, windowId);
      const requests: NonNullable<Awaited<ReturnType<Views['request']>>>[] = [];
      const counts = {
        ...{ asked: 0, granted: 0, denied: 0, expired: 0, pending: 0 },
        ...{ contested: 0, unlisted: 0, limitsUnlisted: unlistedCount },
        // Absent rather than a number that nobody counted.
        ...(turnedAwayCount === null ? {} : { turnedAway: turnedAwayCount }),
      };
      const inWindow = [{ column: 'windowId', is: windowId }];
      for (const { type, data } of everyRow(history, { where: inWindow, order: 'oldest' })) {
        if (type !== 'RegistrationRequested' && type !== 'ReplacementRequested') continue;
        const request = await views.request(String(data.requestId), seeing);
        if (request === undefined) continue;
        counts.asked += 1;
        counts[request.status] += 1;
        if (request.contested) counts.contested += 1;
        if (requests.length < reportedRequestsMax) requests.push(request);
        else counts.unlisted += 1;
      }
      const pendingCount = counts.pending;
      const signed = { window: { ...window, pendingCount }, limits, requests, counts };
      return { ...signed, signature: signatureOf(signed, signer) };
    },
  };
}
