/** The newest events, and then every one that happens, each once and in the log's order. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Event } from '../../api/output.ts';
import { type List, page } from '../client/lists.ts';
import { ProblemAnswered } from '../client/problem.ts';
import type { QueryParameters, Registry } from '../client/registry-client.ts';
import { signedIn } from '../client/sign-in.ts';
import { type Call, CommandFailed, exitCodes } from '../command.ts';

const eventsPath = '/audit/events';
const followEveryMs = 1_000;
/** Events of one answer, so that memory stays the same however many are new. */
const portionMax = 1_000;

/** The last event that was shown, and a place in the list that is not behind it. */
interface LogPlace {
  readonly index: number;
  readonly position: string | null;
  /** Null: the beginning of the log. */
  readonly cursor: string | null;
}

/**
 * Shows one page, the oldest first, and asks for more until the signal aborts. A registry that goes away is
 * said on stderr and waited for. @throws CommandFailed where it refuses, or is not there at the beginning
 */
export async function followEvents(
  call: Call,
  query: QueryParameters,
  show: (event: Event) => void,
  signal: AbortSignal,
): Promise<void> {
  let registry = await signedIn(call);
  const { body } = await page<Event>(call, registry, eventsPath, query);
  for (const event of body.items.toReversed()) show(event);
  const [newest] = body.items;
  let place: LogPlace = {
    index: newest?.index ?? -1,
    position: newest?.position ?? null,
    // The oldest one on the page: what is newer is passed over once.
    cursor: body.nextCursor,
  };
  const moved = (next: LogPlace) => {
    place = next;
  };
  let isAway = false;
  let isSignedIn = true;
  while (!signal.aborted) {
    await sleep(followEveryMs, undefined, { signal });
    try {
      if (!isSignedIn) registry = await signedIn(call);
      isSignedIn = true;
      await catchUp(registry, query, place, { show, moved }, signal);
      if (isAway) call.terminal.error('The registry answers again.');
      isAway = false;
    } catch (error) {
      if (signal.aborted || !(error instanceof CommandFailed)) throw error;
      if (isTokenOver(error) && hasPassword(call)) isSignedIn = false;
      else if (error.exitCode !== exitCodes.unreachable) throw error;
      else {
        if (!isAway) call.terminal.error(`${error.message} Trying on (Ctrl-C stops).`);
        isAway = true;
      }
    }
  }
}

const isTokenOver = (error: CommandFailed) =>
  error instanceof ProblemAnswered && error.problem.code === 'token-invalid';

/** Then a token was made for this call, and it ends before a long following does. */
const hasPassword = ({ settings, text }: Call) =>
  text('token') === null && settings.token === null && settings.username !== null;

/**
 * Shows what is newer than the place. A cursor is a place in the list, from which both orders lead on: the
 * newest-first page of one event tells whether there is anything new, and where the next look begins.
 */
async function catchUp(
  registry: Registry,
  query: QueryParameters,
  place: LogPlace,
  to: { show: (event: Event) => void; moved: (next: LogPlace) => void },
  signal: AbortSignal,
): Promise<void> {
  // A node that is behind the one which answered before must not answer yet.
  const reading = { position: place.position, signal };
  const read = async (changes: QueryParameters) =>
    (await registry.get<List<Event>>(eventsPath, { ...query, ...changes }, reading)).body;
  const { items, nextCursor } = await read({ limit: 1 });
  const [newest] = items;
  if (newest === undefined || newest.index <= place.index) {
    if (newest?.index === place.index) to.moved({ ...place, cursor: nextCursor });
    return;
  }
  let { cursor } = place;
  let last = place;
  for (;;) {
    const portion = await read({ order: 'asc', limit: portionMax, cursor });
    for (const event of portion.items) {
      if (event.index <= last.index) continue;
      to.show(event);
      last = { index: event.index, position: event.position, cursor };
      to.moved(last);
    }
    if (portion.nextCursor === null) return;
    cursor = portion.nextCursor;
    to.moved({ ...last, cursor });
  }
}
