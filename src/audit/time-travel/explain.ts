/** Why a credential exists, and the report of a window: its events put together. */
import { registryId, type TurnedAway } from '../../../domain/window.ts';
import type { HistoryRow } from '../../../projections/history.ts';
import type { WindowRow } from '../../../projections/window.ts';
import { explainedEventsMax, reportedRequestsMax } from '../../limits.ts';
import { everyRow } from '../../read-models/every-row.ts';
import type { Rows } from '../../read-models/row-table.ts';
import type { VersionedRows } from '../../read-models/row-versions.ts';
import type { Views } from '../../views/views.ts';
import { windowAt } from '../../views/window.ts';
import { canonicalJson } from '../transparency-log/canonical-json.ts';
import type { Signer } from '../transparency-log/signed-note.ts';

interface ExplainOptions {
  readonly views: Views;
  readonly history: Rows<HistoryRow>;
  readonly window: VersionedRows<WindowRow>;
  readonly signer: Signer;
  readonly turnedAway: () => TurnedAway | null;
  readonly now: () => string;
}

/** The events that a window is folded from. */
const windowTypes = [
  'RegistryUnlocked',
  'RegistryLocked',
  'RegistrationRequested',
  'ReplacementRequested',
];

/** Null: nobody counted. */
function turnedAwayIn({ turnedAway }: ExplainOptions, row: WindowRow): number | null {
  if (row.status === 'locked') return row.turnedAwayCount;
  const counted = turnedAway();
  return counted?.windowId === row.windowId ? counted.attemptCount : null;
}

/**
 * A window as it was when it ended, or is; its knocks are the attempts that its limits turned away, 0 where
 * nobody counted them.
 */
function windowById(options: ExplainOptions, windowId: string) {
  const { history, window, now } = options;
  const [newest] = history.find({
    where: [
      { column: 'windowId', is: windowId },
      { column: 'type', isOneOf: windowTypes },
    ],
    limit: 1,
  }).items;
  const row = newest && window.get(registryId, newest.index + 1);
  if (row?.windowId !== windowId) return undefined;
  const turnedAwayCount = turnedAwayIn(options, row);
  return {
    turnedAwayCount,
    window: windowAt(row, now(), { pendingCount: 0, knockCount: turnedAwayCount ?? 0 }),
  };
}

export type SignedWindowReport = NonNullable<
  Awaited<ReturnType<ReturnType<typeof createExplain>['report']>>
>;

export function createExplain(options: ExplainOptions) {
  const { views, history, signer } = options;
  return {
    /** Request, window, decision, activations and the changes since; undefined: no such name. */
    async explain(username: string, seeing: boolean) {
      const user = views.user(username);
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
        window: windowId === null ? null : (windowById(options, windowId)?.window ?? null),
        decision: request?.decision ?? null,
        activations: user.activations,
        events: items.toReversed(),
      };
    },

    /** One window with what was asked in it, signed; undefined: no such window. */
    async report(windowId: string, seeing: boolean) {
      const found = windowById(options, windowId);
      if (found === undefined) return undefined;
      const { window, turnedAwayCount } = found;
      const requests: NonNullable<Awaited<ReturnType<Views['request']>>>[] = [];
      const counts = {
        ...{ asked: 0, granted: 0, denied: 0, expired: 0, pending: 0 },
        ...{ contested: 0, unlisted: 0 },
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
      const signed = { window: { ...window, pendingCount: counts.pending }, requests, counts };
      return { ...signed, signature: signer.signatureLine(`${canonicalJson(signed)}\n`) };
    },
  };
}
