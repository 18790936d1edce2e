/** A window looked back at: how it ended or is, and its limits each time that they were set. */
import { registryId, type TurnedAway, WindowEvent } from '../../../domain/window.ts';
import type { HistoryRow } from '../../../projections/history.ts';
import type { WindowRow } from '../../../projections/window.ts';
import type { LimitsSet } from '../../api/audit.ts';
import { limitsToldMax } from '../../limits/audit.ts';
import { everyRow } from '../../read-models/every-row.ts';
import type { Rows } from '../../read-models/row-table.ts';
import type { VersionedRows } from '../../read-models/row-versions.ts';
import { windowAt } from '../../views/window.ts';

export interface WindowThenOptions {
  readonly history: Rows<HistoryRow>;
  readonly window: VersionedRows<WindowRow>;
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
function turnedAwayIn({ turnedAway }: WindowThenOptions, row: WindowRow): number | null {
  if (row.status === 'locked') return row.turnedAwayCount;
  const counted = turnedAway();
  return counted?.windowId === row.windowId ? counted.attemptCount : null;
}

/**
 * A window as it was when it ended, or is; its knocks are the attempts that its limits turned away, 0 where
 * nobody counted them.
 */
export function windowById(options: WindowThenOptions, windowId: string) {
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

const isRequest = ({ type }: HistoryRow): boolean =>
  type === 'RegistrationRequested' || type === 'ReplacementRequested';

interface LimitsInForce {
  /** Oldest first. */
  readonly limits: LimitsSet[];
  /** How often the limits were set beyond those that are told. */
  unlistedCount: number;
  /** The limits in force when the request was made that was asked about. */
  askedUnder: LimitsSet | undefined;
}

/** In the log's order: the limits that a request came in under are those set last before it. */
export function limitsOf(
  { history }: Pick<WindowThenOptions, 'history'>,
  windowId: string,
  requestId: string | null = null,
): LimitsInForce {
  const found: LimitsInForce = { limits: [], unlistedCount: 0, askedUnder: undefined };
  let current: LimitsSet | undefined;
  const where = [
    { column: 'windowId', is: windowId },
    { column: 'type', isOneOf: windowTypes },
  ];
  for (const row of everyRow(history, { where, order: 'oldest' })) {
    if (row.type === 'RegistryUnlocked') {
      current = limitsSetBy(row);
      if (found.limits.length < limitsToldMax) found.limits.push(current);
      else found.unlistedCount += 1;
    } else if (isRequest(row) && current !== undefined) {
      current.requestCount += 1;
      if (requestId !== null && row.data.requestId === requestId) found.askedUnder = current;
    }
  }
  return found;
}

function limitsSetBy(row: HistoryRow): LimitsSet {
  const { type, data } = WindowEvent.parse({ type: row.type, data: row.data });
  if (type !== 'RegistryUnlocked') throw new Error(`${type} sets no limits`);
  const { at, by, until, limits } = data;
  return { index: row.index, at, by: by.name, until, ...limits, requestCount: 0 };
}
