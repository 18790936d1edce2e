/** What holds for every client, whatever happens to it in whatever order. */
import * as fc from 'fast-check';
import { client, credentialIdsOf } from '../../../domain/client/client.ts';
import type { ClientCommand } from '../../../domain/client/commands.ts';
import type { ClientEvent } from '../../../domain/client/events.ts';
import type { Client } from '../../../domain/client/state.ts';
import { clients } from '../../../projections/clients.ts';
import { requests } from '../../../projections/requests.ts';
import { anyCommand, anyEvent } from '../../support/any-client.ts';
import { username } from '../../support/client.ts';
import { rowsAfter, stored } from '../../support/scenario.ts';
import { assert, suite } from '../../support/suite.ts';

const test = suite('client properties');

const fold = (events: readonly ClientEvent[], from = client.initial): Client =>
  events.reduce(client.evolve, from);

/** Reached through decisions, as the service does it. */
function live(commands: readonly ClientCommand[]) {
  const events: ClientEvent[] = [];
  let state = client.initial;
  for (const command of commands) {
    const decision = client.decide(command, state);
    if (!decision.accepted) continue;
    events.push(...decision.events);
    state = fold(decision.events, state);
  }
  return { state, events };
}

const reached = fc.array(anyCommand, { maxLength: 14 });
const unreachable = fc.array(anyEvent, { maxLength: 10 });

test('deciding is total: an answer for every command in every state, and never an error', () =>
  fc.assert(
    fc.property(unreachable, anyCommand, (events, command) => {
      const decision = client.decide(command, fold(events));
      if (!decision.accepted) {
        assert.type(decision.refusal, 'string');
        return;
      }
      for (const event of decision.events) stored(client, event);
    }),
    { numRuns: 2_000 },
  ));

test('the decision depends on nothing but command and state, and changes neither', () =>
  fc.assert(
    fc.property(unreachable, anyCommand, (events, command) => {
      const state = fold(events);
      const before = JSON.stringify([state, command]);
      const decision = client.decide(command, state);
      assert.equal(client.decide(command, state), decision);
      assert.is(JSON.stringify([state, command]), before);
    }),
  ));

/** The same again: by then a door knows the credential that it let in. */
const repeated = (command: ClientCommand, events: readonly ClientEvent[]): ClientCommand =>
  command.type === 'RequestRegistration' &&
  events.some(({ type }) => type === 'RegistrationRequested' || type === 'ReplacementRequested')
    ? { ...command, matched: command.credentialId }
    : command;

test('whatever was accepted is safe to send again', () =>
  fc.assert(
    fc.property(reached, anyCommand, (commands, command) => {
      const { state } = live(commands);
      const decision = client.decide(command, state);
      if (!decision.accepted) return;
      const again = client.decide(repeated(command, decision.events), fold(decision.events, state));
      if (again.accepted) assert.equal(again.events, [], 'it was recorded twice');
      // At the door a repetition may be told more than the first time: a challenger that it waits.
      else assert.is(command.type, 'RequestRegistration', again.refusal);
    }),
    { numRuns: 2_000 },
  ));

test('a replay comes to the state that was live, also through JSON', () =>
  fc.assert(
    fc.property(reached, (commands) => {
      const { state, events } = live(commands);
      const replayed = fold(events.map((event) => stored(client, event)));
      assert.equal(replayed, state);
      assert.equal(JSON.parse(JSON.stringify(state)), state, 'the state survives JSON');
    }),
    { numRuns: 500 },
  ));

test('no order of events breaks the fold', () =>
  fc.assert(
    fc.property(fc.array(anyEvent, { maxLength: 30 }), (events) => {
      const state = fold(events);
      assert.type(state.status, 'string');
      for (const id of credentialIdsOf(state)) assert.type(id, 'string');
    }),
    { numRuns: 1_000 },
  ));

test('every decided request stays decided, and one at most waits', () =>
  fc.assert(
    fc.property(reached, (commands) => {
      const { state, events } = live(commands);
      const rows = Object.values(rowsAfter(requests, events));
      const waiting = rows.filter(({ status }) => status === 'pending');
      const expected =
        state.status === 'pending'
          ? [state.waiting.requestId]
          : state.status === 'active' && state.challenger
            ? [state.challenger.requestId]
            : [];
      // A made-up id that asks twice is one request: only the newest of its rows counts.
      assert.equal(
        waiting.map(({ requestId }) => requestId),
        expected,
      );
    }),
    { numRuns: 1_000 },
  ));

test('who holds access came to it by a decision of somebody else than the client', () =>
  fc.assert(
    fc.property(reached, (commands) => {
      const { state, events } = live(commands);
      if (state.status !== 'active' && state.status !== 'suspended') return;
      const gave = events.findLast(
        ({ type }) =>
          type === 'RegistrationGranted' ||
          type === 'ReplacementGranted' ||
          type === 'ClientCreated' ||
          type === 'AdministratorReset' ||
          type === 'PersonSignedIn' ||
          type === 'CredentialRotated',
      );
      assert.ok(gave && 'credentialId' in gave.data);
      assert.is('credentialId' in gave.data && gave.data.credentialId, state.credentialId);
    }),
    { numRuns: 1_000 },
  ));

test('the door alone never changes who has access, but where a rule lets in', () =>
  fc.assert(
    fc.property(reached, anyCommand, (commands, command) => {
      if (command.type !== 'RequestRegistration') return;
      if (command.preauthorized?.effect === 'allow') return;
      const { state } = live(commands);
      const decision = client.decide(command, state);
      const after = decision.accepted ? fold(decision.events, state) : state;
      const held = (now: Client) =>
        now.status === 'active' || now.status === 'suspended'
          ? [now.status, now.credentialId, now.rights]
          : null;
      assert.equal(held(after), held(state));
    }),
    { numRuns: 1_000 },
  ));

test('a rule lets in free names alone, with its rights and by the credential that asked', () =>
  fc.assert(
    fc.property(reached, anyCommand, (commands, command) => {
      if (command.type !== 'RequestRegistration' || !command.preauthorized) return;
      const { state } = live(commands);
      const decision = client.decide(command, state);
      if (!decision.accepted || !decision.events.some(({ type }) => type === 'RegistrationGranted'))
        return;
      assert.equal([state.status, command.preauthorized.effect], ['unknown', 'allow']);
      const after = fold(decision.events, state);
      assert.is(after.status, 'active');
      if (after.status !== 'active') return;
      assert.equal(
        [after.credentialId, after.rights, after.keyAlone],
        [
          command.credentialId,
          command.preauthorized.rights,
          command.preauthorized.keyAlone && command.csr !== null,
        ],
      );
    }),
    { numRuns: 2_000 },
  ));

test('the row that people see says the state that decisions see', () =>
  fc.assert(
    fc.property(reached, (commands) => {
      const { state, events } = live(commands);
      const row = rowsAfter(clients, events)[username];
      assert.is(row?.status ?? 'unknown', state.status);
      if (row === undefined) assert.equal(state, client.initial);
      else {
        // Beside it stand the name, the revision and the position of its last event.
        assert.equal({ ...row.state, ...state }, row.state);
        assert.is(Object.keys(row.state).length, Object.keys(state).length + 3);
      }
    }),
    { numRuns: 500 },
  ));

test.run();
