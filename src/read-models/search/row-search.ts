/** Searches rows by any conditions: few rows at a time, so that nobody waits for a search of somebody else. */
import type { SQLInputValue } from 'node:sqlite';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { searchedFew, searchedPerPageMax, searchedPerStepMax } from '../../limits/rows.ts';
import { allSql, type Condition, type ConditionSql, conditionSql } from '../condition-sql.ts';
import type { WrittenRow } from '../row-writer.ts';

/** Rows that are looked at: in one step, for one page, and as so few that they need no steps. */
export interface SearchLimits {
  readonly perStep: number;
  readonly perPage: number;
  readonly few: number;
}

interface Search {
  readonly where: readonly Condition[];
  readonly columns: ReadonlySet<string>;
  readonly limit: number;
  readonly limits: SearchLimits | undefined;
  readonly isNewestFirst: boolean;
  /** The page begins after the row that was born here. */
  readonly after: number | undefined;
  /** Runs an act when those before it are done. */
  readonly turn: <T>(act: () => Promise<T>) => Promise<T>;
  /** Rows of a statement over the table `@rows`. */
  readonly read: <Found>(sql: string, values: readonly SQLInputValue[]) => readonly Found[];
}

interface FoundPage {
  readonly found: readonly WrittenRow[];
  /** Where the next page goes on; null: there is none. */
  readonly next: number | null;
}

const isRange = (one: Condition) => 'atLeast' in one || 'below' in one;

/** Ways to the rows by one index: one value of a column, or a range of one. */
function waysOf(where: readonly Condition[]): (readonly Condition[])[] {
  const [range] = where.filter(isRange);
  const column = range !== undefined && 'column' in range ? range.column : undefined;
  const ranges = where.filter((one) => isRange(one) && 'column' in one && one.column === column);
  return [
    ...where.filter((one) => 'is' in one).map((one) => [one]),
    ...(ranges.length > 0 ? [ranges] : []),
  ];
}

/** All conditions, of which only those of one way may use an index. */
const byWay = ({ where, columns }: Search, way: readonly Condition[]): ConditionSql =>
  allSql(where.map((one) => conditionSql(one, columns, way.includes(one))));

/** @throws Error for a column that the table does not have */
export async function searchRows(search: Search): Promise<FoundPage> {
  const { where, columns, read } = search;
  const { few = searchedFew } = search.limits ?? {};
  const ways = waysOf(where);
  for (const way of ways) {
    const [sql, values] = allSql(way.map((one) => conditionSql(one, columns)));
    const leads = read(`SELECT 1 FROM @rows WHERE ${sql} LIMIT ?`, [...values, few + 1]).length;
    if (leads <= few) return pageAtOnce(search, way);
  }
  return await pageInSteps(
    search,
    ways.find(([first]) => first !== undefined && 'is' in first) ?? [],
  );
}

const orderOf = ({ isNewestFirst }: Search) =>
  isNewestFirst
    ? ({ direction: 'DESC', beyond: '<', within: '>=' } as const)
    : ({ direction: 'ASC', beyond: '>', within: '<=' } as const);

/** A way that leads to few rows: they are all looked at. */
function pageAtOnce(search: Search, way: readonly Condition[]): FoundPage {
  const { read, limit, after } = search;
  const { direction, beyond } = orderOf(search);
  const [sql, values] = byWay(search, way);
  const found = read<WrittenRow>(
    `SELECT key, born, row FROM @rows WHERE ${sql}${after === undefined ? '' : ` AND +born ${beyond} ?`}
     ORDER BY +born ${direction} LIMIT ?`,
    [...values, ...(after === undefined ? [] : [after]), limit + 1],
  );
  const page = found.slice(0, limit);
  return { found: page, next: found.length > limit ? (page.at(-1)?.born ?? null) : null };
}

/** Goes along one index by birth, a step at a time, until the page is full or enough was looked at. */
async function pageInSteps(search: Search, way: readonly Condition[]): Promise<FoundPage> {
  const { read, limit, turn, columns } = search;
  const { perStep = searchedPerStepMax, perPage = searchedPerPageMax } = search.limits ?? {};
  const { direction, beyond, within } = orderOf(search);
  const [wayAlone, wayValues] = allSql(way.map((one) => conditionSql(one, columns)));
  const [all, allValues] = byWay(search, way);
  const found: WrittenRow[] = [];
  let { after } = search;
  for (let lookedAt = 0; lookedAt < perPage; lookedAt += perStep) {
    const from = after === undefined ? [] : [after];
    const behind = after === undefined ? '' : ` AND born ${beyond} ?`;
    const last = await turn(async () => {
      await nextTurn();
      const [edge] = read<WrittenRow>(
        `SELECT born FROM @rows WHERE ${wayAlone}${behind} ORDER BY born ${direction} LIMIT 1 OFFSET ?`,
        [...wayValues, ...from, perStep - 1],
      );
      const upTo = edge === undefined ? '' : ` AND born ${within} ?`;
      found.push(
        ...read<WrittenRow>(
          `SELECT key, born, row FROM @rows WHERE ${all}${behind}${upTo} ORDER BY born ${direction} LIMIT ?`,
          [
            ...allValues,
            ...from,
            ...(edge === undefined ? [] : [edge.born]),
            limit + 1 - found.length,
          ],
        ),
      );
      return edge?.born;
    });
    if (found.length > limit)
      return { found: found.slice(0, limit), next: found[limit - 1]?.born ?? null };
    if (last === undefined) return { found, next: null };
    after = last;
  }
  return { found, next: after ?? null };
}
