/**
 * given(...facts).when(command).thenRecorded(...facts), or thenNothing(), or thenRefused(why)
 *
 * Every fact, given or expected, must parse as a stored event and come back from JSON unchanged:
 * a test can neither start from nor end in a history that the store could not hold.
 */

import type { Decider } from '../../domain/decider.ts';
import type { Envelope, Projection } from '../../projections/projection.ts';
import { positionOf } from '../../src/store/event-store.ts';
import { assert } from './suite.ts';

interface Parsing<Event> {
  readonly Event: { parse(event: unknown): Event };
}

/** The fact as a store gives it back; a key that its schema does not declare is a fault. */
export function stored<Event>({ Event: schema }: Parsing<Event>, event: Event): Event {
  const back = schema.parse(JSON.parse(JSON.stringify(event)));
  assert.equal(back, event, 'the event does not survive being stored');
  return back;
}

/** The same of a schema that declares no more than is read: that much comes back unchanged. */
export function storedInPart<Event extends Fact>({ Event: schema }: Parsing<Event>, event: Event) {
  const back = schema.parse(JSON.parse(JSON.stringify(event)));
  const whole = { ...event, data: { ...event.data, ...back.data } };
  assert.equal(whole, event, 'what is read of the event does not survive being stored');
  return back;
}

export function scenario<State, Command, Event, Refusal extends string>(
  decider: Decider<State, Command, Event, Refusal>,
) {
  return (...history: readonly Event[]) => ({
    when(command: Command) {
      const state = history
        .map((fact) => stored(decider, fact))
        .reduce(decider.evolve, decider.initial);
      const decision = decider.decide(command, state);
      return {
        decision,
        thenRecorded: (...events: readonly [Event, ...Event[]]) =>
          assert.equal(decision, {
            accepted: true,
            events: events.map((fact) => stored(decider, fact)),
          }),
        thenNothing: () => assert.equal(decision, { accepted: true, events: [] }),
        thenRefused: (refusal: Refusal) => assert.equal(decision, { accepted: false, refusal }),
      };
    },
  });
}

interface Fact {
  readonly type: string;
  readonly data: Readonly<Record<string, unknown>>;
}

/** What stands around a fact that is the log's event number `index`. */
export const envelopeOf = (event: Fact, index: number, stream = 'client-press-07'): Envelope => ({
  index,
  position: positionOf(index + 1),
  stream,
  revision: index,
  eventId: `00000000-0000-4000-8000-${String(index).padStart(12, '0')}`,
  type: event.type,
  data: event.data,
  metadata: { correlationId: '00000000-0000-4000-8000-0000000000cc', causationId: null },
});

const asItIs = <Row>(): NonNullable<Projection<Row>['written']> => ({
  short: (row) => row,
  whole: (short) => short as Row,
});

/** The rows that a history comes to, by key; every row must survive JSON, as it does in its table. */
export function rowsAfter<Row, Event extends Fact>(
  projection: Projection<Row, Event>,
  history: readonly Fact[],
  read: typeof stored<Event> = stored,
): Record<string, Row> {
  const rows = new Map<string, Row>();
  for (const [index, fact] of history.entries()) {
    const event = read(projection, fact as Event);
    const envelope = envelopeOf(fact, index);
    const key = projection.key(event, envelope);
    if (key === undefined) continue;
    const row = projection.evolve(rows.get(key), event, envelope);
    if (row === undefined) rows.delete(key);
    else {
      const { short, whole } = projection.written ?? asItIs<Row>();
      const text = JSON.stringify(short(row));
      const back = whole(JSON.parse(text), key, index);
      assert.equal(back, row, 'the row does not survive being stored');
      assert.is(JSON.stringify(short(back)), text, 'equal rows have equal texts');
      rows.set(key, back);
    }
  }
  return Object.fromEntries(rows);
}

/** The values that a row is found by. */
export const columnsOf = <Row, Event>(projection: Projection<Row, Event>, row: Row) =>
  Object.fromEntries(
    Object.entries(projection.columns).map(([name, column]) => [name, column(row)]),
  );
