/** Pages of results, and the conditions of a search. */
import { createHmac, randomBytes } from 'node:crypto';
import type { Condition } from '../read-models/condition-sql.ts';
import { cursorsOf, MalformedCursor } from '../read-models/cursor.ts';
import type { RowPage } from '../read-models/row-table.ts';

export interface Paging {
  readonly limit: number;
  readonly cursor?: string | undefined;
}

/** The condition for a value, none where it is undefined. */
export const whenGiven = <Value>(
  value: Value | undefined,
  condition: (value: Value) => Condition,
): readonly Condition[] => (value === undefined ? [] : [condition(value)]);

/** Any of the columns holds the text, in either case. */
export const search = (text: string | undefined, columns: readonly string[]) =>
  whenGiven(text, (contains) => ({ anyOf: columns.map((column) => ({ column, contains })) }));

export const mapPage = <Row, View>(page: RowPage<Row>, view: (row: Row) => View) => ({
  items: page.items.map(view),
  nextCursor: page.nextCursor,
});

export const mapPageAsync = async <Row, View>(
  page: RowPage<Row>,
  view: (row: Row) => Promise<View>,
) => ({ items: await Promise.all(page.items.map(view)), nextCursor: page.nextCursor });

/**
 * Names for the cursors of a list whose items are known by something personal: they tell nothing, and nobody
 * can make one. They hold as long as this process, like the lists in its memory.
 */
export function hiddenNames(): (name: string) => string {
  const key = randomBytes(32);
  return (name) => createHmac('sha256', key).update(name).digest('base64url').slice(0, 22);
}

/**
 * A page of a list in memory, which has a name of its own; the cursor names the last item of the page before.
 * @throws MalformedCursor
 */
export function paged<Item>(
  list: string,
  items: readonly Item[],
  name: (item: Item) => string,
  { limit, cursor }: Paging,
): RowPage<Item> {
  const cursors = cursorsOf(list);
  const after = cursor === undefined ? undefined : cursors.place(cursor);
  const at = after === undefined ? -1 : items.findIndex((item) => name(item) === after);
  if (after !== undefined && at < 0)
    throw new MalformedCursor('the cursor is none of this list, or what it names is gone');
  const page = items.slice(at + 1, at + 1 + limit);
  const last = page.at(-1);
  return {
    items: page,
    nextCursor: last !== undefined && at + 1 + limit < items.length ? cursors.at(name(last)) : null,
  };
}
