/** Who may be taken away as an administrator: one always stays, however many nodes decide at once. */
import { z } from 'zod';
import { accept, type CommandBase, type Decider, type Decision, event, refuse } from './decider.ts';
import { caused, Username } from './values.ts';

export const AdministratorsEvent = z.discriminatedUnion('type', [
  event('AdministratorRemovalReserved', {
    username: Username,
    /** The revision of the client's stream that the removal is written at, and at no other. */
    revision: z.int().min(0),
    ...caused,
  }),
]);
export type AdministratorsEvent = z.infer<typeof AdministratorsEvent>;

/** An administrator without an end, as its own stream has it at a revision. */
export interface AdministratorAt {
  readonly username: string;
  readonly revision: number;
}

export type AdministratorsCommand = CommandBase<
  'ReserveRemoval',
  AdministratorAt & {
    /** Somebody else who is an administrator without an end; null: nobody is. */
    readonly other: AdministratorAt | null;
  }
>;

type AdministratorsRefusal = 'last-administrator';

/** The newest reservation of each name. */
export type AdministratorsState = ReadonlyMap<string, number>;

/**
 * Whether a removal at just this revision is reserved. Whatever is written to the client's stream ends the
 * reservation: the removal itself, or anything that was faster.
 */
export const isLeaving = (
  state: AdministratorsState,
  { username, revision }: AdministratorAt,
): boolean => state.get(username) === revision;

function evolve(state: AdministratorsState, { data }: AdministratorsEvent): AdministratorsState {
  return new Map(state).set(data.username, data.revision);
}

function decide(
  command: AdministratorsCommand,
  state: AdministratorsState,
): Decision<AdministratorsEvent, AdministratorsRefusal> {
  const { username, revision, other, at, by } = command;
  if (isLeaving(state, command)) return accept();
  if (other === null || other.username === username || isLeaving(state, other))
    return refuse('last-administrator');
  return accept({ type: 'AdministratorRemovalReserved', data: { username, revision, at, by } });
}

export const administrators: Decider<
  AdministratorsState,
  AdministratorsCommand,
  AdministratorsEvent,
  AdministratorsRefusal
> = {
  category: 'administrators',
  Event: AdministratorsEvent,
  initial: new Map(),
  decide,
  evolve,
};
