/** Lists: the options that choose a page, and the request for it. */
import type { Call, CommandOptions } from '../command.ts';
import { countOf } from '../text/parse.ts';
import { notGatebook } from './problem.ts';
import type { QueryParameters, Registry } from './registry-client.ts';

const pageDefault = 100;
const pageMax = 1_000;
export interface List<Item> {
  readonly items: readonly Item[];
  readonly nextCursor: string | null;
}

/** Pages that a search over everything may read. */
const pagesMax = 1_000;

export const listOptions: CommandOptions = {
  limit: { value: 'N', help: `how many, 1 to ${pageMax} (default ${pageDefault})` },
  cursor: { value: 'C', help: 'go on after a page: its nextCursor' },
};

type ListSource = Pick<Registry, 'get'> & Partial<Pick<Registry, 'url'>>;

async function listAt<Item>(registry: ListSource, path: string, query: QueryParameters) {
  const answer = await registry.get<List<Item>>(path, query);
  if (!Array.isArray(answer.body.items)) throw notGatebook(registry.url ?? path, 200);
  return answer;
}

/** One page, as `--limit` and `--cursor` say. */
export const page = <Item>(
  call: Call,
  registry: ListSource,
  path: string,
  query: QueryParameters = {},
) =>
  listAt<Item>(registry, path, {
    ...query,
    limit: call.read('limit', (text) => countOf(text, 1, pageMax)),
    cursor: call.text('cursor'),
  });

/** Says that there is more than the page shows. */
export function sayMore(call: Call, list: List<unknown>): void {
  if (list.nextCursor !== null)
    call.terminal.line({
      text: `There is more: --limit ${pageMax}, or --cursor ${list.nextCursor}`,
      style: 'faint',
    });
}

/** Every item of a list, newest first. */
export async function* everyItem<Item>(registry: Registry, path: string, query: QueryParameters) {
  let cursor: string | null = null;
  for (let read = 0; read < pagesMax; read++) {
    const { body }: { body: List<Item> } = await listAt<Item>(registry, path, {
      ...query,
      limit: pageMax,
      cursor,
    });
    yield* body.items;
    cursor = body.nextCursor;
    if (cursor === null) return;
  }
}
