/** Read, decide, append, again on conflict: the one place where a decider meets the store. */
import type { Decider, Decision } from '../../domain/decider.ts';
import { upcast } from '../../domain/upcast.ts';
import { decideAttemptsMax } from '../limits/administration.ts';
import { newOrderedId, randomId } from '../platform/ids.ts';
import { serialByKey } from '../platform/serial.ts';
import {
  Conflict,
  type EventStore,
  type Metadata,
  type NewEvent,
  type NewSecret,
  noStream,
  type Position,
  type StoredEvent,
} from '../store/event-store.ts';

/** What a command belongs to: all its events carry it. */
export interface Cause {
  readonly correlationId: string;
  readonly causationId: string | null;
}

/** Its id is made when somebody asks for it: most logins record nothing. */
class NewCause implements Cause {
  readonly causationId = null;
  #id: string | undefined;

  get correlationId(): string {
    this.#id ??= randomId();
    return this.#id;
  }
}

export const newCause = (): Cause => new NewCause();

export interface HandledCommand<State, Event, Refusal extends string> {
  readonly decision: Decision<Event, Refusal>;
  /** The state that was decided on. */
  readonly before: State;
  /** The state after the decision. */
  readonly state: State;
  /** Where the last event stands that this decision wrote; null: it wrote none. */
  readonly position: Position | null;
  /** Where the newest event stands that was decided on; null: the stream had none. */
  readonly decidedOn: Position | null;
}

type Recordable = Pick<NewEvent, 'type' | 'data'>;

/** What a decision is made on, and the revision that it is appended at. */
export interface Basis<State> {
  readonly state: State;
  readonly revision: number;
  /** Where the newest event stands; null: there is none. */
  readonly position: Position | null;
}

/** A state that is at hand without asking the store. Somebody else's newest event may not have come to it. */
interface AtHand<State, Decided> {
  /** Undefined: there is nothing to go by here. */
  readonly basis: () => Basis<State> | undefined;
  /** Whether what records nothing may rest on it; what is recorded is guarded by its revision. */
  readonly suffices: (decided: Decided) => boolean;
  /**
   * Resolves when the rows know what stands at a position: what is decided by them beside the state, such as whether
   * it only takes away, is then never older than the state that it is decided on. Absent: nothing is.
   */
  readonly caughtUp?: ((position: Position) => Promise<void>) | undefined;
}

/** The state of one aggregate as the store has it now, its newest event, and the revision to append at. */
export async function load<State, Command, Event, Refusal extends string>(
  store: EventStore,
  decider: Decider<State, Command, Event, Refusal>,
  id: string,
): Promise<{ state: State; revision: number; newest: StoredEvent | undefined }> {
  const stored = await store.read(`${decider.category}-${id}`);
  // An event that no longer parses is a broken log, not a refusal: throw, and let a person look.
  const state = stored
    .map((event) => decider.Event.parse(upcast(event)))
    .reduce(decider.evolve, decider.initial);
  const newest = stored.at(-1);
  return { state, revision: newest?.revision ?? noStream, newest };
}

/** Where several in this process want the same stream, each gets its turn instead of losing again and again. */
const turns = new WeakMap<EventStore, ReturnType<typeof serialByKey>>();

function turnsOf(store: EventStore): ReturnType<typeof serialByKey> {
  const known = turns.get(store) ?? serialByKey();
  turns.set(store, known);
  return known;
}

/**
 * Records what `decide` decides. It is given each state anew that somebody else's event brings about, with the
 * revision that is appended at, and must not wait for a command to the same stream. What it found out beside
 * the decision is passed on; `secrets` are kept with the events that name them.
 * @param atHand is decided on first, so that most commands read nothing
 * @throws StoreUnavailable, and Conflict when the stream stays contended.
 */
export async function handleDecision<
  State,
  Event extends Recordable,
  Refusal extends string,
  Decided extends {
    readonly decision: Decision<Event, Refusal>;
    readonly secrets?: readonly NewSecret[];
  },
>(
  store: EventStore,
  decider: Decider<State, never, Event, Refusal>,
  id: string,
  decide: (state: State, revision: number) => Decided | Promise<Decided>,
  cause: Cause,
  atHand?: AtHand<State, Decided>,
): Promise<HandledCommand<State, Event, Refusal> & Decided> {
  const stream = `${decider.category}-${id}`;
  const read = async (): Promise<Basis<State>> => {
    const { state, revision, newest } = await load(store, decider, id);
    if (newest !== undefined) await atHand?.caughtUp?.(newest.position);
    return { state, revision, position: newest?.position ?? null };
  };
  /** Null: somebody else was first. */
  const once = async ({ state: before, revision, position: decidedOn }: Basis<State>) => {
    const decided = await decide(before, revision);
    const { decision } = decided;
    if (!decision.accepted || decision.events.length === 0)
      return { ...decided, before, state: before, position: null, decidedOn };
    try {
      const events = written(decision.events, cause);
      const { position } = await store.append(stream, revision, events, decided.secrets);
      const state = decision.events.reduce(decider.evolve, before);
      return { ...decided, before, state, position, decidedOn };
    } catch (error) {
      if (error instanceof Conflict) return null;
      throw error;
    }
  };
  const known = atHand?.basis();
  const early = known === undefined ? null : await once(known);
  if (early !== null && (early.position !== null || atHand?.suffices(early))) return early;
  return (
    (await once(await read())) ??
    (await turnsOf(store)(stream, async () => {
      for (let attempt = 2; attempt <= decideAttemptsMax; attempt++) {
        const outcome = await once(await read());
        if (outcome !== null) return outcome;
      }
      throw new Conflict(stream);
    }))
  );
}

/**
 * Decides a command and records what follows. `command` may depend on the state: it is asked again with
 * each new one.
 * @param basis what is at hand and decided on first; what records nothing on it is asked of the store
 * @throws StoreUnavailable, and Conflict when the stream stays contended.
 */
export const handle = <State, Command, Event extends Recordable, Refusal extends string>(
  store: EventStore,
  decider: Decider<State, Command, Event, Refusal>,
  id: string,
  command: Command | ((state: State) => Command),
  cause: Cause,
  basis?: () => Basis<State> | undefined,
): Promise<HandledCommand<State, Event, Refusal>> => {
  const commandFor = (state: State): Command =>
    typeof command === 'function' ? (command as (state: State) => Command)(state) : command;
  return handleDecision<State, Event, Refusal, { decision: Decision<Event, Refusal> }>(
    store,
    decider,
    id,
    (state) => ({ decision: decider.decide(commandFor(state), state) }),
    cause,
    basis && { basis, suffices: () => false },
  );
};

const written = (
  events: readonly Recordable[],
  { correlationId, causationId }: Metadata,
): NewEvent[] =>
  events.map(({ type, data }) => ({
    eventId: newOrderedId(),
    type,
    data,
    metadata: { correlationId, causationId },
  }));
