/** The list of revoked certificates is renewed once for each number. */

import { revocations } from '../../domain/revocations.ts';
import { system } from '../../domain/values.ts';
import { at } from '../support/client.ts';
import { scenario } from '../support/scenario.ts';
import { suite } from '../support/suite.ts';

const test = suite('revocations');
const given = scenario(revocations);
const [one, two] = ['1'.padStart(20, '0'), '2'.padStart(20, '0')] as const;

const renewed = (renews: string) =>
  ({ type: 'RevocationListRenewed', data: { renews, at, by: system } }) as const;
const renew = (renews: string) =>
  ({ type: 'RenewRevocationList', renews, at, by: system }) as const;

test('one that nears its end is renewed', () =>
  given().when(renew(one)).thenRecorded(renewed(one)));

test('who finds the same one too old renews nothing', () =>
  given(renewed(one)).when(renew(one)).thenNothing());

test('the next one is renewed in its turn', () =>
  given(renewed(one)).when(renew(two)).thenRecorded(renewed(two)));

test.run();
