/** All rows of a projection that fulfil a condition, a page at a time, however many there are. */
import type { RowQuery, RowRange, Rows } from './row-table.ts';

const pageSize = 1_000;

/** Each page is read when its first row is asked for: rows may change in between. */
export function* everyRow<Row>(
  rows: Pick<Rows<Row>, 'find'>,
  query: Pick<RowQuery, 'where' | 'order'> = {},
): Generator<Row, void, void> {
  let cursor: string | undefined;
  do {
    const page = rows.find({ ...query, limit: pageSize, cursor });
    yield* page.items;
    cursor = page.nextCursor ?? undefined;
  } while (cursor !== undefined);
}

/** The rows with a value in a range, in its order and a page at a time. */
export function* pagesBetween<Row>(
  rows: Pick<Rows<Row>, 'between'>,
  range: Omit<RowRange, 'after'>,
): Generator<readonly Row[], void, void> {
  let after: RowRange['after'];
  do {
    const page = rows.between({ ...range, after });
    yield page.items;
    after = page.next ?? undefined;
  } while (after !== undefined);
}
