/** The window: unlocked for a time within limits, and locked. */
import { randomUUID } from 'node:crypto';
import { registryId, type TurnedAway, type WindowCommand, window } from '../../domain/window.ts';
import { type Done, type RecordingOptions, record } from '../commands/record.ts';
import { actorOf, type By } from './context.ts';

export interface Unlock {
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
  const turn = (by: By, command: WindowCommand): Promise<Done> =>
    record(options, window, registryId, command, by.cause);

  return {
    unlock: (by: By, unlock: Unlock): Promise<Done> => {
      const from = now();
      return turn(by, {
        type: 'UnlockRegistry',
        windowId: randomUUID(),
        until: new Date(Date.parse(from) + (unlock.durationMs ?? defaultDurationMs)).toISOString(),
        limits: {
          maxRequests: unlock.maxRequests ?? defaultRequestsMax,
          usernamePattern: unlock.usernamePattern ?? null,
          sources: unlock.sources ?? [],
          note: unlock.note ?? null,
        },
        at: from,
        by: actorOf(by),
        turnedAway: turnedAway(),
      });
    },

    lock: (by: By): Promise<Done> =>
      turn(by, {
        type: 'LockRegistry',
        at: now(),
        by: actorOf(by),
        turnedAway: turnedAway(),
      }),
  };
}
