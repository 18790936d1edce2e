/** For administrators: `grant` and `deny`, by name, id or glob. */
import type { Request, Role, User } from '../../../api/output.ts';
import { nearestWord } from '../../../platform/did-you-mean.ts';
import { everyItem } from '../../client/lists.ts';
import { ProblemAnswered } from '../../client/problem.ts';
import { unlessWaits } from '../../client/proposed.ts';
import type { Registry } from '../../client/registry-client.ts';
import { signedIn } from '../../client/sign-in.ts';
import {
  type Call,
  type Command,
  CommandFailed,
  type CommandOptions,
  exitCodes,
  retyped,
  usageFault,
} from '../../command.ts';
import { reportFault } from '../../fault.ts';
import { dateTimeText, pairingText, shortened } from '../../text/format.ts';
import { instantOf } from '../../text/instants.ts';
import { activationsText, rightsText, topicsOf } from '../../text/rights.ts';
import { reasonOf, rightsOf, rightsOptions } from '../../text/rights-options.ts';
import { foundRequest } from './found.ts';
import { confirmGlobs, decideBulk, fitting, isGlob, requestsPath, showRequests } from './globs.ts';

interface BulkDecision {
  readonly verb: 'grant' | 'deny';
  readonly body: object;
  /** The rights that it gives, in words. */
  readonly rights: string;
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
  await checkRoles(registry, rights.roles ?? []);
  return decideAll(call, registry, {
    verb: 'grant',
    rights: rightsText(rights),
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
    rights: '',
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

/** A role's typo is said once, before anything is done; who may not see roles is told by the registry. */
async function checkRoles(registry: Registry, roles: readonly string[]): Promise<void> {
  if (roles.length === 0) return;
  const known: string[] = [];
  try {
    for await (const { name } of everyItem<Role>(registry, '/roles', {})) known.push(name);
  } catch (error) {
    if (error instanceof ProblemAnswered && error.exitCode === exitCodes.notAllowed) return;
    throw error;
  }
  const missing = roles.find((role) => !known.includes(role));
  if (missing === undefined) return;
  const meant = nearestWord(missing, known);
  throw new CommandFailed(exitCodes.refused, `There is no role ${missing}. Nothing was granted.`, [
    `${meant === null ? '' : `Did you mean ${meant}? `}See all roles with: gatebook roles`,
  ]);
}

interface Targets {
  readonly byGlob: readonly Request[];
  readonly byItself: readonly Request[];
  /** Of what was not found. */
  readonly exitCode: number;
}

/** What each word stands for; what there is not is said, and does not stop the others. */
async function targetsOf(call: Call, registry: Registry): Promise<Targets> {
  const byGlob = new Map<string, Request>();
  const byItself = new Map<string, Request>();
  let exitCode: number = exitCodes.done;
  for (const wanted of new Set(call.positionals))
    exitCode = Math.max(
      exitCode,
      await onItsOwn(call, async () => {
        if (!isGlob(wanted)) {
          const request = await foundRequest(registry, wanted);
          byItself.set(request.requestId, request);
        } else
          for (const request of await fitting(registry, wanted))
            byGlob.set(request.requestId, request);
      }),
    );
  // What is named is decided by its name.
  for (const requestId of byItself.keys()) byGlob.delete(requestId);
  return { byGlob: [...byGlob.values()], byItself: [...byItself.values()], exitCode };
}

/** Every name and id by itself, globs in bulk; goes on after a refusal, and the worst exit code stands. */
async function decideAll(call: Call, registry: Registry, decision: BulkDecision): Promise<number> {
  const { verb, body, rights } = decision;
  const { byGlob, byItself, exitCode } = await targetsOf(call, registry);
  const globs = call.positionals.filter(isGlob);
  const dryRun = call.has('dry-run');
  if (dryRun && call.json) call.terminal.json(JSON.stringify({ items: [...byGlob, ...byItself] }));
  else if (byGlob.length + byItself.length > 0 && !call.json && (dryRun || globs.length > 0))
    showRequests(call, verb, rights, byGlob, byItself);
  if (dryRun) return exitCode;
  const codes = [exitCode];
  if (byGlob.length > 0) {
    await confirmGlobs(call, verb, globs, byGlob.length + byItself.length);
    codes.push(await decideBulk(call, registry, verb, body, byGlob));
  }
  for (const request of byItself)
    codes.push(await onItsOwn(call, () => decideOne(call, registry, request, decision)));
  return Math.max(...codes);
}

/** What concerns one name alone does not stop the others. Resolves with the exit code. */
async function onItsOwn(call: Call, work: () => Promise<void>): Promise<number> {
  try {
    await unlessWaits(call, work);
    return exitCodes.done;
  } catch (error) {
    const isOwn = error instanceof CommandFailed && error.exitCode === exitCodes.refused;
    if (!isOwn) throw error;
    // It is the same for all of them.
    if (error instanceof ProblemAnswered && error.problem.code === 'role-not-found') throw error;
    reportFault(call.terminal, call.json, error);
    return exitCodes.refused;
  }
}

async function decideOne(call: Call, registry: Registry, request: Request, decision: BulkDecision) {
  try {
    const path = `${requestsPath}/${request.requestId}/${decision.verb}`;
    const { body, text } = await registry.send<Request>('POST', path, decision.body);
    if (call.json) call.terminal.json(text);
    else await decision.say(body);
  } catch (error) {
    if (!(error instanceof ProblemAnswered) || call.json) throw error;
    if (error.problem.code === 'request-contested') throw contested(call, request);
    const not = decision.verb === 'grant' ? 'Not granted' : 'Not denied';
    throw new CommandFailed(
      error.exitCode,
      `${not}: ${request.username}. ${error.message}`,
      error.hints,
    );
  }
}

function contested(call: Call, { username, pairingId }: Request) {
  const again = retyped(call, { words: [username], without: ['yes', 'dry-run'] });
  const compare =
    pairingId === null
      ? 'Make sure that it is your device (it showed no pairing ID)'
      : `Compare the pairing ID (${pairingText(pairingId)}) with the device`;
  return new CommandFailed(
    exitCodes.refused,
    `Not granted: ${username} is contested. Somebody else asked for this name with another credential.`,
    [`${compare}, then: gatebook grant ${again} --confirm-contested`],
  );
}

const globOptions: CommandOptions = {
  'dry-run': { help: 'only show what it would be' },
  yes: { help: 'do not ask before what a glob fits is decided' },
};

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
      ...globOptions,
    },
    notes: [
      'What a device asked for is a wish: it gets the rights that are named here, and no others.',
      'A glob takes all waiting requests that fit, shows them and asks; a script says --yes.',
      'Contested ones and replacements need their name.',
      'A replacement without named rights keeps those that the client has.',
    ],
    examples: [
      'gatebook grant press-17 --role press',
      "gatebook grant press-17 --permission 'mqtt:readWrite:plant/press-17/#' --until 30d",
      "gatebook grant 'press-*' --role press --dry-run",
    ],
    run: runGrant,
  },
  {
    name: 'deny',
    summary: 'refuse requests',
    positionals: 'NAME|ID|GLOB…',
    options: {
      reason: { value: 'T', help: 'kept in the log, and told to the device' },
      'block-until': {
        value: 'T',
        help: 'it may not ask before: 30d, tomorrow 18:00, 2026-12-31 or an instant',
      },
      ...globOptions,
    },
    examples: [
      "gatebook deny press-99 --reason 'not ours'",
      "gatebook deny 'x-*' --block-until 30d",
    ],
    run: runDeny,
  },
];
