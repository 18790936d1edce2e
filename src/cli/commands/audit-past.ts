/** For auditors: `replay`, `explain`, `access` and `report`, which look back. */
import { type ClientEvent, client } from '../../../domain/client/client.ts';
import type { AccessThen, Explanation, WindowReport } from '../../api/audit.ts';
import type { Event, User, Window } from '../../api/output.ts';
import { writePrivateFile } from '../../platform/private-file.ts';
import { type AuditSource, exportOption, withAuditSource } from '../client/audit-source.ts';
import { type List, listOptions, page, sayMore } from '../client/lists.ts';
import { signedIn } from '../client/sign-in.ts';
import { type Call, type Command, CommandFailed, exitCodes, usageFault } from '../command.ts';
import { fileFault } from '../fault.ts';
import { promptLine } from '../terminal/prompt.ts';
import { countText, dateTimeText } from '../text/format.ts';
import { pastInstantOf } from '../text/instants.ts';
import { rightsText } from '../text/rights.ts';
import { explanationLines, whoOf } from './explanation.ts';
import { detailsText } from './history.ts';

const atOption = {
  at: {
    value: 'T',
    help: 'the moment: 14:30, yesterday, 2h (ago), a day, 2026-11-23T14:30:00Z (default now)',
  },
};

/** The moment of `--at`; a duration counts back from now. */
const momentOf = (call: Call): string =>
  call.read('at', (text) => pastInstantOf(text, call.now())) ?? call.now().toISOString();

/** What each event changed, as far as the states of clients and the window tell. */
function walker() {
  const clients = new Map<string, typeof client.initial>();
  let window = 'locked';
  return (event: Event): string => {
    const { stream, type, username } = event;
    if (stream.startsWith('registry-')) {
      const before = window;
      window = type === 'RegistryUnlocked' ? 'unlocked' : 'locked';
      return `${before} → ${window}`;
    }
    if (username === null || !stream.startsWith('client-')) return '';
    const before = clients.get(username) ?? client.initial;
    // Personal fields come opened, and the fold does not look at them.
    const after = client.evolve(before, { type, data: event.data } as unknown as ClientEvent);
    clients.set(username, after);
    const challenged = 'challenger' in after && after.challenger ? ', challenged' : '';
    return `${before.status} → ${after.status}${challenged}`;
  };
}

async function showState(
  call: Call,
  registry: AuditSource,
  username: string | null,
): Promise<number> {
  const at = momentOf(call);
  const { body, text } = await registry.get<
    User & { window: Window; counts: Record<string, number> }
  >('/audit/state', { at, username });
  if (call.json) call.terminal.json(text);
  else if (username !== null) {
    call.terminal.line(
      `${username} was ${body.status} at ${dateTimeText(at)}, since ${dateTimeText(body.changedAt)}.`,
    );
    const rights = rightsText(body);
    if (rights !== '') call.terminal.line(`It held ${rights}.`);
    for (const { broker, status, at: since } of body.activations)
      call.terminal.line(
        `At ${broker}: ${status}${since === null ? '' : ` since ${dateTimeText(since)}`}.`,
      );
  } else {
    const { window, counts } = body;
    call.terminal.line(
      `At ${dateTimeText(at)} the registry was ${window.status}${window.status === 'unlocked' ? ` by ${window.unlockedBy} until ${dateTimeText(window.until)}` : ''}; ${countText(counts.events ?? 0, 'event')} had happened.`,
    );
    call.terminal.table(
      ['CLIENTS', 'COUNT'],
      Object.entries(counts)
        .filter(([name]) => name !== 'events')
        .map(([name, count]) => [name, count.toLocaleString('en')]),
    );
  }
  return exitCodes.done;
}

async function runReplay(call: Call, registry: AuditSource): Promise<number> {
  const [username = null] = call.positionals;
  if (call.text('at') !== null) return await showState(call, registry, username);
  const steps = call.has('step') && call.terminal.isTerminal;
  const change = walker();
  let isNothing = true;
  let cursor: string | null = null;
  do {
    const { body, text }: { body: List<Event>; text: string } = await registry.get<List<Event>>(
      '/audit/events',
      { username, order: 'asc', limit: 1_000, cursor },
    );
    for (const event of body.items) {
      isNothing = false;
      if (call.json) {
        call.terminal.json(JSON.stringify({ ...event, change: change(event) }));
        continue;
      }
      const changed = change(event);
      call.terminal.line(
        `${String(event.index).padStart(6)}  ${dateTimeText(event.at)}  ${event.type}`,
        ...(event.username === null ? [] : [` ${event.username}`]),
        ` by ${whoOf(event)}`,
        ...(changed === '' ? [] : [{ text: `  ${changed}`, style: 'strong' as const }]),
        { text: `  ${detailsText(event)}`, style: 'faint' },
      );
      if (steps && /^q/i.test(await promptLine('Enter: the next one; q: stop  ')))
        return exitCodes.done;
    }
    cursor = body.nextCursor;
    if (text === '') break;
  } while (cursor !== null);
  if (isNothing && !call.json)
    call.terminal.line(
      username === null ? 'Nothing happened yet.' : `Nothing is known of ${username}.`,
    );
  return exitCodes.done;
}

/** The registry explains what is; an export also what was. */
async function runExplain(call: Call): Promise<number> {
  if (call.has('at') && !call.has('export'))
    throw usageFault('--at goes with --export: the registry explains how it is now.', [
      'How it was at a moment: gatebook replay NAME --at T',
    ]);
  const until = call.has('at') ? momentOf(call) : null;
  return await withAuditSource(call, (source) => explain(call, source), until);
}

async function explain(call: Call, registry: AuditSource): Promise<number> {
  const [username = ''] = call.positionals;
  const path = `/audit/explain/${encodeURIComponent(username)}`;
  const { body, text } = await registry.get<Explanation>(path);
  if (call.json) call.terminal.json(text);
  else for (const line of explanationLines(body)) call.terminal.line(line);
  return exitCodes.done;
}

const spanText = (span: AccessThen['intended'] | null) =>
  span === null
    ? 'never'
    : `${dateTimeText(span.from)} – ${span.to === null ? 'now' : dateTimeText(span.to)}`;

/** Two spans of time need as much: what is narrower has them on lines of their own, whole. */
const accessColumns = 140;

function showAccess({ terminal }: Call, found: readonly AccessThen[]): void {
  const { columns } = terminal;
  if (columns === null || columns >= accessColumns) {
    terminal.table(
      ['NAME', 'MAY', 'RESOURCE', 'VIA', 'AS MEANT', 'IN EFFECT', 'BROKER'],
      found.map((one) => [
        ...[one.username, one.operation, one.resource, one.via],
        ...[spanText(one.intended), spanText(one.effective), one.broker ?? '–'],
      ]),
    );
    return;
  }
  for (const { username, operation, resource, via, intended, effective, broker } of found) {
    terminal.line({ text: username, style: 'strong' }, ` ${operation} ${resource} (${via})`);
    terminal.line(`  as meant   ${spanText(intended)}`);
    terminal.line(`  in effect  ${spanText(effective)}${broker === null ? '' : ` at ${broker}`}`);
  }
}

async function runAccess(call: Call): Promise<number> {
  if ((call.text('topic') === null) === (call.text('user') === null))
    throw usageFault('Ask for a topic or for a client, one of the two.', [
      'gatebook access --topic plant/press-17/state --at 2026-11-23',
    ]);
  return await withAuditSource(call, (source) => access(call, source));
}

async function access(call: Call, registry: AuditSource): Promise<number> {
  const topic = call.text('topic');
  const username = call.text('user');
  const at = momentOf(call);
  const { body, text } = await page<AccessThen>(call, registry, '/audit/access', {
    ...{ at, topic, username },
  });
  if (call.json) call.terminal.json(text);
  else if (body.items.length === 0) call.terminal.line(`Nobody could at ${dateTimeText(at)}.`);
  else {
    showAccess(call, body.items);
    sayMore(call, body);
  }
  return exitCodes.done;
}

async function runReport(call: Call): Promise<number> {
  const registry = await signedIn(call);
  const given = call.positionals[0] ?? null;
  const windowId = given ?? (await registry.get<Window>('/client-registry')).body.windowId;
  if (windowId === null)
    throw new CommandFailed(exitCodes.refused, 'The registry was never unlocked.');
  const path = `/audit/windows/${encodeURIComponent(windowId)}/report`;
  const out = call.text('out');
  if (out !== null) {
    const accept = out.endsWith('.html') ? 'text/html' : 'application/json';
    const chunks: Uint8Array[] = [];
    for await (const chunk of registry.stream(`/api${path}`, {}, accept)) chunks.push(chunk);
    await writePrivateFile(out, Buffer.concat(chunks).toString()).catch((error) =>
      fileFault(error, out),
    );
    call.terminal.line(`Wrote the report of window ${windowId} to ${out}.`);
    return exitCodes.done;
  }
  const { body, text } = await registry.get<WindowReport>(path);
  if (call.json) call.terminal.json(text);
  else {
    const { window, limits, counts, requests, signature } = body;
    call.terminal.line(
      `Opened ${dateTimeText(window.unlockedAt)} by ${window.unlockedBy}, ${window.status === 'unlocked' ? `until ${dateTimeText(window.until)}` : `locked ${dateTimeText(window.lockedAt)} ${window.lockedBy === null ? 'by itself' : `by ${window.lockedBy}`}`}.`,
    );
    call.terminal.table(
      ['LIMITS SET', 'BY', 'UNTIL', 'FOR', 'FROM', 'AT MOST', 'ASKED', 'NOTE'],
      limits.map(({ at, by, until, usernamePattern, sources, ...set }) => [
        ...[dateTimeText(at), by, dateTimeText(until), usernamePattern ?? 'every name'],
        ...[sources.length === 0 ? 'everywhere' : sources.join(' '), String(set.maxRequests)],
        ...[String(set.requestCount), set.note ?? '–'],
      ]),
    );
    call.terminal.line(
      Object.entries(counts)
        .map(([name, count]) => `${name} ${count.toLocaleString('en')}`)
        .join(', '),
    );
    if (requests.length > 0)
      call.terminal.table(
        ['NAME', 'KIND', 'SOURCE', 'STATUS', 'BY', 'REASON'],
        requests.map(({ username, kind, source, status, decision }) => [
          ...[username, kind, source ?? '–', status],
          ...[decision?.by ?? '–', decision?.reason ?? ''],
        ]),
      );
    call.terminal.line({ text: signature, style: 'faint' });
  }
  return exitCodes.done;
}

export const auditPastCommands: readonly Command[] = [
  {
    name: 'replay',
    summary: 'walk through what happened, or see how things were at a moment',
    positionals: '[NAME]',
    options: {
      at: {
        value: 'T',
        help: 'not what happened, but how things were: at 14:30, yesterday, 2h (ago) or 2026-11-23T14:30:00Z',
      },
      step: { help: 'wait after each event, on a terminal' },
      ...exportOption,
    },
    examples: ['gatebook replay press-17 --step', 'gatebook replay --at 2026-11-23T14:30:00Z'],
    run: (call) => withAuditSource(call, (source) => runReplay(call, source)),
  },
  {
    name: 'explain',
    summary: 'see why a client has what it has',
    positionals: 'NAME',
    options: {
      ...exportOption,
      at: { value: 'T', help: 'with --export: as it was at this moment' },
    },
    examples: [
      'gatebook explain press-17',
      'gatebook explain press-17 --export log.ndjson --at 2026-11-23T14:30:00Z',
    ],
    run: runExplain,
  },
  {
    name: 'access',
    summary: 'see who could use a topic at a moment, or what a client could',
    positionals: '',
    options: {
      ...atOption,
      topic: { value: 'TOPIC', help: 'who could publish or subscribe to it' },
      user: { value: 'NAME', help: 'what this client could do' },
      ...listOptions,
      ...exportOption,
    },
    examples: [
      'gatebook access --topic plant/press-17/state --at 2026-11-23T14:30:00Z',
      'gatebook access --user press-17',
      'gatebook access --export log.ndjson --user press-17 --at 2026-11-23',
    ],
    run: runAccess,
  },
  {
    name: 'report',
    summary: 'write the signed report of a window (the newest when none is named)',
    positionals: '[WINDOW-ID]',
    options: { out: { value: 'FILE', help: 'write it: .html prints well, anything else is JSON' } },
    examples: ['gatebook report --out unlock.html'],
    run: runReport,
  },
];
