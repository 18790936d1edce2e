/** What looking back reads: rows as they were, at a moment in the order of the log. */
import type { RolePermissions } from '../../../domain/matching.ts';
import { builtInRoles } from '../../../domain/role.ts';
import { activations, type PastActivation } from '../../../projections/activations.ts';
import { clients, type PastClient } from '../../../projections/clients.ts';
import { type PastRole, roles } from '../../../projections/roles.ts';
import { type WindowRow, windowProjection } from '../../../projections/window.ts';
import { lookingBackTurnMsMax } from '../../limits/rows.ts';
import { createTurns, type Turns } from '../../platform/turns.ts';
import type { ReadModels } from '../../read-models/read-models.ts';
import type { Counts } from '../../read-models/row-tally.ts';
import type { VersionedRows } from '../../read-models/row-versions.ts';
import type { Tree } from '../transparency-log/tree.ts';

export interface Past {
  readonly window: VersionedRows<WindowRow>;
  readonly clients: VersionedRows<PastClient>;
  /** How many clients had each status, and how many were challenged, when the log held so many events. */
  readonly clientCounts: (size: number) => Counts;
  readonly roles: VersionedRows<PastRole>;
  readonly activations: VersionedRows<PastActivation>;
  /** From when an event counts: its `at`, or a later one before it where the clock went back. */
  readonly atOf: (index: number) => string;
  /** For looking back over many names. */
  readonly turns: Turns;
}

/** The past that these read models keep, in the order of this tree. */
export const pastOf = (
  readModels: Pick<ReadModels, 'past' | 'countsAt'>,
  tree: Pick<Tree, 'momentOf'>,
  turns = createTurns(lookingBackTurnMsMax),
): Past => ({
  window: readModels.past(windowProjection),
  clients: readModels.past(clients),
  clientCounts: (size) => readModels.countsAt(clients, size),
  roles: readModels.past(roles),
  activations: readModels.past(activations),
  atOf: tree.momentOf,
  turns,
});

export interface Moment {
  /** ISO. */
  readonly at: string;
  /** How many events had happened by then. */
  readonly size: number;
}

/** The moment `at` in the log's order, which rules over clocks that went back. */
export const momentOf = (tree: Pick<Tree, 'sizeAt'>, at: string): Moment => ({
  at,
  size: tree.sizeAt(at),
});

/** The permissions of roles, built-in ones among them, when the log held so many events. */
export const rolesAt =
  ({ roles }: Pick<Past, 'roles'>, size: number): RolePermissions =>
  (role) =>
    builtInRoles.get(role)?.permissions ?? roles.get(role, size)?.permissions ?? [];
