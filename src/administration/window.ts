/** The window: unlocked for a time within limits, and locked. */

import { randomUUID } from 'node:crypto';
import { registryId, type TurnedAway, type WindowCommand, window } from '../../domain/window.ts';
import { type Done, type RecordingOptions, record } from '../commands/record.ts';
import { addMs } from '../platform/instant.ts';
import { actorOf, type CommandContext } from './context.ts';

interface UnlockOptions {
  readonly durationMs?: number | undefined;
  readonly maxRequests?: number | undefined;
  readonly usernamePattern?: string | undefined;
  readonly sources?: string[] | undefined;
  readonly note?: string | undefined;
}

export interface WindowAdministrationOptions extends RecordingOptions {
  readonly now: () => string;
  /** How many the newest window's limits turned away; null: not counted here from its beginning. */
  readonly turnedAway: () => TurnedAway | null;
}

const defaultDurationMs = 300_000;
const defaultRequestsMax = 100;

export function createWindowAdministration(options: WindowAdministrationOptions) {
  const { now, turnedAway } = options;
  const turn = (context: CommandContext, command: WindowCommand): Promise<Done> => {
    const decided = () => {
      context.authorize();
      return command;
    };
    return record(options, window, registryId, decided, context.cause, options.atHand.window);
  };

  return {
    unlock: (context: CommandContext, unlock: UnlockOptions): Promise<Done> => {
      const from = now();
      return turn(context, {
        type: 'UnlockRegistry',
        windowId: randomUUID(),
        until: addMs(from, unlock.durationMs ?? defaultDurationMs),
        limits: {
          maxRequests: unlock.maxRequests ?? defaultRequestsMax,
          usernamePattern: unlock.usernamePattern ?? null,
          sources: unlock.sources ?? [],
          note: unlock.note ?? null,
        },
        at: from,
        by: actorOf(context),
        turnedAway: turnedAway(),
      });
    },

    lock: (context: CommandContext): Promise<Done> =>
      turn(context, {
        type: 'LockRegistry',
        at: now(),
        by: actorOf(context),
        turnedAway: turnedAway(),
      }),
  };
}
