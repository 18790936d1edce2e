import * as fc from 'fast-check';
import {
  type ActivationCommand,
  type ActivationEvent,
  activation,
} from '../../domain/activation.ts';
import { system } from '../../domain/values.ts';
import { at, id, username } from '../support/client.ts';
import { scenario, stored } from '../support/scenario.ts';
import { assert, suite } from '../support/suite.ts';

const test = suite('activation');
const given = scenario(activation);

const cause = { username, at, by: system };
const activated = (credentialId: string, broker = 'embedded'): ActivationEvent => ({
  type: 'CredentialActivated',
  data: { broker, credentialId, ...cause },
});
const deactivated = (credentialId: string, broker = 'embedded'): ActivationEvent => ({
  type: 'CredentialDeactivated',
  data: { broker, credentialId, sessionsClosed: 2, ...cause },
});
const activate = (credentialId: string, broker = 'embedded'): ActivationCommand => ({
  type: 'RecordActivation',
  broker,
  credentialId,
  ...cause,
});
const deactivate = (broker = 'embedded'): ActivationCommand => ({
  type: 'RecordDeactivation',
  broker,
  sessionsClosed: 2,
  ...cause,
});
const [old, young] = [id(21), id(22)];

const states = {
  never: [],
  active: [activated(old)],
  inactive: [activated(old), deactivated(old)],
  'active elsewhere': [activated(old, 'emqx')],
};
const none = undefined;
// biome-ignore format: a table reads as a table
const table: readonly [ActivationCommand, readonly (undefined | ActivationEvent)[]][] = [
  //                  never             active             inactive          elsewhere
  [activate(old),    [activated(old),   none,              activated(old),   activated(old)  ]],
  [activate(young),  [activated(young), activated(young),  activated(young), activated(young)]],
  [deactivate(),     [none,             deactivated(old),  none,             none            ]],
];
for (const [index, [command, answers]] of table.entries())
  for (const [column, [state, history]] of Object.entries(states).entries())
    test(`${command.type} (${index}) when ${state}`, () => {
      const answer = answers[column];
      const outcome = given(...history).when(command);
      if (answer === undefined) outcome.thenNothing();
      else outcome.thenRecorded(answer);
    });

test('a deactivation names the credential that was active', () =>
  given(activated(old), activated(young)).when(deactivate()).thenRecorded(deactivated(young)));
test('a broker’s name is only a name', () => {
  for (const broker of ['constructor', 'toString', '__proto__', 'hasOwnProperty']) {
    given().when(deactivate(broker)).thenNothing();
    given().when(activate(old, broker)).thenRecorded(activated(old, broker));
    given(activated(old, broker)).when(activate(old, broker)).thenNothing();
    given(activated(old, broker)).when(deactivate(broker)).thenRecorded(deactivated(old, broker));
  }
});
test('whatever was recorded is safe to send again, broker by broker', () => {
  const broker = fc.constantFrom('embedded', 'emqx');
  const command = fc.oneof(
    fc.tuple(fc.constantFrom(old, young), broker).map((given) => activate(...given)),
    broker.map(deactivate),
  );
  fc.assert(
    fc.property(fc.array(command, { maxLength: 8 }), command, (commands, last) => {
      let state = activation.initial;
      for (const each of [...commands, last]) {
        const decision = activation.decide(each, state);
        if (decision.accepted)
          state = decision.events
            .map((e) => stored(activation, e))
            .reduce(activation.evolve, state);
      }
      assert.equal(activation.decide(last, state), { accepted: true, events: [] });
    }),
  );
});

test.run();
