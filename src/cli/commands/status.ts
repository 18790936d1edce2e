/** `status`: how the registry is, in a few lines; `version` and `whoami`. */
import type { BrokerShape } from '../../api/brokers.ts';
import type { Proposal, Request, User, Window } from '../../api/output.ts';
import { everyItem, type List } from '../client/lists.ts';
import { ProblemAnswered } from '../client/problem.ts';
import { type Registry, registryAt, registryUrl } from '../client/registry-client.ts';
import { signedIn } from '../client/sign-in.ts';
import { ownVersion, registryVersion } from '../client/version.ts';
import { type Call, type Command, CommandFailed, exitCodes } from '../command.ts';
import type { Piece } from '../terminal/terminal.ts';
import { countText, dateTimeText, durationText, momentText } from '../text/format.ts';
import { permissionText, rightsText } from '../text/rights.ts';

const windowPath = '/client-registry';
const nameWidth = 10;
const siemLagToldSeconds = 60;

/** What there is to see for who asks; null: not theirs to see. */
interface Status {
  readonly url: string;
  readonly version: string | null;
  readonly signedInAs: string | null;
  readonly window: Window | null;
  readonly waiting: { readonly count: number; readonly contested: number } | null;
  readonly clients: Readonly<Record<string, number>> | null;
  readonly sessions: number | null;
  readonly brokers: readonly BrokerShape[] | null;
  readonly approvalsWaiting: number | null;
  /** Events that wait to be sent to a SIEM, and the age of the oldest. */
  readonly siem: { readonly events: number; readonly seconds: number } | null;
}

/** Null where somebody may not see it. */
async function unlessForbidden<Value>(work: () => Promise<Value>): Promise<Value | null> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof ProblemAnswered && error.problem.status === 403) return null;
    throw error;
  }
}

/** The gauges that the registry shows to everybody; a proxy may keep them to itself. */
async function gauges(registry: Registry): Promise<Pick<Status, 'clients' | 'sessions' | 'siem'>> {
  let text = '';
  try {
    for await (const chunk of registry.stream('/metrics')) text += Buffer.from(chunk).toString();
  } catch (error) {
    if (!(error instanceof CommandFailed)) throw error;
    return { clients: null, sessions: null, siem: null };
  }
  const found = [...text.matchAll(/^gatebook_clients\{status="(\w+)"\} (\d+)$/gm)];
  const sessions = /^gatebook_mqtt_sessions (\d+)$/m.exec(text)?.[1];
  const lag = (unit: string) =>
    Number(new RegExp(`^gatebook_siem_lag_${unit} (\\S+)$`, 'm').exec(text)?.[1] ?? 0);
  return {
    siem: { events: lag('events'), seconds: lag('seconds') },
    clients:
      found.length === 0
        ? null
        : Object.fromEntries(found.map(([, status = '', count]) => [status, Number(count)])),
    sessions: sessions === undefined ? null : Number(sessions),
  };
}

async function waitingIn(registry: Registry): Promise<NonNullable<Status['waiting']>> {
  let [count, contested] = [0, 0];
  const path = `${windowPath}/requests`;
  for await (const one of everyItem<Request>(registry, path, { status: 'pending' })) {
    count += 1;
    if (one.contested) contested += 1;
  }
  return { count, contested };
}

async function statusOf(registry: Registry): Promise<Status> {
  const asked = <Body>(path: string, query = {}) =>
    unlessForbidden(async () => (await registry.get<Body>(path, query)).body);
  // Whether somebody is there, and who we are to them, is asked first: its fault is the answer.
  const me = await registry.get<User>('/whoami');
  return {
    url: registry.url,
    version: await registryVersion(registry).catch(() => null),
    signedInAs: me.body.username,
    window: await asked<Window>(windowPath),
    waiting: await unlessForbidden(() => waitingIn(registry)),
    ...(await gauges(registry)),
    brokers: (await asked<List<BrokerShape>>('/brokers'))?.items ?? null,
    approvalsWaiting:
      (await asked<List<Proposal>>('/approvals', { status: 'waiting', limit: 1_000 }))?.items
        .length ?? null,
  };
}

function windowPiece(window: Window, now: Date): Piece {
  const { status, until, unlockedBy, requestCount, maxRequests, usernamePattern, sources } = window;
  if (status === 'locked') {
    const since = window.lockedAt === null ? '' : ` since ${momentText(window.lockedAt, now)}`;
    const knocks =
      window.knockCount === 0 ? '' : `, ${countText(window.knockCount, 'knock')} since`;
    return `locked${since}${knocks}. Open with: gatebook unlock`;
  }
  const restMs = Math.max(0, Date.parse(until ?? '') - now.getTime());
  const limits = [
    usernamePattern === null ? '' : ` for ${usernamePattern}`,
    sources.length === 0 ? '' : ` from ${sources.join(' ')}`,
    maxRequests === null ? '' : `, ${requestCount} of ${maxRequests.toLocaleString('en')} asked`,
  ].join('');
  const text = `unlocked by ${unlockedBy} until ${momentText(until, now)} (${durationText(restMs)})${limits}`;
  return { text, style: 'warning' };
}

function waitingPiece({ count, contested }: NonNullable<Status['waiting']>): Piece {
  if (count === 0) return 'nobody';
  const but = contested === 0 ? '' : `, ${contested.toLocaleString('en')} contested`;
  const text = `${countText(count, 'request')}${but}. See: gatebook requests`;
  return { text, style: 'warning' };
}

function clientsText({ clients, sessions }: Status): string {
  const counts = Object.entries(clients ?? {})
    .filter(([status, count]) => count > 0 && status !== 'pending')
    .map(([status, count]) => `${count.toLocaleString('en')} ${status}`);
  const live = sessions === null ? [] : [countText(sessions, 'live session')];
  return [...counts, ...live].join(', ');
}

const brokersPiece = (brokers: readonly BrokerShape[]): Piece => {
  const text = brokers
    .map(({ name, status, drift, lagEvents }) => {
      const behind = lagEvents === 0 ? '' : `, ${countText(lagEvents, 'event')} behind`;
      const differs = drift.length === 0 ? '' : `, ${countText(drift.length, 'difference')}`;
      return `${name} ${status}${behind}${differs}`;
    })
    .join('; ');
  const isWell = brokers.every(({ status, drift }) => status === 'up' && drift.length === 0);
  return { text, style: isWell ? 'good' : 'bad' };
};

/** Nothing as long as what waits is what has just happened. */
function siemPiece({ events, seconds }: NonNullable<Status['siem']>): Piece | null {
  if (seconds < siemLagToldSeconds) return null;
  const since = durationText(seconds * 1_000);
  const text = `${countText(events, 'event waits', 'events wait')} to be sent, the oldest for ${since}. See: gatebook doctor`;
  return { text, style: 'warning' };
}

async function runStatus(call: Call): Promise<number> {
  const status = await statusOf(await signedIn(call));
  if (call.json) {
    call.terminal.json(JSON.stringify(status));
    return exitCodes.done;
  }
  const { url, version, signedInAs, window, waiting, clients, brokers, approvalsWaiting } = status;
  const facts: [string, Piece | null][] = [
    [
      'Gatebook',
      `${version ?? 'of a version that it does not tell'} at ${url}, signed in as ${signedInAs}`,
    ],
    ['Registry', window && windowPiece(window, call.now())],
    ['Waiting', waiting && waitingPiece(waiting)],
    ['Clients', clients && clientsText(status)],
    ['Brokers', brokers && brokersPiece(brokers)],
    [
      'Approvals',
      approvalsWaiting
        ? `${countText(approvalsWaiting, 'waits', 'wait')}. See: gatebook approvals`
        : null,
    ],
    ['SIEM', status.siem && siemPiece(status.siem)],
  ];
  for (const [name, piece] of facts)
    if (piece !== null) call.terminal.line({ text: name.padEnd(nameWidth), style: 'faint' }, piece);
  return exitCodes.done;
}

async function runVersion(call: Call): Promise<number> {
  const own = ownVersion();
  const registry = registryAt(registryUrl(call.text('url') ?? call.settings.url), null);
  // Where none is running, the command line still has a version.
  const theirs = await registryVersion(registry).catch((error) => {
    if (error instanceof CommandFailed) return null;
    throw error;
  });
  if (call.json) call.terminal.json(JSON.stringify({ commandLine: own, registry: theirs }));
  else {
    call.terminal.line(`gatebook ${own}`);
    call.terminal.line(
      theirs === null
        ? `no registry answers at ${registry.url}`
        : `registry ${theirs} at ${registry.url}`,
    );
  }
  return exitCodes.done;
}

async function runWhoami(call: Call): Promise<number> {
  const registry = await signedIn(call);
  const { body, text } = await registry.get<User & { tokenExpiresAt: string | null }>('/whoami');
  if (call.json) call.terminal.json(text);
  else {
    const rights = rightsText(body);
    call.terminal.line(
      { text: body.username, style: 'strong' },
      ` at ${registry.url}, until ${dateTimeText(body.tokenExpiresAt)}: ${rights === '' ? 'no rights' : rights}.`,
    );
    for (const permission of body.effectivePermissions)
      call.terminal.line(`  ${permissionText(permission)}`);
  }
  return exitCodes.done;
}

export const statusCommands: readonly Command[] = [
  {
    name: 'status',
    summary: 'see at a glance: the lock, who waits, clients, brokers',
    positionals: '',
    options: {},
    notes: ['What you may not see is left out.'],
    examples: ['gatebook status', 'gatebook status --json'],
    run: runStatus,
  },
  {
    name: 'whoami',
    summary: 'see who you are to the registry, and what you may do',
    positionals: '',
    options: {},
    examples: ['gatebook whoami'],
    run: runWhoami,
  },
  {
    name: 'version',
    summary: 'see the version of this command line, and of the registry',
    positionals: '',
    options: {},
    examples: ['gatebook version'],
    run: runVersion,
  },
];
