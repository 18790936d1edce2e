/** Records what an administrator decided, and tells when it is readable; what is refused is thrown. */
import type { Decider } from '../../domain/decider.ts';
import type { EventStore, NewEvent, NewSecret } from '../store/event-store.ts';
import { type Basis, type Cause, handleDecision } from './handle.ts';
import { Refused, type RefusedCode } from './refused.ts';
import type { RowsAtHand } from './rows-at-hand.ts';

/** Where the log stands with the effect; a read that waits for it sees it. */
export interface Done {
  readonly position: string;
}

/** What was recorded just now, or stood already. */
interface DoneAnew extends Done {
  readonly isNew: boolean;
}

/** What is kept with events that name it. */
export type SecretsOf<Event> = (decision: {
  readonly events: readonly Event[];
}) => readonly NewSecret[];

export interface RecordingOptions {
  readonly store: EventStore;
  /** Resolves when what stands at a position is readable and in force. */
  readonly settled: (position: string) => Promise<void>;
  /** Resolves when it is readable. */
  readonly caughtUp: (position: string) => Promise<void>;
  readonly position: () => string;
  readonly atHand: RowsAtHand;
}

/**
 * @param command what is decided, made anew for each decision
 * @param basis what is at hand of it
 * @param secrets those that the events name
 * @throws Refused, StoreUnavailable, Conflict
 */
export async function record<
  State,
  Command,
  Event extends Pick<NewEvent, 'type' | 'data'>,
  Refusal extends RefusedCode,
>(
  { store, settled, position, caughtUp }: RecordingOptions,
  decider: Decider<State, Command, Event, Refusal>,
  id: string,
  command: () => Command,
  cause: Cause,
  basis: () => Basis<State> | undefined,
  secrets: SecretsOf<Event> = () => [],
): Promise<DoneAnew> {
  const outcome = await handleDecision(
    ...([store, decider, id] as const),
    (state: State) => {
      const decision = decider.decide(command(), state);
      return { decision, secrets: decision.accepted ? secrets(decision) : [] };
    },
    cause,
    { basis, suffices: () => false, caughtUp },
  );
  if (!outcome.decision.accepted) throw new Refused(outcome.decision.refusal);
  const stands = outcome.position ?? outcome.decidedOn;
  if (stands !== null) await settled(stands);
  return { position: outcome.position ?? position(), isNew: outcome.position !== null };
}
