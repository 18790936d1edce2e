/** Scheduled windows: made by who may unlock, and cancelled. */
import { randomUUID } from 'node:crypto';
import { type CompiledPermissions, compiled, mayCall } from '../../domain/matching.ts';
import { type ScheduleTerms, type SkipReason, schedule } from '../../domain/schedules/schedule.ts';
import { type ScheduleRow, standingAt } from '../../projections/schedules.ts';
import type { Authority } from '../authority.ts';
import { type Done, type RecordingOptions, record } from '../commands/record.ts';
import { Refused } from '../commands/refused.ts';
import { schedulesMax } from '../limits/administration.ts';
import type { Rows } from '../read-models/row-table.ts';
import { actorOf, type CommandContext } from './context.ts';

export interface ScheduleAdministrationOptions extends RecordingOptions {
  readonly rows: { readonly schedules: Rows<ScheduleRow> };
  readonly now: () => string;
}

const unlockPath = '/api/client-registry/unlock';

const mayUnlock = (permissions: CompiledPermissions): boolean =>
  mayCall(permissions, unlockPath.split('/'), 'write');

/** Why a schedule would not open now: it never does more than its maker may. Null: it would. */
export function obstacleTo(
  { createdBy, tokenId }: Pick<ScheduleRow, 'createdBy' | 'tokenId'>,
  authority: Pick<Authority, 'limited'>,
): SkipReason | null {
  const permissions = authority.limited(createdBy, tokenId);
  if (permissions === undefined) return 'user-not-active';
  return mayUnlock(compiled(permissions)) ? null : 'permission-missing';
}

export function createScheduleAdministration(options: ScheduleAdministrationOptions) {
  const { rows, now } = options;

  /** @throws Refused `permission-missing` */
  function authorizeUnlocking(context: CommandContext): void {
    if (mayUnlock(context.authorize().permissions)) return;
    throw new Refused('permission-missing', {
      detail:
        'Only who may unlock may have it unlocked later: that needs write on the path in required.',
      members: { required: { context: 'http', resource: unlockPath, operation: 'write' } },
    });
  }

  /** @throws Refused `schedules-full` */
  function requireRoom(): void {
    if (rows.schedules.count(standingAt(now()), schedulesMax) < schedulesMax) return;
    throw new Refused('schedules-full');
  }

  return {
    createSchedule: async (
      context: CommandContext,
      terms: ScheduleTerms,
    ): Promise<Done & { readonly scheduleId: string }> => {
      const scheduleId = randomUUID();
      const create = () => {
        authorizeUnlocking(context);
        requireRoom();
        const { tokenId } = context.caller;
        const type = 'CreateSchedule' as const;
        return { type, scheduleId, terms, tokenId, at: now(), by: actorOf(context) };
      };
      const atHand = () => options.atHand.schedule(scheduleId);
      const done = await record(
        ...([options, schedule, scheduleId, create] as const),
        ...([context.cause, atHand] as const),
      );
      return { ...done, scheduleId };
    },

    cancelSchedule: (context: CommandContext, scheduleId: string): Promise<Done> => {
      const cancel = () => {
        context.authorize();
        const type = 'CancelSchedule' as const;
        return { type, scheduleId, at: now(), by: actorOf(context) };
      };
      const atHand = () => options.atHand.schedule(scheduleId);
      return record(
        ...([options, schedule, scheduleId, cancel] as const),
        ...([context.cause, atHand] as const),
      );
    },
  };
}
