/** What a proposal would do, in words for whoever approves it: on the command line and on the page. */
import type { Permission } from '../permission.ts';

/** What of a proposal is told, as the API shows it. */
interface Told {
  readonly action: string;
  readonly subject: string;
  readonly body: Readonly<Record<string, unknown>>;
}

const textOf = (body: Told['body'], name: string): string | null =>
  typeof body[name] === 'string' ? body[name] : null;

const listOf = <Item>(body: Told['body'], name: string): readonly Item[] =>
  Array.isArray(body[name]) ? (body[name] as Item[]) : [];

const permissionWords = ({ context, operation, resource }: Permission): string =>
  `${context}:${operation}:${resource}`;

/** `role press, mqtt:read:plant/#, prefix line4/, until …`. */
function rightsWords(body: Told['body']): string {
  const [roles, permissions] = [
    listOf<string>(body, 'roles'),
    listOf<Permission>(body, 'permissions'),
  ];
  const one = (name: string, words: string) => {
    const value = textOf(body, name);
    return value === null ? [] : [`${words} ${value}`];
  };
  const parts = [
    ...roles.map((role) => `role ${role}`),
    ...permissions.map(permissionWords),
    ...one('mqttPublishPrefix', 'prefix'),
    ...one('mqttClientId', 'client ID'),
    ...one('expiresAt', 'until'),
  ];
  return parts.length === 0 ? 'no rights named' : parts.join(', ');
}

const minutes = (ms: unknown): string =>
  typeof ms === 'number' ? ` for ${Math.round(ms / 6_000) / 10} min` : '';

/** By the command's `operationId`. */
export const deeds: Readonly<Record<string, (told: Told) => string>> = {
  unlock: ({ body }) => {
    const pattern = textOf(body, 'usernamePattern');
    return `Unlock the registry${minutes(body.durationMs)}${pattern === null ? '' : ` for names ${pattern}`}`;
  },
  grantRequest: ({ subject, body }) =>
    `Grant ${subject} access: ${rightsWords(body)}${body.confirmContested === true ? '; the name is contested' : ''}`,
  grantRequests: ({ body, subject }) => `Grant ${subject} access: ${rightsWords(body)}`,
  createUser: ({ subject, body }) => `Make the client ${subject}: ${rightsWords(body)}`,
  importUsers: ({ body }) => {
    const names = listOf<{ username: string }>(body, 'users').map(({ username }) => username);
    return `Let move in ${names.length} clients, with the passwords that they have: ${names.join(', ')}`;
  },
  setAuthorization: ({ subject, body }) =>
    `Set all rights of ${subject}, in place of those before: ${rightsWords(body)}`,
  renewUser: ({ subject, body }) =>
    `Let ${subject} keep its rights until ${textOf(body, 'expiresAt') ?? 'somebody ends them'}`,
  createSchedule: ({ body }) =>
    `Unlock the registry by itself, by a schedule${minutes(body.durationMs)}`,
  rotateCredential: ({ subject }) => `Give ${subject} another password`,
  resumeUser: ({ subject }) => `Give ${subject}, who is suspended, access again`,
  reinstateUser: ({ subject }) => `Let ${subject} ask for access again`,
  eraseUser: ({ subject }) => `Erase what is personal of ${subject}, and all access`,
  putRole: ({ subject, body }) =>
    `Let the role ${subject} give everybody who has it: ${rightsWords(body)}`,
  issueToken: ({ subject, body }) =>
    `Issue ${subject} a long-lived token (${textOf(body, 'label') ?? 'without a label'})`,
  rotateKeys: ({ body }) =>
    body.retireNow === true
      ? 'Sign tokens with a new key, end every older one and all tokens'
      : 'Sign tokens with a new key',
  reconcileBroker: ({ subject }) => `Repair the broker ${subject} after the log`,
  createPreauthorization: ({ subject, body }) =>
    `${body.effect === 'ask' ? 'Let ask' : 'Let in'} by a rule, without anybody: ${subject}, ${rightsWords(body)}`,
  importPreauthorizations: ({ body }) =>
    `Let in by ${typeof body.count === 'number' ? body.count : 'the'} rules of a file, without anybody`,
  withdrawPreauthorization: ({ subject }) => `Withdraw the rule that keeps out ${subject}`,
};

/** `Grant press-17 access: role press`. */
export const deedWords = (told: Told): string =>
  deeds[told.action]?.(told) ?? `${told.action}: ${told.subject}`;

/** Whoever gains HTTP rights can do things here themselves: it is said in its own words. */
export const gainsWords = ({ gains }: { readonly gains: readonly string[] }): string =>
  gains.length === 0
    ? 'Nobody gains HTTP rights.'
    : `Gains HTTP rights, and can act in this registry: ${gains.join(', ')}.`;

/** Who approved and who is missing: `admin proposed it; 1 more person must approve.` */
export function missingWords({
  approvals,
  needed,
}: {
  readonly approvals: readonly { readonly by: string }[];
  readonly needed: number;
}): string {
  const [proposer, ...others] = approvals.map(({ by }) => by);
  const approved = others.length === 0 ? '' : `, approved by ${others.join(', ')}`;
  const left = needed - approvals.length;
  const missing =
    left <= 0
      ? 'nobody is missing'
      : `${left} more ${left === 1 ? 'person' : 'people'} must approve`;
  return `Proposed by ${proposer ?? 'nobody'}${approved}; ${missing}.`;
}
