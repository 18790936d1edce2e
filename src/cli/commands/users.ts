/** For administrators: `users`. */
import type { Erasure } from '../../api/audit.ts';
import type { User, UserWithPassword } from '../../api/output.ts';
import type { List } from '../client/lists.ts';
import type { Registry } from '../client/registry-client.ts';
import { signedIn } from '../client/sign-in.ts';
import { type Call, type Command, type CommandOptions, exitCodes, usageFault } from '../command.ts';
import { firstLineOfStdin } from '../terminal/prompt.ts';
import type { Piece } from '../terminal/terminal.ts';
import { dateTimeText } from '../text/format.ts';
import { activationsText, permissionText, rightsText } from '../text/rights.ts';
import { reasonOf, rightsOf, rightsOptions } from '../text/rights-options.ts';
import { erasureHint, erasuresCommand } from './users-erasures.ts';
import { listCommand, statusPiece } from './users-list.ts';
import { renewCommand } from './users-renew.ts';
import { revokeCommand } from './users-revoke.ts';

const pathOf = (username: string): string => `/users/${encodeURIComponent(username)}`;

async function runShow(call: Call): Promise<number> {
  const [username = ''] = call.positionals;
  const { body, text } = await (await signedIn(call)).get<User>(pathOf(username));
  if (call.json) {
    call.terminal.json(text);
    return exitCodes.done;
  }
  const facts: [string, Piece][] = [
    ['name', { text: body.username, style: 'strong' }],
    ['status', statusPiece(body.status)],
    ['reason', body.reason ?? ''],
    ['blocked until', body.blockedUntil === null ? '' : dateTimeText(body.blockedUntil)],
    ['came by', body.origin],
    ['roles', body.roles.join(' ')],
    ['own rights', body.permissions.map(permissionText).join(' ')],
    ['may do', body.effectivePermissions.map(permissionText).join(' ')],
    ['publish prefix', body.mqttPublishPrefix ?? ''],
    ['client id', body.mqttClientId ?? ''],
    ['ends', body.expiresAt === null ? '' : dateTimeText(body.expiresAt)],
    [
      'credentials',
      body.credentials
        .map(
          ({ kind, createdAt, expiresAt, otherNames = [] }) =>
            `${kind} of ${dateTimeText(createdAt)}${expiresAt === null ? '' : ` until ${dateTimeText(expiresAt)}`}${otherNames.length === 0 ? '' : `, same key as ${otherNames.join(' ')}`}`,
        )
        .join(', '),
    ],
    ['brokers', activationsText(body.activations)],
    ['sessions', `${body.sessionCount} now, ${body.sessionTotal} in all`],
    ['last seen', body.lastSeenAt === null ? '' : dateTimeText(body.lastSeenAt)],
    ['created', dateTimeText(body.createdAt)],
    ['changed', dateTimeText(body.changedAt)],
  ];
  for (const [name, value] of facts)
    if (value !== '') call.terminal.line({ text: name.padEnd(16), style: 'faint' }, value);
  call.terminal.line({ text: `Its history: gatebook history ${body.username}`, style: 'faint' });
  return exitCodes.done;
}

const passwordOf = async (call: Call): Promise<{ password?: string }> =>
  call.has('password-stdin') ? { password: await firstLineOfStdin() } : {};

function sayMadePassword(call: Call, { password }: UserWithPassword): void {
  if (password !== null) call.terminal.line(`Password (shown this once): ${password}`);
}

async function runCreate(call: Call): Promise<number> {
  const [username = ''] = call.positionals;
  const rights = rightsOf(call);
  const registry = await signedIn(call);
  const { body, text } = await registry.send<UserWithPassword>('POST', '/users', {
    username,
    ...rights,
    ...reasonOf(call),
    ...(await passwordOf(call)),
  });
  if (call.json) call.terminal.json(text);
  else {
    const given = rightsText(body);
    call.terminal.line(
      { text: 'Created', style: 'good' },
      ` ${body.username}: ${given === '' ? 'no rights yet' : given}.`,
    );
    sayMadePassword(call, body);
  }
  return exitCodes.done;
}

async function runAuthorization(call: Call): Promise<number> {
  const [username = ''] = call.positionals;
  const rights = rightsOf(call);
  const isNone = Object.keys(rights).length === 0;
  if (isNone !== call.has('none'))
    throw usageFault(isNone ? 'No rights are named.' : '--none goes alone.', [
      'What is not named is taken away. To take everything away: --none',
    ]);
  const registry = await signedIn(call);
  const body = { ...rights, ...reasonOf(call) };
  const answer = await registry.send<User>('PUT', `${pathOf(username)}/authorization`, body);
  if (call.json) call.terminal.json(answer.text);
  else {
    const now = rightsText(answer.body);
    call.terminal.line(
      `Changed the rights of ${answer.body.username}: ${now === '' ? 'none' : now}.`,
    );
  }
  return exitCodes.done;
}

async function runRotate(call: Call): Promise<number> {
  const [username = ''] = call.positionals;
  const registry = await signedIn(call);
  const endTokens = call.has('end-tokens') ? { endTokens: true } : {};
  const body = { ...reasonOf(call), ...(await passwordOf(call)), ...endTokens };
  const answer = await registry.send<UserWithPassword>('POST', `${pathOf(username)}/rotate`, body);
  if (call.json) call.terminal.json(answer.text);
  else {
    call.terminal.line(
      `Changed the password of ${answer.body.username}; its sessions and logins ended.`,
    );
    sayMadePassword(call, answer.body);
  }
  return exitCodes.done;
}

/** What is left to do; nothing is said to who may not read about it. */
async function afterErasure(username: string, registry: Registry): Promise<string> {
  try {
    const { body } = await registry.get<List<Erasure>>('/audit/erasures', { limit: 100 });
    return erasureHint(body.items.find((one) => one.username === username));
  } catch {
    return '';
  }
}

const reasonOption: CommandOptions = { reason: { value: 'T', help: 'kept in the log' } };
const passwordOption: CommandOptions = {
  'password-stdin': { help: 'take the password from stdin (else one is made and shown once)' },
};

/** `suspend`, `resume`, `revoke`, `reinstate`: what was done, and what comes next. */
const transition = (
  verb: string,
  done: string,
  summary: string,
  next: (username: string, registry: Registry) => Promise<string> | string,
): Command => ({
  name: `users ${verb}`,
  summary,
  positionals: 'NAME',
  options: reasonOption,
  examples: [`gatebook users ${verb} press-17 --reason 'at the workshop'`],
  run: async (call) => {
    const [username = ''] = call.positionals;
    const registry = await signedIn(call);
    const path = `${pathOf(username)}/${verb}`;
    const { body, text } = await registry.send<User>('POST', path, reasonOf(call));
    if (call.json) call.terminal.json(text);
    else call.terminal.line(`${done} ${body.username}. ${await next(body.username, registry)}`);
    return exitCodes.done;
  },
});

export const userCommands: readonly Command[] = [
  listCommand,
  {
    name: 'users show',
    summary: 'see one user: state, rights, credentials, sessions',
    positionals: 'NAME',
    options: {},
    examples: ['gatebook users show press-17'],
    run: runShow,
  },
  {
    name: 'users create',
    summary: 'make a user without a request: a person or a service',
    positionals: 'NAME',
    options: { ...rightsOptions, ...passwordOption, ...reasonOption },
    examples: [
      'gatebook users create anna --role registrar',
      "gatebook users create dashboard --permission 'mqtt:read:plant/#' --password-stdin < secret",
    ],
    run: runCreate,
  },
  {
    name: 'users authorization',
    summary: 'set what a user may do',
    positionals: 'NAME',
    options: { ...rightsOptions, none: { help: 'take every right away' }, ...reasonOption },
    notes: ['Replaces all rights: what is not named is taken away. Live sessions obey at once.'],
    examples: [
      'gatebook users authorization press-17 --role press --prefix line4/',
      'gatebook users authorization press-17 --none',
    ],
    run: runAuthorization,
  },
  transition(
    'suspend',
    'Suspended',
    'take the access away for a while',
    (name) => `Give it back with: gatebook users resume ${name}`,
  ),
  transition(
    'resume',
    'Resumed',
    'give a suspended one its access back',
    () => 'It has its access again.',
  ),
  revokeCommand,
  transition(
    'reinstate',
    'Reinstated',
    'let a revoked, denied or expired name ask again',
    () => 'It can ask again while the registry is unlocked.',
  ),
  transition(
    'erase',
    'Erased',
    'destroy what is personal of a name, and its access; nothing brings it back',
    async (name, registry) =>
      `Its address, client id and context are unreadable for ever; its history and proofs stay.${await afterErasure(name, registry)}`,
  ),
  erasuresCommand,
  renewCommand,
  {
    name: 'users rotate',
    summary: 'change the password of an active user',
    positionals: 'NAME',
    options: {
      ...passwordOption,
      'end-tokens': { help: 'end its named tokens too, whoever made them' },
      ...reasonOption,
    },
    examples: ['gatebook users rotate press-17'],
    run: runRotate,
  },
];
