/** The window: the minutes in which the registry is unlocked. It locks by itself when its time is over. */
import { z } from 'zod';
import {
  accept,
  type CommandBase,
  type CommandOf,
  type Decider,
  type Decision,
  event,
} from './decider.ts';
import { type Actor, caused, Id, Instant, Note, system, Text } from './values.ts';

/** The one stream of the category: `registry-main`. */
export const registryId = 'main';

/** How long one unlocking lasts at most. */
export const windowDurationMsMax = 86_400_000;

/** A network: an address with a prefix length, such as `10.0.0.0/8` or `fd00::/8`. */
export const Cidr = z.union([z.cidrv4(), z.cidrv6()]);

/** Who may ask while the window is open. `null` or none: everybody. */
export const WindowLimits = z.object({
  maxRequests: z.int().min(1).max(1_000_000),
  usernamePattern: Text(1, 256).nullable(),
  sources: z.array(Cidr).max(64),
  note: Note.nullable(),
});
export type WindowLimits = z.infer<typeof WindowLimits>;

/** The occurrence of a schedule that opened a window. */
const Scheduled = z.object({ scheduleId: Id, occurrence: Text(1, 64) });
export type Scheduled = z.infer<typeof Scheduled>;

export const WindowEvent = z.discriminatedUnion('type', [
  event('RegistryUnlocked', {
    ...{ windowId: Id, until: Instant, limits: WindowLimits },
    /** Absent: a person unlocked it. */
    schedule: Scheduled.optional(),
    ...caused,
  }),
  event('RegistryLocked', {
    windowId: Id,
    /** Attempts that the limits turned away while it was open; absent: nobody counted them. */
    turnedAwayCount: z.int().min(0).optional(),
    ...caused,
  }),
]);
export type WindowEvent = z.infer<typeof WindowEvent>;

/** How many attempts were turned away in a window, as far as this was counted. */
export interface TurnedAway {
  readonly windowId: string;
  readonly attemptCount: number;
}

type WindowCommandBase<Type extends string, Data = unknown> = CommandBase<
  Type,
  { readonly turnedAway?: TurnedAway | null } & Data
>;

export type WindowCommand =
  | WindowCommandBase<
      'UnlockRegistry',
      { readonly windowId: string; readonly until: string; readonly limits: WindowLimits }
    >
  /** A schedule's time has come. `seen`: the newest opening by a schedule that whoever decides this knows of. */
  | WindowCommandBase<
      'OpenScheduled',
      {
        readonly windowId: string;
        readonly from: string;
        readonly until: string;
        readonly limits: WindowLimits;
        readonly schedule: Scheduled;
        readonly seen: Scheduled | null;
      }
    >
  | WindowCommandBase<'LockRegistry'>
  /** Time has passed: records the end of a window that is over. */
  | WindowCommandBase<'EndWindow'>;

/** Locking and unlocking are never refused. */
type WindowRefusal = never;

/** What stays of windows that are over, for the schedules. */
interface WindowsBefore {
  /** The newest opening by a schedule; absent: there was none. */
  readonly scheduled?: Scheduled;
  /** When a person locked it last (ISO); absent: nobody did. */
  readonly lockedByHandAt?: string;
}

export type WindowState =
  | ({ readonly status: 'locked'; readonly windowId: string | null } & WindowsBefore)
  | ({
      readonly status: 'unlocked';
      readonly windowId: string;
      readonly until: string;
      readonly limits: WindowLimits;
    } & WindowsBefore);

const initial: WindowState = { status: 'locked', windowId: null };

/** What stays of windows before, after an event. */
export function windowsBefore(
  { scheduled, lockedByHandAt }: WindowsBefore,
  { type, data }: WindowEvent,
): WindowsBefore {
  const newest = type === 'RegistryUnlocked' ? (data.schedule ?? scheduled) : scheduled;
  const byHandAt =
    type === 'RegistryLocked' && data.by.kind !== 'system' ? data.at : lockedByHandAt;
  return {
    ...(newest !== undefined && { scheduled: newest }),
    ...(byHandAt !== undefined && { lockedByHandAt: byHandAt }),
  };
}

function evolve(state: WindowState, event: WindowEvent): WindowState {
  const { type, data } = event;
  const before = windowsBefore(state, event);
  switch (type) {
    case 'RegistryUnlocked': {
      const { windowId, until, limits } = data;
      return { status: 'unlocked', windowId, until, limits, ...before };
    }
    case 'RegistryLocked':
      return { status: 'locked', windowId: data.windowId, ...before };
  }
}

type WindowDecision = Decision<WindowEvent, WindowRefusal>;

const locked = (
  windowId: string,
  { at, turnedAway }: Pick<WindowCommand, 'at' | 'turnedAway'>,
  by: Actor,
): WindowEvent => ({
  type: 'RegistryLocked',
  data: {
    windowId,
    ...(turnedAway?.windowId === windowId ? { turnedAwayCount: turnedAway.attemptCount } : {}),
    at,
    by,
  },
});

function unlock(
  command: CommandOf<WindowCommand, 'UnlockRegistry'>,
  state: WindowState,
): WindowDecision {
  const { windowId, until, limits, at, by } = command;
  const opened = (id: string): WindowEvent => ({
    type: 'RegistryUnlocked',
    data: { windowId: id, until, limits, at, by },
  });
  if (state.status === 'locked') return accept(opened(windowId));
  if (state.until <= at) return accept(locked(state.windowId, command, system), opened(windowId));
  const same = state.until === until && JSON.stringify(state.limits) === JSON.stringify(limits);
  return same ? accept() : accept(opened(state.windowId));
}

const isSame = (one: Scheduled | null | undefined, other: Scheduled | null | undefined): boolean =>
  one?.scheduleId === other?.scheduleId && one?.occurrence === other?.occurrence;

/** Whether a person locked the registry while an occurrence was on: it stays locked until the next one. */
export const isLockedByHandIn = (
  { lockedByHandAt }: WindowsBefore,
  { from, until }: { readonly from: string; readonly until: string },
): boolean => lockedByHandAt !== undefined && from <= lockedByHandAt && lockedByHandAt < until;

/** Whether an occurrence may open now (ISO): it waits while another window is open. */
export const mayOpen = (
  state: WindowState,
  occurrence: { readonly from: string; readonly until: string },
  at: string,
): boolean =>
  occurrence.from <= at &&
  at < occurrence.until &&
  !(state.status === 'unlocked' && state.until > at) &&
  !isLockedByHandIn(state, occurrence);

/** Opens for what is left of an occurrence. A window that is open neither grows nor shrinks by it. */
function openScheduled(
  command: CommandOf<WindowCommand, 'OpenScheduled'>,
  state: WindowState,
): WindowDecision {
  const { windowId, until, limits, schedule, at, by } = command;
  // Another schedule, or another node, was first: whether this one has opened already is looked at anew.
  if (!isSame(command.seen, state.scheduled) || isSame(schedule, state.scheduled)) return accept();
  if (!mayOpen(state, command, at)) return accept();
  const opened: WindowEvent = {
    type: 'RegistryUnlocked',
    data: { windowId, until, limits, schedule, at, by },
  };
  return state.status === 'locked'
    ? accept(opened)
    : accept(locked(state.windowId, command, system), opened);
}

function decide(command: WindowCommand, state: WindowState): WindowDecision {
  switch (command.type) {
    case 'UnlockRegistry':
      return unlock(command, state);
    case 'OpenScheduled':
      return openScheduled(command, state);
    case 'LockRegistry':
      if (state.status === 'locked') return accept();
      // A window that ran out locked by itself, whoever turns the key after that.
      return accept(
        locked(state.windowId, command, state.until <= command.at ? system : command.by),
      );
    case 'EndWindow':
      return state.status === 'unlocked' && state.until <= command.at
        ? accept(locked(state.windowId, command, command.by))
        : accept();
  }
}

export const window: Decider<WindowState, WindowCommand, WindowEvent, WindowRefusal> = {
  category: 'registry',
  Event: WindowEvent,
  initial,
  decide,
  evolve,
};

/** Whether a window in which so many requests were asked takes no more. */
export const isFull = (
  { maxRequests }: Pick<WindowLimits, 'maxRequests'>,
  requestCount: number,
): boolean => requestCount >= maxRequests;
