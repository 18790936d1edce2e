/** One administrator stays: removals are reserved one by one, each at a revision. */
import * as fc from 'fast-check';
import {
  type AdministratorsCommand,
  type AdministratorsEvent,
  administrators,
  isLeaving,
} from '../../domain/administrators.ts';
import { ada, at } from '../support/client.ts';
import { scenario } from '../support/scenario.ts';
import { assert, suite } from '../support/suite.ts';

const test = suite('administrators');
const given = scenario(administrators);

const reserved = (username: string, revision: number): AdministratorsEvent => ({
  type: 'AdministratorRemovalReserved',
  data: { username, revision, at, by: ada },
});
const reserve = (
  [username, revision]: [string, number],
  other: [string, number] | null,
): AdministratorsCommand => ({
  type: 'ReserveRemoval',
  username,
  revision,
  other: other && { username: other[0], revision: other[1] },
  at,
  by: ada,
});

test('one goes while another stays', () =>
  given()
    .when(reserve(['bob', 3], ['eve', 0]))
    .thenRecorded(reserved('bob', 3)));

test('the last one stays', () => {
  given()
    .when(reserve(['bob', 3], null))
    .thenRefused('last-administrator');
  given()
    .when(reserve(['bob', 3], ['bob', 3]))
    .thenRefused('last-administrator');
});

test('who is leaving is nobody who stays', () =>
  given(reserved('eve', 0))
    .when(reserve(['bob', 3], ['eve', 0]))
    .thenRefused('last-administrator'));

test('a removal that was cut off is repeated without a second reservation', () =>
  given(reserved('bob', 3))
    .when(reserve(['bob', 3], null))
    .thenNothing());

test('whatever happens to somebody afterwards ends the reservation', () => {
  given(reserved('eve', 0))
    .when(reserve(['bob', 3], ['eve', 1]))
    .thenRecorded(reserved('bob', 3));
  given(reserved('bob', 3))
    .when(reserve(['bob', 4], null))
    .thenRefused('last-administrator');
});

test('however many reserve, somebody is not leaving', () => {
  const names = ['a', 'b', 'c'] as const;
  type Step = { who: number; other: number; moves: boolean };
  const steps = fc.array(fc.record({ who: fc.nat(2), other: fc.nat(2), moves: fc.boolean() }), {
    maxLength: 30,
  });
  fc.assert(
    fc.property(steps, (taken: Step[]) => {
      const revisions = new Map<string, number>(names.map((name) => [name, 0]));
      const now = (name: string) => ({ username: name, revision: revisions.get(name) ?? 0 });
      let state = administrators.initial;
      for (const { who, other, moves } of taken) {
        const [name, beside] = [names[who] as string, names[other] as string];
        if (moves) revisions.set(name, now(name).revision + 1);
        const command = { type: 'ReserveRemoval', ...now(name), other: now(beside), at, by: ada };
        const decision = administrators.decide(command as AdministratorsCommand, state);
        if (decision.accepted) state = decision.events.reduce(administrators.evolve, state);
        assert.ok(names.some((one) => !isLeaving(state, now(one))));
      }
    }),
  );
});

test.run();
