import { usersCountedEachMax, usersCountedMax } from '../../../../src/limits/rows.ts';
import type { Condition } from '../../../../src/read-models/condition-sql.ts';
import { usersCounted } from '../../../../src/views/users/total.ts';
import { assert, suite } from '../../../support/suite.ts';

const test = suite('total of users');

const everybody: Condition = { column: 'everGranted', is: 1 };
const press: Condition = { column: 'roles', includes: ' press ' };
/** So many rows, of which half fit more than the first condition; never counted further than asked. */
const rows = (size: number) => ({
  count: (where: readonly Condition[] = [], atMost = Number.POSITIVE_INFINITY) =>
    Math.min(atMost, where.length > 1 ? size / 2 : size),
});

test('many are counted by an index alone, few also one by one, and more not at all', () => {
  assert.is(usersCounted(rows(usersCountedMax), [everybody]), usersCountedMax);
  assert.is(usersCounted(rows(usersCountedMax + 1), [everybody]), null);
  const each = usersCountedEachMax;
  assert.is(usersCounted(rows(each), [everybody, press]), each / 2);
  assert.is(usersCounted(rows(each + 1), [everybody, press]), null);
});

test.run();
