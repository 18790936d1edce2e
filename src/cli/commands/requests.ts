/** For administrators: `requests`, the list of who asks, once or live. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Request, Window } from '../../api/output.ts';
import { type List, listOptions, page, sayMore } from '../client/lists.ts';
import type { Registry } from '../client/registry-client.ts';
import { signedIn } from '../client/sign-in.ts';
import { type Call, type Command, CommandFailed, exitCodes } from '../command.ts';
import { untilInterrupted } from '../terminal/interrupt.ts';
import type { Piece } from '../terminal/terminal.ts';
import { agoText, countText, durationText, momentText, pairingText } from '../text/format.ts';
import { MistypedError } from '../text/mistyped.ts';
import { permissionText } from '../text/rights.ts';

const windowPath = '/client-registry';
const requestsPath = `${windowPath}/requests`;
const statuses = ['pending', 'granted', 'denied', 'expired', 'all'];
const watchEveryMs = 1_000;
const watchedMax = 1_000;

async function runRequests(call: Call): Promise<number> {
  const status = call.text('status') ?? 'pending';
  if (!statuses.includes(status))
    throw new MistypedError(`"${status}" is no status. Give one of ${statuses.join(', ')}.`);
  const registry = await signedIn(call);
  const query = { status: status === 'all' ? null : status, q: call.text('query') };
  if (call.has('watch')) {
    await untilInterrupted((signal) => watch(call, registry, status, query.q, signal), {
      orUnread: true,
    });
    return exitCodes.done;
  }
  const { body, text } = await page<Request>(call, registry, requestsPath, query);
  if (call.json) {
    call.terminal.json(text);
    return exitCodes.done;
  }
  if (body.items.length > 0) call.terminal.table(...tableOf(body, status, call.now()));
  sayMore(call, body);
  call.terminal.line(await summary(registry, body, status, call.now()));
  return exitCodes.done;
}

const header = ['NAME', 'PAIRING', 'KIND', 'FLOW', 'SOURCE', 'ASKED', 'WANTS'];

function tableOf(list: List<Request>, status: string, now: Date): [string[], Piece[][]] {
  const row = (request: Request): Piece[] => [
    { text: request.username, style: 'strong' },
    pairingText(request.pairingId),
    kindText(request),
    flowText(request),
    request.source ?? '–',
    agoText(request.requestedAt, now),
    wantsText(request),
  ];
  return status === 'pending'
    ? [header, list.items.map(row)]
    : [[...header, 'OUTCOME'], list.items.map((one) => [...row(one), outcomeText(one, now)])];
}

/** The flow, or the door of it that has a name of its own. */
const flowText = ({ flow, door }: Request) => (door === 'est' ? door : flow);

function kindText({ kind, contested, conflictCount, csr }: Request): Piece {
  // A registry of before certificates says nothing of a key.
  const key = csr == null ? '' : `, ${csr.publicKeyAlgorithm} key ${csr.fingerprint}`;
  const names = csr?.otherNames ?? [];
  const asked = `${kind}${key}${names.length === 0 ? '' : `, same key as ${names.join(' ')}`}`;
  if (!contested) return names.length === 0 ? asked : { text: asked, style: 'warning' };
  const tries = countText(conflictCount, 'try', 'tries');
  return { text: `${asked}, contested (${tries} with another credential)`, style: 'warning' };
}

function wantsText({ requestedRoles, requestedPermissions }: Request): string {
  const roles = requestedRoles.length > 0 ? [`roles: ${requestedRoles.join(' ')}`] : [];
  const wants = [...roles, ...requestedPermissions.map(permissionText)];
  return wants.length > 0 ? wants.join(', ') : '–';
}

/** What became of a request: `granted by admin 2 min ago`. */
function outcomeText({ status, decision }: Request, now: Date): Piece {
  if (decision === null) return status;
  const text = `${status} by ${decision.by} ${agoText(decision.at, now)} ago`;
  return { text, style: status === 'granted' ? 'good' : 'bad' };
}

/** `3 pending. Locks in 4 min 12 s.` */
async function summary(registry: Registry, list: List<Request>, status: string, now: Date) {
  const { length } = list.items;
  const what = status === 'all' ? countText(length, 'request') : `${length} ${status}`;
  const suffix = list.nextCursor === null ? '' : ' shown';
  const none = `No ${status === 'all' ? '' : `${status} `}requests.`;
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
  status: string,
  q: string | null,
  signal: AbortSignal,
): Promise<void> {
  const live = call.terminal.isTerminal && !call.json;
  const seen = new Map<string, string>();
  let isAway = false;
  for (; !signal.aborted; await sleep(watchEveryMs, undefined, { signal })) {
    try {
      const { body } = await registry.get<List<Request>>(requestsPath, {
        status: status === 'all' ? null : status,
        q,
        limit: watchedMax,
      });
      if (live) {
        const last = `${await summary(registry, body, status, call.now())}  (Ctrl-C stops)`;
        call.terminal.redraw(...tableOf(body, status, call.now()), last);
      } else await sayChanges(call, registry, body, seen);
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
  list: List<Request>,
  seen: Map<string, string>,
): Promise<void> {
  const say = (request: Request) => {
    if (call.json) return call.terminal.json(JSON.stringify(request));
    const kind = kindText(request);
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
  for (const request of [...list.items].reverse()) {
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
    name: 'requests',
    summary: 'see who asks',
    positionals: '',
    options: {
      status: { value: 'S', help: `${statuses.join(', ')} (default pending)` },
      query: { value: 'T', help: 'only those with this in the name or the pairing ID' },
      watch: { help: 'go on and show what changes, until Ctrl-C' },
      ...listOptions,
    },
    examples: [
      'gatebook requests',
      'gatebook requests --watch',
      'gatebook requests --status all --json',
    ],
    run: runRequests,
  },
];
