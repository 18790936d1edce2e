/** `users revoke`: one user, or all that an administrator, a window or a network brought in. */
import type { Event, Preauthorization, Request, User } from '../../api/output.ts';
import { matchesNetworks } from '../../platform/networks.ts';
import { everyItem, type List } from '../client/lists.ts';
import { requirePersonalData } from '../client/personal-data.ts';
import { ProblemAnswered } from '../client/problem.ts';
import type { Registry } from '../client/registry-client.ts';
import { signedIn } from '../client/sign-in.ts';
import {
  type Call,
  type Command,
  CommandFailed,
  exitCodes,
  retyped,
  usageFault,
} from '../command.ts';
import { confirmed } from '../terminal/confirm.ts';
import { countText, dateTimeText } from '../text/format.ts';
import { MistypedError } from '../text/mistyped.ts';
import { cidrOf } from '../text/parse.ts';
import { reasonOf } from '../text/rights-options.ts';
import { preauthorizationsPath } from './preauthorizations.ts';

const filters = ['granted-by', 'window', 'rule', 'from'] as const;

/** A user who holds access now because of a decision that fits. */
interface Reached {
  readonly username: string;
  readonly status: User['status'];
  readonly by: string;
  readonly at: string;
  readonly source: string | null;
}

const userPath = (username: string) => `/users/${encodeURIComponent(username)}`;

async function runOne(call: Call, username: string): Promise<number> {
  const registry = await signedIn(call);
  if (call.has('dry-run')) {
    const { body, text } = await registry.get<User>(userPath(username));
    if (call.json) call.terminal.json(text);
    else
      call.terminal.line(
        `${username} is ${body.status} and would be revoked. Without --dry-run it is.`,
      );
    return exitCodes.done;
  }
  const { body, text } = await registry.send<User>(
    'POST',
    `${userPath(username)}/revoke`,
    reasonOf(call),
  );
  if (call.json) call.terminal.json(text);
  else {
    call.terminal.line(
      `Revoked ${body.username}. The name can ask again only after: gatebook users reinstate ${body.username}`,
    );
    await sayRulesOf(call, registry, username);
  }
  return exitCodes.done;
}

/** What somebody let in beforehand goes on without them: said to who may read it. */
async function sayRulesOf(call: Call, registry: Registry, username: string): Promise<void> {
  try {
    const { body } = await registry.get<List<Preauthorization>>(preauthorizationsPath, {
      ...{ createdBy: username, status: 'active', limit: 1 },
    });
    if (body.items.length > 0)
      call.terminal.line(
        `Rules that they made still stand: gatebook preauthorizations withdraw --made-by ${username} --dry-run`,
      );
  } catch (error) {
    if (!(error instanceof ProblemAnswered)) throw error;
  }
}

const holds = ({ status }: User) => status === 'active' || status === 'suspended';

async function userNow(registry: Registry, username: string): Promise<User | null> {
  const { body } = await registry.get<User>(userPath(username));
  return holds(body) ? body : null;
}

const idOf = (text: string): string => {
  if (!/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text))
    throw new MistypedError(
      `"${text}" is no id. Give the whole one, as gatebook history shows it.`,
    );
  return text.toLowerCase();
};

/** Whose present access rests on a granted request that fits every filter. */
async function* byRequest(call: Call, registry: Registry): AsyncGenerator<Reached, void, void> {
  const [grantedBy, windowId, rule] = [
    call.text('granted-by'),
    call.read('window', idOf),
    call.read('rule', idOf),
  ];
  const networks = call.all('from').map(cidrOf);
  for await (const request of everyItem<Request>(registry, '/client-registry/requests', {
    status: 'granted',
  })) {
    const { requestId, username, source, decision } = request;
    if (decision === null) continue;
    if (grantedBy !== null && decision.by !== grantedBy) continue;
    if (windowId !== null && request.windowId !== windowId) continue;
    if (rule !== null && decision.preauthorizationId !== rule) continue;
    if (networks.length > 0 && !matchesNetworks(networks, source)) continue;
    const user = await userNow(registry, username);
    // Whoever was granted anew since then rests on another decision.
    if (user?.requestId !== requestId) continue;
    yield { username, status: user.status, by: decision.by, at: decision.at, source };
  }
}

/** Who was made without a request, by the one administrator that is asked about. */
async function* byCreation(call: Call, registry: Registry): AsyncGenerator<Reached, void, void> {
  const actor = call.text('granted-by');
  if (actor === null || filters.some((name) => name !== 'granted-by' && call.has(name))) return;
  for await (const { username, at } of everyItem<Event>(registry, '/audit/events', {
    ...{ actor, type: 'ClientCreated' },
  })) {
    const user = username === null ? null : await userNow(registry, username);
    if (user === null || user.origin !== 'created' || user.createdAt !== at) continue;
    yield { username: user.username, status: user.status, by: actor, at, source: null };
  }
}

async function reachedBy(call: Call, registry: Registry): Promise<Reached[]> {
  const found: Reached[] = [];
  for await (const one of byRequest(call, registry)) found.push(one);
  for await (const one of byCreation(call, registry)) found.push(one);
  return found;
}

async function runMany(call: Call): Promise<number> {
  const registry = await signedIn(call);
  if (call.has('from'))
    await requirePersonalData(registry, '--from', 'Without addresses nobody would be found.');
  const found = await reachedBy(call, registry);
  const dryRun = call.has('dry-run');
  if (!call.json && found.length > 0)
    call.terminal.table(
      ['NAME', 'STATUS', 'BY', 'WHEN', 'SOURCE'],
      found.map(({ username, status, by, at, source }) => [
        ...[username, status, by, dateTimeText(at), source ?? '–'],
      ]),
    );
  const revoked: string[] = [];
  const refused: { username: string; code: string }[] = [];
  if (!dryRun && found.length > 0) {
    const isMeant = await confirmed(
      call,
      `Revoke ${countText(found.length, 'user')}`,
      'Nothing was revoked: this needs --yes, or a terminal to ask on.',
      [`See first who it is: gatebook users revoke ${retyped(call)} --dry-run`],
    );
    if (!isMeant) throw new CommandFailed(exitCodes.failed, 'Nothing was revoked.');
    for (const { username } of found)
      try {
        await registry.send('POST', `${userPath(username)}/revoke`, reasonOf(call));
        revoked.push(username);
      } catch (error) {
        if (!(error instanceof ProblemAnswered)) throw error;
        refused.push({ username, code: error.problem.code });
      }
  }
  if (call.json) call.terminal.json(JSON.stringify({ found, revoked, refused }));
  else {
    call.terminal.line(
      dryRun
        ? `${countText(found.length, 'user')} would be revoked.${found.length > 0 ? ' Without --dry-run they are.' : ''}`
        : `Revoked ${countText(revoked.length, 'user')}.`,
    );
    for (const { username, code } of refused)
      call.terminal.error(`Not revoked: ${username} (${code}).`);
  }
  return refused.length > 0 ? exitCodes.refused : exitCodes.done;
}

export const revokeCommand: Command = {
  name: 'users revoke',
  summary:
    'take the access away for good: of one, or of all that a person, window or network let in',
  positionals: '[NAME]',
  options: {
    'granted-by': { value: 'ADMIN', help: 'all whose access this administrator gave' },
    window: { value: 'ID', help: 'all who asked in this window' },
    rule: { value: 'ID', help: 'all whom this preauthorization let in' },
    from: { value: 'CIDR', many: true, help: 'all who asked from this network' },
    'dry-run': { help: 'only show who it would be' },
    yes: { help: 'do not ask' },
    reason: { value: 'T', help: 'why, for the history' },
  },
  notes: [
    'Several filters must all fit. It is about who holds access now by such a decision.',
    'Addresses are known only to those who may read personal data.',
  ],
  examples: [
    "gatebook users revoke press-17 --reason 'at the workshop'",
    'gatebook users revoke --granted-by mallory --dry-run',
    'gatebook users revoke --from 10.4.0.0/16 --window 0e9c5a48-5a5f-4c55-9b3f-6f3f2b1a7c11 --yes',
  ],
  run: async (call) => {
    const [username] = call.positionals;
    const isMany = filters.some((name) => call.has(name));
    if ((username !== undefined) === isMany)
      throw usageFault('Give a name, or one of --granted-by, --window, --rule and --from.');
    return username === undefined ? await runMany(call) : await runOne(call, username);
  },
};
