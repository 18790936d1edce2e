/** How many users fit a list, where that is cheap to count. */
import type { ClientRow } from '../../../projections/clients.ts';
import { usersCountedEachMax, usersCountedMax } from '../../limits/rows.ts';
import type { Condition } from '../../read-models/condition-sql.ts';
import type { Rows } from '../../read-models/row-table.ts';

/** The index of the first condition counts alone; with others, each row that it leads to is looked at. Null: too many. */
export function usersCounted(
  clients: Pick<Rows<ClientRow>, 'count'>,
  where: readonly Condition[],
): number | null {
  const isAlone = where.length === 1;
  const most = isAlone ? usersCountedMax : usersCountedEachMax;
  const led = clients.count(where.slice(0, 1), most + 1);
  if (led > most) return null;
  return isAlone ? led : clients.count(where);
}
