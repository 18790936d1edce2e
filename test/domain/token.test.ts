import {
  type TokenCommand,
  type TokenEvent,
  type TokenRefusal,
  token,
} from '../../domain/token.ts';
import { ada, at, device, due, id, username } from '../support/client.ts';
import { scenario } from '../support/scenario.ts';
import { suite } from '../support/suite.ts';

const test = suite('token');
const given = scenario(token);

const tokenId = id(31);
const facts = {
  tokenId,
  username,
  label: 'backup',
  kind: 'named' as const,
  expiresAt: due,
  generation: 2,
  loginGeneration: 3,
  at,
  by: ada,
};
const issued: TokenEvent = { type: 'TokenIssued', data: facts };
const revoked: TokenEvent = { type: 'TokenRevoked', data: { tokenId, username, at, by: device } };
const issue: TokenCommand = { type: 'IssueToken', ...facts, httpLimit: null };
const revoke: TokenCommand = { type: 'RevokeToken', tokenId, at, by: device };

const states = { unknown: [], issued: [issued], revoked: [issued, revoked] };
const none = undefined;
// biome-ignore format: a table reads as a table
const table: readonly [TokenCommand, readonly (undefined | TokenRefusal | TokenEvent)[]][] = [
  //          unknown             issued    revoked
  [issue,    [issued,             none,     none]],
  [revoke,   ['token-not-found',  revoked,  none]],
];
for (const [command, answers] of table)
  for (const [column, [state, history]] of Object.entries(states).entries())
    test(`${command.type} when ${state}`, () => {
      const answer = answers[column];
      const outcome = given(...history).when(command);
      if (answer === undefined) outcome.thenNothing();
      else if (typeof answer === 'string') outcome.thenRefused(answer);
      else outcome.thenRecorded(answer);
    });

test('a login token has no label', () =>
  given()
    .when({ ...issue, kind: 'login', label: null } as TokenCommand)
    .thenRecorded({ type: 'TokenIssued', data: { ...facts, kind: 'login', label: null } }));

test('a limit is recorded where there is one', () =>
  given()
    .when({ ...issue, httpLimit: [] } as TokenCommand)
    .thenRecorded({ type: 'TokenIssued', data: { ...facts, httpLimit: [] } }));

test.run();
