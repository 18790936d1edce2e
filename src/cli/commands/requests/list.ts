/** For administrators: `requests list`, who asks, once or live. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Request, Window } from '../../../api/output.ts';
import { everyItem, type List, listOptions, page, sayMore } from '../../client/lists.ts';
import type { Registry } from '../../client/registry-client.ts';
import { signedIn } from '../../client/sign-in.ts';
import { type Call, type Command, CommandFailed, exitCodes } from '../../command.ts';
import { untilInterrupted } from '../../terminal/interrupt.ts';
import { countText, durationText, momentText, pairingText } from '../../text/format.ts';
import { MistypedError } from '../../text/mistyped.ts';
import { countOf } from '../../text/parse.ts';
import {
  type Choice,
  choiceOf,
  choiceOptions,
  flowText,
  kindPiece,
  requestTable,
} from './shown.ts';

const windowPath = '/client-registry';
const requestsPath = `${windowPath}/requests`;
const statuses = ['pending', 'granted', 'denied', 'expired', 'all'];
const watchEveryMs = 1_000;
const watchedMax = 1_000;
const shownDefault = 100;

/** What is asked for, and how it is shown. */
interface RequestsAsked {
  readonly status: string;
  readonly query: { readonly status: string | null; readonly q: string | null };
  readonly choice: Choice;
}

async function runList(call: Call): Promise<number> {
  const status = call.text('status') ?? 'pending';
  if (!statuses.includes(status))
    throw new MistypedError(`"${status}" is no status. Give one of ${statuses.join(', ')}.`);
  const limit = call.read('limit', (text) => countOf(text, 1, watchedMax)) ?? shownDefault;
  const query = { status: status === 'all' ? null : status, q: call.text('query') };
  const wanted: RequestsAsked = { status, query, choice: choiceOf(call) };
  const registry = await signedIn(call);
  if (call.has('watch')) {
    await untilInterrupted((signal) => watch(call, registry, wanted, signal), { orUnread: true });
    return exitCodes.done;
  }
  if (call.json && wanted.choice.isPlain) {
    const { text } = await page<Request>(call, registry, requestsPath, query);
    call.terminal.json(text);
    return exitCodes.done;
  }
  const { chosen, isAll, cursor } = await chosenOf(call, registry, wanted);
  const shown = chosen.slice(0, limit);
  if (call.json) {
    call.terminal.json(JSON.stringify({ items: shown, nextCursor: null }));
    return exitCodes.done;
  }
  const now = call.now();
  if (shown.length > 0)
    call.terminal.table(...requestTable(shown, status === 'pending', now, call.terminal.columns));
  if (!isAll) sayMore(call, { items: shown, nextCursor: cursor });
  else if (shown.length < chosen.length)
    call.terminal.line({
      text: `${(chosen.length - shown.length).toLocaleString('en')} more: --limit ${watchedMax}, or choose with --flow, --from, --context, --contested`,
      style: 'faint',
    });
  call.terminal.line(await summary(registry, chosen, isAll, wanted, now));
  return exitCodes.done;
}

/**
 * Of those that wait all are read: the contested ones come first, whoever asked since. Of the past it is the
 * newest page, unless something is chosen of it.
 */
async function chosenOf(call: Call, registry: Registry, { status, query, choice }: RequestsAsked) {
  if (call.text('cursor') !== null || (status !== 'pending' && choice.isPlain)) {
    const { body } = await page<Request>(call, registry, requestsPath, query);
    const chosen = choice.isPlain ? [...body.items] : choice.of(body.items);
    return { chosen, isAll: body.nextCursor === null, cursor: body.nextCursor };
  }
  const all: Request[] = [];
  for await (const request of everyItem<Request>(registry, requestsPath, query)) all.push(request);
  return { chosen: choice.of(all), isAll: true, cursor: null };
}

/** `3 pending. Locks in 4 min 12 s.` */
async function summary(
  registry: Registry,
  { length }: readonly Request[],
  isAll: boolean,
  { status, choice }: RequestsAsked,
  now: Date,
): Promise<string> {
  const what = status === 'all' ? countText(length, 'request') : `${length} ${status}`;
  const suffix = isAll ? (choice.isPlain ? '' : ' chosen') : ' shown';
  const none = `No ${status === 'all' ? '' : `${status} `}requests${choice.isPlain ? '' : ' that fit'}.`;
  const counted = length === 0 ? none : `${what}${suffix}.`;
  // Who may see requests may lack the right to see the window; then it is left out.
  const answer = await registry.get<Window>(windowPath).catch(() => null);
  if (answer === null) return counted;
  const { status: state, until, knockCount } = answer.body;
  if (state === 'unlocked') {
    const restMs = Math.max(0, Date.parse(until ?? '') - now.getTime());
    return `${counted} Locks in ${durationText(Math.ceil(restMs / 1_000) * 1_000)}.`;
  }
  const knocks = knockCount === 0 ? '' : ` ${countText(knockCount, 'knock')} since.`;
  return `${counted} Locked.${knocks} Open with: gatebook unlock`;
}

/** Redraws the table on a terminal; elsewhere one line (with `--json`: one request) for every change. */
async function watch(
  call: Call,
  registry: Registry,
  { status, query, choice }: RequestsAsked,
  signal: AbortSignal,
): Promise<void> {
  const live = call.terminal.isTerminal && !call.json;
  const seen = new Map<string, string>();
  let isAway = false;
  for (; !signal.aborted; await sleep(watchEveryMs, undefined, { signal })) {
    try {
      const { body } = await registry.get<List<Request>>(requestsPath, {
        ...query,
        limit: watchedMax,
      });
      const chosen = choice.of(body.items);
      const isAll = body.nextCursor === null;
      if (live) {
        const now = call.now();
        const said = await summary(registry, chosen, isAll, { status, query, choice }, now);
        const table = requestTable(chosen, status === 'pending', now, call.terminal.columns);
        call.terminal.redraw(...table, `${said}  (Ctrl-C stops)`);
      } else await sayChanges(call, registry, chosen, seen);
      isAway = false;
    } catch (error) {
      if (!(error instanceof CommandFailed) || error.exitCode !== exitCodes.unreachable)
        throw error;
      if (!isAway) call.terminal.error(`${error.message} Trying on (Ctrl-C stops).`);
      isAway = true;
    }
  }
}

async function sayChanges(
  call: Call,
  registry: Registry,
  list: readonly Request[],
  seen: Map<string, string>,
): Promise<void> {
  const say = (request: Request) => {
    if (call.json) return call.terminal.json(JSON.stringify(request));
    const kind = kindPiece(request);
    const parts = [
      momentText(request.decision?.at ?? request.requestedAt, call.now()),
      request.status,
      request.username,
      pairingText(request.pairingId),
      typeof kind === 'string' ? kind : kind.text,
      flowText(request),
      request.source ?? '–',
    ];
    call.terminal.line(parts.join('  '));
  };
  const gone = new Set(seen.keys());
  // Oldest first, as it happened.
  for (const request of list.toSorted((one, other) =>
    one.requestedAt < other.requestedAt ? -1 : 1,
  )) {
    gone.delete(request.requestId);
    const state = `${request.status} ${request.conflictCount}`;
    if (seen.get(request.requestId) === state) continue;
    seen.set(request.requestId, state);
    say(request);
  }
  for (const requestId of gone) {
    seen.delete(requestId);
    say((await registry.get<Request>(`${requestsPath}/${requestId}`)).body);
  }
}

export const requestsCommands: readonly Command[] = [
  {
    name: 'requests list',
    summary: 'see who asks',
    positionals: '',
    options: {
      status: { value: 'S', help: `${statuses.join(', ')} (default pending)` },
      query: { value: 'T', help: 'only those with this in the name or the pairing ID' },
      ...choiceOptions,
      watch: { help: 'go on and show what changes, until Ctrl-C' },
      ...listOptions,
    },
    examples: [
      'gatebook requests',
      'gatebook requests --watch',
      'gatebook requests --contested',
      'gatebook requests --from 10.4.0.0/16 --context line=4 --sort name',
      'gatebook requests --status all --json',
    ],
    run: runList,
  },
];
