/** What this node knows of the window, a schedule, a role or a token without asking the store: the rows that it goes by elsewhere. */

import {
  type PreauthorizationState,
  preauthorization,
  preauthorizationRevision,
} from '../../domain/preauthorization.ts';
import { type RoleState, role } from '../../domain/role.ts';
import { type ScheduleState, schedule } from '../../domain/schedules/schedule.ts';
import { type TokenState, token } from '../../domain/token.ts';
import { registryId, type WindowState, window } from '../../domain/window.ts';
import {
  type PreauthorizationRow,
  preauthorizations,
} from '../../projections/preauthorizations.ts';
import { type RoleRow, roles } from '../../projections/roles.ts';
import { type ScheduleRow, schedules } from '../../projections/schedules.ts';
import { type TokenRow, tokens } from '../../projections/tokens.ts';
import { type WindowRow, windowProjection } from '../../projections/window.ts';
import type { ReadModels } from '../read-models/read-models.ts';
import { noStream } from '../store/event-store.ts';
import type { Basis } from './handle.ts';

/** Each undefined where the rows have stopped: they are no newer than the event that stopped them. */
export interface RowsAtHand {
  readonly window: () => Basis<WindowState> | undefined;
  readonly role: (name: string) => Basis<RoleState> | undefined;
  readonly token: (tokenId: string) => Basis<TokenState> | undefined;
  readonly schedule: (id: string) => Basis<ScheduleState> | undefined;
  readonly preauthorization: (id: string) => Basis<PreauthorizationState> | undefined;
}

/** No row says where its newest event stands: what records nothing is asked of the store. */
const position = null;

const windowOf = ({
  status,
  windowId,
  until,
  limits,
  scheduled,
  lockedByHandAt,
  revision,
}: WindowRow): Basis<WindowState> => {
  const before = {
    ...(scheduled !== undefined && { scheduled }),
    ...(lockedByHandAt !== undefined && { lockedByHandAt }),
  };
  return {
    state:
      status === 'locked'
        ? { status, windowId, ...before }
        : { status, windowId, until, limits, ...before },
    revision,
    position,
  };
};

const roleOf = ({ permissions, description, revision }: RoleRow): Basis<RoleState> => ({
  state: { status: 'defined', permissions, description },
  revision,
  position,
});

/** A token is issued once and revoked once, so its state says its revision. */
const tokenOf = ({ username, revokedAt }: TokenRow): Basis<TokenState> =>
  revokedAt === null
    ? { state: { status: 'issued', username }, revision: 0, position }
    : { state: { status: 'revoked' }, revision: 1, position };

const scheduleOf = ({ cancelledAt, lastSkipped, revision }: ScheduleRow): Basis<ScheduleState> => ({
  state:
    cancelledAt === null
      ? { status: 'standing', skipped: lastSkipped?.occurrence ?? null }
      : { status: 'cancelled' },
  revision,
  position,
});

const preauthorizationOf = ({
  terms,
  useCount,
  withdrawnAt,
}: PreauthorizationRow): Basis<PreauthorizationState> => ({
  state: { status: 'made', terms, useCount, isWithdrawn: withdrawnAt !== null },
  revision: preauthorizationRevision({ useCount, isWithdrawn: withdrawnAt !== null }),
  position,
});

export function rowsAtHand(readModels: Pick<ReadModels, 'rows' | 'faults'>): RowsAtHand {
  const rows = {
    window: readModels.rows(windowProjection),
    roles: readModels.rows(roles),
    schedules: readModels.rows(schedules),
    tokens: readModels.rows(tokens),
    preauthorizations: readModels.rows(preauthorizations),
  };
  /** Without a row there is no stream, or what it was about is gone: then the revision does not fit. */
  function basis<State, Row>(
    row: Row | undefined,
    initial: State,
    of: (row: Row) => Basis<State>,
  ): Basis<State> | undefined {
    if (readModels.faults().length > 0) return undefined;
    return row === undefined ? { state: initial, revision: noStream, position } : of(row);
  }
  return {
    window: () => basis(rows.window.get(registryId), window.initial, windowOf),
    role: (name) => basis(rows.roles.get(name), role.initial, roleOf),
    schedule: (id) => basis(rows.schedules.get(id), schedule.initial, scheduleOf),
    preauthorization: (id) =>
      basis(rows.preauthorizations.get(id), preauthorization.initial, preauthorizationOf),
    token: (tokenId) => basis(rows.tokens.get(tokenId), token.initial, tokenOf),
  };
}
