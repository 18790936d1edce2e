/** For administrators: `grant` and `deny`, by name, id or glob. */

import { fitsPattern } from '../../../domain/pattern.ts';
import type { Bulk, Request, User } from '../../api/output.ts';
import { everyItem } from '../client/lists.ts';
import { ProblemAnswered } from '../client/problem.ts';
import type { Registry } from '../client/registry-client.ts';
import { signedIn } from '../client/sign-in.ts';
import { type Call, type Command, CommandFailed, exitCodes, usageFault } from '../command.ts';
import { reportFault } from '../fault.ts';
import { dateTimeText, pairingText, shortened } from '../text/format.ts';
import { instantOf } from '../text/parse.ts';
import { activationsText, rightsText, topicsOf } from '../text/rights.ts';
import { reasonOf, rightsOf, rightsOptions } from '../text/rights-options.ts';

const requestsPath = '/client-registry/requests';
/** Ids in one bulk decision. */
const bulkMax = 1_000;
const namesShownMax = 12;
const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const isGlob = (text: string): boolean => /[*?]/.test(text);

interface BulkDecision {
  readonly verb: 'grant' | 'deny';
  readonly body: object;
  /** Says what was done to one request. */
  say(request: Request): Promise<void>;
}

async function runGrant(call: Call): Promise<number> {
  const registry = await signedIn(call);
  const rights = rightsOf(call);
  const confirms = call.has('confirm-contested');
  if (confirms && call.positionals.some(isGlob))
    throw usageFault('--confirm-contested goes with names, not with a glob.', [
      'Compare the pairing ID of each, and grant it by its name.',
    ]);
  return decideAll(call, registry, {
    verb: 'grant',
    body: { ...rights, ...reasonOf(call), ...(confirms && { confirmContested: true }) },
    say: (request) => sayGranted(call, registry, request),
  });
}

async function sayGranted(call: Call, registry: Registry, request: Request): Promise<void> {
  const { username, decision, activations } = request;
  // Who may grant may lack the right to see users; then the topics are left out.
  const user = await registry.get<User>(`/users/${encodeURIComponent(username)}`).catch(() => null);
  const topics = topicsOf(user?.body.effectivePermissions ?? []);
  const rights = rightsText(decision ?? {});
  const said = rights === '' ? 'no rights yet' : rights;
  const where = topics.length > 0 ? ` (${shortened(topics, 4).join(', ')})` : '';
  const next =
    rights === '' ? `Give some with: gatebook users authorization ${username} --role ROLE` : '';
  const sentences = [`${username}: ${said}${where}.`, activationsText(activations), next];
  call.terminal.line(
    { text: 'Granted', style: 'good' },
    ` ${sentences.filter((sentence) => sentence !== '').join(' ')}`,
  );
}

async function runDeny(call: Call): Promise<number> {
  const registry = await signedIn(call);
  const blockedUntil = call.read('block-until', (text) => instantOf(text, call.now()));
  return decideAll(call, registry, {
    verb: 'deny',
    body: { ...reasonOf(call), ...(blockedUntil !== null && { blockedUntil }) },
    say: async ({ username, kind, decision }) => {
      const until = decision?.blockedUntil ?? null;
      const next =
        kind === 'replacement'
          ? 'The active client stays as it was.'
          : until === null
            ? 'It may ask again in a later window.'
            : `It may ask again after ${dateTimeText(until)}, in a later window.`;
      call.terminal.line({ text: 'Denied', style: 'bad' }, ` ${username}. ${next}`);
    },
  });
}

/** Every name and id by itself, every glob in bulk; goes on after a refusal, and the worst exit code stands. */
async function decideAll(call: Call, registry: Registry, decision: BulkDecision): Promise<number> {
  let exitCode: number = exitCodes.done;
  for (const wanted of new Set(call.positionals)) {
    try {
      if (isGlob(wanted))
        exitCode = Math.max(exitCode, await decideGlob(call, registry, wanted, decision));
      else await decideOne(call, registry, wanted, decision);
    } catch (error) {
      // What concerns this name alone does not stop the others.
      const isOwn = error instanceof CommandFailed && error.exitCode === exitCodes.refused;
      if (!isOwn) throw error;
      reportFault(call.terminal, call.json, error);
      exitCode = exitCodes.refused;
    }
  }
  return exitCode;
}

async function decideOne(call: Call, registry: Registry, wanted: string, decision: BulkDecision) {
  const request = await found(registry, wanted);
  try {
    const path = `${requestsPath}/${request.requestId}/${decision.verb}`;
    const { body, text } = await registry.send<Request>('POST', path, decision.body);
    if (call.json) call.terminal.json(text);
    else await decision.say(body);
  } catch (error) {
    if (!(error instanceof ProblemAnswered) || call.json) throw error;
    if (error.problem.code === 'request-contested') throw contested(request);
    const not = decision.verb === 'grant' ? 'Not granted' : 'Not denied';
    throw new CommandFailed(
      error.exitCode,
      `${not}: ${request.username}. ${error.message}`,
      error.hints,
    );
  }
}

const contested = ({ username, pairingId }: Request) =>
  new CommandFailed(
    exitCodes.refused,
    `Not granted: ${username} is contested. Somebody else asked for this name with another credential.`,
    [
      pairingId === null
        ? `Make sure that it is your device (it showed no pairing ID), then: gatebook grant ${username} --confirm-contested`
        : `Compare the pairing ID (${pairingText(pairingId)}) with the device, then: gatebook grant ${username} --confirm-contested`,
    ],
  );

/** The request of that id, else the waiting one of that name, else its latest. */
async function found(registry: Registry, wanted: string): Promise<Request> {
  if (uuid.test(wanted)) {
    try {
      return (await registry.get<Request>(`${requestsPath}/${wanted}`)).body;
    } catch (error) {
      // It may be a name that looks like an id.
      if (!(error instanceof ProblemAnswered) || error.problem.status !== 404) throw error;
    }
  }
  for (const status of ['pending', null])
    for await (const request of everyItem<Request>(registry, requestsPath, { status, q: wanted }))
      if (request.username === wanted) return request;
  throw new CommandFailed(exitCodes.refused, `There is no request of ${wanted}.`, [
    'See all requests with: gatebook requests --status all',
  ]);
}

async function decideGlob(call: Call, registry: Registry, glob: string, decision: BulkDecision) {
  const requests = new Map<string, Request>();
  for await (const request of everyItem<Request>(registry, requestsPath, { status: 'pending' }))
    if (fitsPattern(glob, request.username)) requests.set(request.requestId, request);
  if (requests.size === 0)
    throw new CommandFailed(exitCodes.refused, `No waiting request fits ${glob}.`, [
      'See them with: gatebook requests',
    ]);

  const done: string[] = [];
  const leftAlone: string[] = [];
  let exitCode: number = exitCodes.done;
  const ids = [...requests.keys()];
  for (let at = 0; at < ids.length; at += bulkMax) {
    const body = { ids: ids.slice(at, at + bulkMax), ...decision.body };
    const answer = await registry.send<Bulk>('POST', `${requestsPath}/${decision.verb}`, body);
    if (call.json) call.terminal.json(answer.text);
    for (const result of answer.body.results) {
      const name = requests.get(result.requestId)?.username ?? result.requestId;
      if (!('problem' in result)) done.push(name);
      else if (result.problem.code === 'request-contested') leftAlone.push(`${name} (contested)`);
      else if (result.problem.code === 'replacement-not-in-bulk')
        leftAlone.push(`${name} (replacement)`);
      else {
        exitCode = exitCodes.refused;
        if (!call.json) call.terminal.error(`Not done: ${name}. ${result.problem.detail}`);
      }
    }
  }
  if (!call.json) sayBulk(call, decision.verb, done, leftAlone);
  return exitCode;
}

function sayBulk(call: Call, verb: BulkDecision['verb'], done: string[], leftAlone: string[]) {
  const names = (list: string[], separator: string) =>
    shortened(list.sort(new Intl.Collator('en', { numeric: true }).compare), namesShownMax).join(
      separator,
    );
  const said = verb === 'grant' ? 'Granted' : 'Denied';
  call.terminal.line(
    { text: said, style: verb === 'grant' ? 'good' : 'bad' },
    ` ${done.length}${done.length > 0 ? `: ${names(done, ' ')}` : ''}`,
  );
  if (leftAlone.length > 0)
    call.terminal.line(
      { text: 'Left alone', style: 'warning' },
      ` ${leftAlone.length}: ${names(leftAlone, ', ')}. ${verb === 'grant' ? 'Grant' : 'Deny'} these by name.`,
    );
}

export const decideCommands: readonly Command[] = [
  {
    name: 'grant',
    summary: 'let requests in',
    positionals: 'NAME|ID|GLOB…',
    options: {
      ...rightsOptions,
      reason: { value: 'T', help: 'kept in the log' },
      'confirm-contested': {
        help: 'grant although another credential asked for the name too (compare the pairing ID)',
      },
    },
    notes: [
      'What a device asked for is a wish: it gets the rights that are named here, and no others.',
      'A glob takes all waiting requests that fit; contested ones and replacements need their name.',
      'A replacement without named rights keeps those that the client has.',
    ],
    examples: [
      'gatebook grant press-17 --role press',
      "gatebook grant press-17 --permission 'mqtt:readWrite:plant/press-17/#' --until 30d",
      "gatebook grant 'press-*' --role press",
    ],
    run: runGrant,
  },
  {
    name: 'deny',
    summary: 'refuse requests',
    positionals: 'NAME|ID|GLOB…',
    options: {
      reason: { value: 'T', help: 'kept in the log, and told to the device' },
      'block-until': { value: 'T', help: 'it may not ask before: 30d, 2026-12-31 or an instant' },
    },
    examples: [
      "gatebook deny press-99 --reason 'not ours'",
      "gatebook deny 'x-*' --block-until 30d",
    ],
    run: runDeny,
  },
];
