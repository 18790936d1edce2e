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

export const WindowEvent = z.discriminatedUnion('type', [
  event('RegistryUnlocked', { windowId: Id, until: Instant, limits: WindowLimits, ...caused }),
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
  | WindowCommandBase<'LockRegistry'>
  /** Time has passed: records the end of a window that is over. */
  | WindowCommandBase<'EndWindow'>;

/** Locking and unlocking are never refused. */
type WindowRefusal = never;

export type WindowState =
  | { readonly status: 'locked'; readonly windowId: string | null }
  | {
      readonly status: 'unlocked';
      readonly windowId: string;
      readonly until: string;
      readonly limits: WindowLimits;
    };

const initial: WindowState = { status: 'locked', windowId: null };

function evolve(_state: WindowState, { type, data }: WindowEvent): WindowState {
  switch (type) {
    case 'RegistryUnlocked':
      return {
        status: 'unlocked',
        windowId: data.windowId,
        until: data.until,
        limits: data.limits,
      };
    case 'RegistryLocked':
      return { status: 'locked', windowId: data.windowId };
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

function decide(command: WindowCommand, state: WindowState): WindowDecision {
  switch (command.type) {
    case 'UnlockRegistry':
      return unlock(command, state);
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
