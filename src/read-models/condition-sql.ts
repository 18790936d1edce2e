/** What rows must fulfil, and how SQLite is asked for it. */
import type { SQLInputValue } from 'node:sqlite';
import type { ColumnValue } from '../../projections/projection.ts';

/**
 * What a row must fulfil; `key` and `born` (the number of the event that made it) are columns too. All
 * conditions of a query must hold.
 */
export type Condition =
  | { readonly column: string; readonly is: ColumnValue }
  | { readonly column: string; readonly isOneOf: readonly string[] }
  | { readonly column: string; readonly atLeast: string | number }
  | { readonly column: string; readonly below: string | number }
  /** Anywhere in it, in either case. */
  | { readonly column: string; readonly contains: string }
  /** Anywhere in it, to the letter. */
  | { readonly column: string; readonly includes: string }
  | { readonly anyOf: readonly Condition[] };

export type ConditionSql = readonly [sql: string, values: readonly SQLInputValue[]];

/**
 * A condition as SQL. `isIndexed` false: no index is used for it, which unary plus tells SQLite.
 * @throws Error for a column that the table does not have
 */
export function conditionSql(
  condition: Condition,
  columns: ReadonlySet<string>,
  isIndexed = true,
): ConditionSql {
  if ('anyOf' in condition) {
    const parts = condition.anyOf.map((one) => conditionSql(one, columns, isIndexed));
    return [
      `(${parts.map(([sql]) => sql).join(' OR ') || '0'})`,
      parts.flatMap(([, values]) => values),
    ];
  }
  if (!columns.has(condition.column)) throw new Error(`no column ${condition.column}`);
  const name = `${isIndexed ? '' : '+'}"${condition.column}"`;
  // Not "IS ?": the indexes leave NULL out, and SQLite uses them only where it sees that none is asked for.
  if ('is' in condition)
    return condition.is === null ? [`${name} IS NULL`, []] : [`${name} = ?`, [condition.is]];
  if ('isOneOf' in condition)
    return [`${name} IN (${condition.isOneOf.map(() => '?').join(', ')})`, [...condition.isOneOf]];
  if ('atLeast' in condition) return [`${name} >= ?`, [condition.atLeast]];
  if ('below' in condition) return [`${name} < ?`, [condition.below]];
  if ('includes' in condition) return [`instr(${name}, ?) > 0`, [condition.includes]];
  // instr() takes the text as it stands: no wildcard in it means anything.
  return [`instr(lower(${name}), lower(?)) > 0`, [condition.contains]];
}

/** All of them together. */
export function allSql(parts: readonly ConditionSql[]): ConditionSql {
  const sql = parts.map(([part]) => part).join(' AND ');
  return [sql === '' ? '1' : sql, parts.flatMap(([, values]) => values)];
}
