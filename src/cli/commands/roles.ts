/** For administrators: `roles` and `tokens`. */
import type { IssuedToken, Role, Token } from '../../api/output.ts';
import { listOptions, page, sayMore } from '../client/lists.ts';
import { ProblemAnswered } from '../client/problem.ts';
import { signedIn } from '../client/sign-in.ts';
import {
  type Call,
  type Command,
  CommandFailed,
  type CommandOptions,
  exitCodes,
} from '../command.ts';
import { agoText, countText, dateTimeText, shortened } from '../text/format.ts';
import { MistypedError } from '../text/mistyped.ts';
import { durationOf, permissionOf } from '../text/parse.ts';
import { permissionText } from '../text/rights.ts';
import { permissionOption } from '../text/rights-options.ts';

const pathOf = (name: string): string => `/roles/${encodeURIComponent(name)}`;
const permissionsShownMax = 4;

async function runList(call: Call): Promise<number> {
  const { body, text } = await page<Role>(call, await signedIn(call), '/roles');
  if (call.json) call.terminal.json(text);
  else {
    call.terminal.table(
      ['NAME', 'USERS', 'CHANGED', 'PERMISSIONS'],
      body.items.map((role) => [
        { text: role.name, style: 'strong' },
        String(role.userCount),
        role.builtIn ? 'built in' : agoText(role.changedAt, call.now()),
        shortened(role.permissions.map(permissionText), permissionsShownMax).join(' '),
      ]),
    );
    sayMore(call, body);
  }
  return exitCodes.done;
}

async function runShow(call: Call): Promise<number> {
  const [name = ''] = call.positionals;
  const { body, text } = await (await signedIn(call)).get<Role>(pathOf(name));
  if (call.json) call.terminal.json(text);
  else {
    const by = body.builtIn ? 'built in' : `changed ${dateTimeText(body.changedAt)}`;
    call.terminal.line(
      { text: body.name, style: 'strong' },
      ` (${by}, ${countText(body.userCount, 'user')})`,
    );
    if (body.description) call.terminal.line(body.description);
    for (const permission of body.permissions)
      call.terminal.line(`  ${permissionText(permission)}`);
  }
  return exitCodes.done;
}

/** `set` makes or changes a role; `create` refuses one that is there. */
const put =
  (mustBeNew: boolean) =>
  async (call: Call): Promise<number> => {
    const [name = ''] = call.positionals;
    const permissions = call.all('permission').map(permissionOf);
    const description = call.text('description');
    const registry = await signedIn(call);
    if (mustBeNew) {
      const there = await registry.get<Role>(pathOf(name)).catch((error) => {
        if (error instanceof ProblemAnswered && error.problem.status === 404) return null;
        throw error;
      });
      if (there !== null)
        throw new CommandFailed(exitCodes.refused, `There is a role ${name} already.`, [
          `Change it with: gatebook roles set ${name} --permission …`,
        ]);
    }
    const { body, text } = await registry.send<Role>('PUT', pathOf(name), {
      permissions,
      ...(description !== null && { description }),
    });
    if (call.json) call.terminal.json(text);
    else
      call.terminal.line(
        { text: 'Defined', style: 'good' },
        ` role ${body.name}: ${countText(body.permissions.length, 'permission')}, ${countText(body.userCount, 'user')}.`,
      );
    return exitCodes.done;
  };

async function runRemove(call: Call): Promise<number> {
  const [name = ''] = call.positionals;
  await (await signedIn(call)).send('DELETE', pathOf(name));
  if (!call.json) call.terminal.line(`Removed role ${name}.`);
  return exitCodes.done;
}

async function runTokens(call: Call): Promise<number> {
  const registry = await signedIn(call);
  const { body, text } = await page<Token>(call, registry, '/tokens', {
    username: call.text('username'),
  });
  if (call.json) call.terminal.json(text);
  else if (body.items.length === 0) call.terminal.line('No tokens.');
  else {
    const now = call.now();
    call.terminal.table(
      ['ID', 'USER', 'LABEL', 'KIND', 'ISSUED', 'ENDS'],
      body.items.map((token) => [
        token.tokenId,
        token.username,
        token.label ?? '–',
        token.kind,
        agoText(token.issuedAt, now),
        token.revokedAt === null
          ? dateTimeText(token.expiresAt)
          : { text: `revoked ${agoText(token.revokedAt, now)} ago`, style: 'bad' },
      ]),
    );
    sayMore(call, body);
  }
  return exitCodes.done;
}

const hourMs = 3_600_000;

async function runCreateToken(call: Call): Promise<number> {
  const [label = ''] = call.positionals;
  const durationMs = call.read('for', durationOf);
  if (durationMs !== null && durationMs % hourMs !== 0)
    throw new MistypedError('A token lives whole hours. Give --for such as 1h, 12h or 365d.');
  const username = call.text('username');
  const registry = await signedIn(call);
  const { body, text } = await registry.send<IssuedToken>('POST', '/tokens', {
    label,
    ...(username !== null && { username }),
    ...(durationMs !== null && { expireTimeInHours: durationMs / hourMs }),
  });
  if (call.json) call.terminal.json(text);
  else {
    call.terminal.line(
      `Issued token ${label} for ${body.username}, ends ${dateTimeText(body.expiresAt)}. It is shown this once:`,
    );
    call.terminal.line(body.token);
  }
  return exitCodes.done;
}

async function runRevokeToken(call: Call): Promise<number> {
  const [tokenId = ''] = call.positionals;
  await (await signedIn(call)).send('DELETE', `/tokens/${encodeURIComponent(tokenId)}`);
  if (!call.json) call.terminal.line(`Revoked token ${tokenId}.`);
  return exitCodes.done;
}

const roleOptions: CommandOptions = {
  ...permissionOption,
  description: { value: 'T', help: 'what it is for' },
};
const roleNotes = [
  'A role is what its permissions say, for everybody who has it, at once.',
  // biome-ignore lint/suspicious/noTemplateCurlyInString: the template is the registry's
  '${username} in a resource stands for the name of who has the role.',
];

export const roleCommands: readonly Command[] = [
  {
    name: 'roles list',
    summary: 'see all roles',
    positionals: '',
    options: listOptions,
    examples: ['gatebook roles'],
    run: runList,
  },
  {
    name: 'roles show',
    summary: 'see one role',
    positionals: 'NAME',
    options: {},
    examples: ['gatebook roles show press'],
    run: runShow,
  },
  {
    name: 'roles create',
    summary: 'make a role',
    positionals: 'NAME',
    options: roleOptions,
    notes: roleNotes,
    // biome-ignore lint/suspicious/noTemplateCurlyInString: the template is the registry's
    examples: ["gatebook roles create press --permission 'mqtt:readWrite:plant/${username}/#'"],
    run: put(true),
  },
  {
    name: 'roles set',
    summary: 'change a role, or make it',
    positionals: 'NAME',
    options: roleOptions,
    notes: ['Replaces all its permissions: what is not named is taken away.', ...roleNotes],
    examples: ["gatebook roles set reader --permission 'mqtt:read:plant/#'"],
    run: put(false),
  },
  {
    name: 'roles remove',
    summary: 'remove a role that nobody has',
    positionals: 'NAME',
    options: {},
    examples: ['gatebook roles remove press'],
    run: runRemove,
  },
];

export const tokenCommands: readonly Command[] = [
  {
    name: 'tokens list',
    summary: "see your tokens, or somebody else's",
    positionals: '',
    options: { username: { value: 'NAME', help: 'whose (default: your own)' }, ...listOptions },
    examples: ['gatebook tokens', 'gatebook tokens list --username anna'],
    run: runTokens,
  },
  {
    name: 'tokens create',
    summary: 'make a long-lived token for a script or a service',
    positionals: 'LABEL',
    options: {
      username: { value: 'NAME', help: 'for whom (default: yourself)' },
      for: { value: 'DURATION', help: 'how long it lives, in whole hours (default 365d)' },
    },
    notes: ['It is shown once. It has the rights of its user, and works as an MQTT password too.'],
    examples: ['gatebook tokens create ci --for 30d'],
    run: runCreateToken,
  },
  {
    name: 'tokens revoke',
    summary: 'end a token',
    positionals: 'ID',
    options: {},
    examples: ['gatebook tokens revoke 3f0c…'],
    run: runRevokeToken,
  },
];
