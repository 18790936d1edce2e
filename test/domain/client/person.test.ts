/** Which name is a person's: bound once, and to another only where the command says so. */

import { type PersonEvent, person } from '../../../domain/client/person.ts';
import { ada, at } from '../../support/client.ts';
import { scenario } from '../../support/scenario.ts';
import { suite } from '../../support/suite.ts';

const test = suite('person');
const given = scenario(person);

const whose = { personId: 'a'.repeat(64), issuer: 'https://id.example', at, by: ada };
const bound = (username: string): PersonEvent => ({
  type: 'PersonBound',
  data: { ...whose, username },
});
const bind = (username: string) => ({ type: 'BindPerson' as const, ...whose, username });

test('a name is bound once', () => {
  given().when(bind('bob@sso')).thenRecorded(bound('bob@sso'));
  given(bound('bob@sso')).when(bind('bob@sso')).thenNothing();
});

test('the newest counts', () => {
  given(bound('bob@sso')).when(bind('robert@sso')).thenRecorded(bound('robert@sso'));
  given(bound('bob@sso'), bound('robert@sso')).when(bind('robert@sso')).thenNothing();
});

test.run();
