/** Row 4 of the door: which rule answers an attempt, and its uses, each taken before the client's own event. */
import { nameFits } from '../../domain/conditions.ts';
import { enrolmentIn, isEnrolmentCode, withoutSpace } from '../../domain/enrolment-code.ts';
import { holdsHttpRights } from '../../domain/matching.ts';
import {
  type PreauthorizationCommand,
  type PreauthorizationOffer,
  type PreauthorizationState,
  preauthorization,
  preauthorizationRevision,
  preauthorizationStatus,
  ruleFor,
} from '../../domain/preauthorization.ts';
import { system } from '../../domain/values.ts';
import type { HistoryRow } from '../../projections/history.ts';
import {
  needsNoProof,
  ofAnyNameSince,
  over,
  type PreauthorizationRow,
  standing,
} from '../../projections/preauthorizations.ts';
import type { Authority } from '../authority.ts';
import { type Basis, type Cause, handleDecision } from '../commands/handle.ts';
import type { RowsAtHand } from '../commands/rows-at-hand.ts';
import { rulesEndedLookedAtMs, rulesForOneMax, rulesInUseHeldMax } from '../limits/doors.ts';
import { BoundedMap } from '../platform/bounded-map.ts';
import { addMs } from '../platform/instant.ts';
import { matchesNetworks } from '../platform/networks.ts';
import { serialByKey } from '../platform/serial.ts';
import { everyRow } from '../read-models/every-row.ts';
import type { Changes } from '../read-models/read-models.ts';
import type { Rows } from '../read-models/row-table.ts';
import type { EventStore, NewSecret } from '../store/event-store.ts';
import type { DoorAttempt } from './door-attempt.ts';

/** A use of a rule, and the request and credential that it is for. */
export interface RuleUse {
  readonly rule: PreauthorizationRow;
  readonly requestId: string;
  readonly credentialId: string;
  /** Of the key that it asked with; null: none. */
  readonly csrFingerprint: string | null;
}

export interface Preauthorizations {
  /** Whether there never was a rule: then nothing is looked for. */
  none(): boolean;
  /** Whether an attempt shows a code that no rule was ever made with. */
  showsWrongCode(attempt: DoorAttempt): boolean;
  /** The rule that answers it; undefined: none does. `gateIsOpen`: the window admits it. */
  ruleFor(attempt: DoorAttempt, gateIsOpen: boolean): PreauthorizationRow | undefined;
  /** The newest use for a name by a rule that still stands; undefined: there is none. */
  lastUse(username: string): RuleUse | undefined;
  /**
   * Takes a use; false: none was left, or the rule is over. `secrets` are kept with the event.
   * @throws StoreUnavailable, Conflict
   */
  take(
    use: RuleUse,
    username: string,
    secrets: readonly NewSecret[],
    cause: Cause,
  ): Promise<boolean>;
}

interface PreauthorizationsOptions {
  readonly store: EventStore;
  readonly authority: Pick<Authority, 'effective' | 'roleExists'>;
  readonly rows: {
    readonly preauthorizations: Rows<PreauthorizationRow>;
    readonly history: Rows<HistoryRow>;
  };
  readonly atHand: Pick<RowsAtHand, 'preauthorization'>;
  readonly enrolmentCodeId: (code: string) => string;
  readonly onApplied: (listener: (events: unknown, changes: Changes) => void) => void;
  readonly now: () => string;
}

const byAge = (a: PreauthorizationRow, b: PreauthorizationRow): number =>
  a.createdAt < b.createdAt ? -1 : a.createdAt > b.createdAt ? 1 : 0;

/** The code that an attempt shows, in its field or in front of its password; null: none. */
function codeOf({ enrolmentCode, password }: DoorAttempt): string | null {
  if (typeof enrolmentCode === 'string') return withoutSpace(enrolmentCode);
  return password === null ? null : (enrolmentIn(password)?.code ?? null);
}

export function createPreauthorizations(options: PreauthorizationsOptions): Preauthorizations {
  const { counts } = options.rows.preauthorizations;
  const givesHttpRights = (username: string, { terms }: PreauthorizationRow): boolean =>
    holdsHttpRights(options.authority.effective(username, terms.rights));
  return {
    none: () => !counts.has(standing) && !counts.has(over),
    ...searchOf(options, givesHttpRights),
    ...usesOf(options, givesHttpRights),
  };
}

/** Asked anew at each use: a role may have grown. */
type GivesHttpRights = (username: string, rule: PreauthorizationRow) => boolean;

/** Finds the rule that answers an attempt, looking at few of many. */
function searchOf(
  { authority, rows, enrolmentCodeId, now, onApplied }: PreauthorizationsOptions,
  givesHttpRights: GivesHttpRights,
): Pick<Preauthorizations, 'showsWrongCode' | 'ruleFor'> {
  /** Rules about any name that need no proof; undefined: they changed since they were read. */
  let ofAnyName: readonly PreauthorizationRow[] | undefined;

  onApplied((_events, changes) => {
    for (const changed of changes.get('preauthorizations')?.values() ?? []) {
      const row = changed as PreauthorizationRow | undefined;
      if (row === undefined || needsNoProof(row)) ofAnyName = undefined;
    }
  });

  const found = (column: 'enrolmentCodeId' | 'csrFingerprint' | 'name', is: string | null) =>
    is === null
      ? []
      : rows.preauthorizations.find({ where: [{ column, is }], limit: rulesForOneMax }).items;

  function candidates(offer: PreauthorizationOffer): PreauthorizationRow[] {
    const since = () => addMs(now(), -rulesEndedLookedAtMs);
    ofAnyName ??= [...everyRow(rows.preauthorizations, { where: ofAnyNameSince(since()) })];
    return [
      ...found('enrolmentCodeId', offer.enrolmentCodeId),
      ...found('csrFingerprint', offer.csrFingerprint),
      ...found('name', offer.username),
      ...ofAnyName,
    ];
  }

  function isLive(row: PreauthorizationRow, username: string, at: string): boolean {
    const { terms, useCount, withdrawnAt } = row;
    const isWithdrawn = withdrawnAt !== null;
    if (preauthorizationStatus({ terms, useCount, isWithdrawn }, at) !== 'active') return false;
    if (terms.effect !== 'allow') return true;
    const { roles, expiresAt } = terms.rights;
    return (
      (expiresAt === null || expiresAt > at) &&
      roles.every((role) => authority.roleExists(role)) &&
      !givesHttpRights(username, row)
    );
  }

  return {
    showsWrongCode(attempt) {
      const code = codeOf(attempt);
      if (code === null) return false;
      // A bare code shows who may ask, and nothing that anybody could be known by again.
      if (attempt.password !== null && enrolmentIn(attempt.password)?.ownSecret === '') return true;
      return !isEnrolmentCode(code) || found('enrolmentCodeId', enrolmentCodeId(code)).length === 0;
    },

    ruleFor(attempt, gateIsOpen) {
      const { username, source, pairingId, key } = attempt;
      const code = codeOf(attempt);
      const offer: PreauthorizationOffer = {
        ...{ username, source, pairingId, csrFingerprint: key?.fingerprint ?? null },
        enrolmentCodeId: code === null ? null : enrolmentCodeId(code),
      };
      const at = now();
      // The name first, which most do not fit: whether a rule lets anybody in takes far more.
      const live = candidates(offer)
        .filter(({ terms }) => nameFits(terms, username))
        .filter((row) => isLive(row, username, at));
      return ruleFor(live.sort(byAge), offer, gateIsOpen, matchesNetworks);
    },
  };
}

/** Takes uses, one after the other for each rule, and finds one that was interrupted. */
function usesOf(
  { store, rows, atHand, now }: PreauthorizationsOptions,
  givesHttpRights: GivesHttpRights,
): Pick<Preauthorizations, 'lastUse' | 'take'> {
  /** What this node's own newest uses brought about: the rows may be a moment behind it. */
  const newest = new BoundedMap<string, Basis<PreauthorizationState>>(rulesInUseHeldMax);
  const turns = serialByKey();

  /** The newer of the two. */
  function basisOf(id: string): Basis<PreauthorizationState> | undefined {
    const [own, row] = [newest.get(id), atHand.preauthorization(id)];
    return own === undefined || (row !== undefined && row.revision > own.revision) ? row : own;
  }

  async function taken(
    command: Extract<PreauthorizationCommand, { type: 'UsePreauthorization' }>,
    secrets: readonly NewSecret[],
    cause: Cause,
  ): Promise<boolean> {
    const id = command.preauthorizationId;
    const { decision, state, position } = await handleDecision(
      store,
      preauthorization,
      id,
      (before) => ({ decision: preauthorization.decide(command, before), secrets }),
      cause,
      { basis: () => basisOf(id), suffices: () => false },
    );
    if (state.status === 'made' && position !== null)
      newest.set(id, { state, position, revision: preauthorizationRevision(state) });
    return decision.accepted;
  }

  return {
    lastUse(username) {
      const where = [
        { column: 'username', is: username },
        { column: 'type', is: 'PreauthorizationUsed' },
      ];
      const used = rows.history.find({ where, limit: 1 }).items[0]?.data;
      if (used === undefined) return undefined;
      const rule = rows.preauthorizations.get(String(used.preauthorizationId));
      if (rule === undefined || rule.withdrawnAt !== null || rule.terms.until <= now())
        return undefined;
      if (givesHttpRights(username, rule)) return undefined;
      return {
        ...{ rule, requestId: String(used.requestId), credentialId: String(used.credentialId) },
        csrFingerprint: used.csrFingerprint === null ? null : String(used.csrFingerprint),
      };
    },

    take: ({ rule, requestId, credentialId, csrFingerprint }, username, secrets, cause) =>
      turns(rule.preauthorizationId, () => {
        const { preauthorizationId } = rule;
        const command = {
          ...{ type: 'UsePreauthorization' as const, preauthorizationId, username, requestId },
          ...{ credentialId, csrFingerprint, at: now(), by: system },
        };
        return taken(command, secrets, cause);
      }),
  };
}
