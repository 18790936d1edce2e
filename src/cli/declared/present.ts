/** What there is in the registry of what a file can declare, in the words of the file. */
import type { Preauthorization, Proposal, Role, User } from '../../api/output.ts';
import { everyItem } from '../client/lists.ts';
import { ProblemAnswered } from '../client/problem.ts';
import type { Registry } from '../client/registry-client.ts';
import { permissionText } from '../text/rights.ts';
import type { DeclaredClient, DeclaredRole, DeclaredRule } from './document.ts';
import { unmarked } from './mark.ts';

export interface PresentRole {
  readonly declared: DeclaredRole;
  readonly owner: string | null;
  readonly builtIn: boolean;
  readonly userCount: number;
}
export interface PresentRule {
  readonly id: string;
  readonly declared: DeclaredRule;
  readonly owner: string | null;
  /** What a file calls it. */
  readonly name: string | null;
  readonly isLive: boolean;
}
export interface PresentClient {
  readonly declared: DeclaredClient;
  readonly status: User['status'];
  readonly origin: User['origin'];
}
export interface Present {
  readonly roles: ReadonlyMap<string, PresentRole>;
  /** The newest first. */
  readonly rules: readonly PresentRule[];
  readonly clients: ReadonlyMap<string, PresentClient>;
  /** What waits for several people. */
  readonly proposals: readonly Proposal[];
  /** Who is signed in. */
  readonly me: string;
}

/** Beyond so many clients they are listed instead of asked for one by one. */
const askedOneByOneMax = 50;

const rightsIn = ({
  roles,
  permissions,
  mqttPublishPrefix,
  mqttClientId,
  expiresAt,
}: Pick<
  User,
  'roles' | 'permissions' | 'mqttPublishPrefix' | 'mqttClientId' | 'expiresAt'
>): DeclaredClient => ({
  roles: [...roles],
  permissions: permissions.map(permissionText),
  ...{ mqttPublishPrefix, mqttClientId, expiresAt },
});

export function presentRole({ description, permissions, builtIn, userCount }: Role): PresentRole {
  const { text, mark } = unmarked(description);
  const declared = { description: text, permissions: permissions.map(permissionText) };
  return { declared, owner: mark?.owner ?? null, builtIn, userCount };
}

export function presentRule(rule: Preauthorization): PresentRule {
  const { text, mark } = unmarked(rule.note);
  const { effect, usernamePattern, sources, pairingId, csrFingerprint, maxUses, until } = rule;
  return {
    id: rule.preauthorizationId,
    declared: {
      ...rightsIn(rule),
      ...{ effect, usernamePattern, sources: [...sources], pairingId, csrFingerprint },
      enrolmentCode: rule.hasEnrolmentCode,
      ...{ maxUses, until, note: text },
    },
    ...{ owner: mark?.owner ?? null, name: mark?.name ?? null, isLive: rule.status === 'active' },
  };
}

export const presentClient = (user: User): PresentClient => ({
  ...{ declared: rightsIn(user), status: user.status, origin: user.origin },
});

export async function rolesIn(registry: Registry): Promise<Map<string, PresentRole>> {
  const roles = new Map<string, PresentRole>();
  for await (const role of everyItem<Role>(registry, '/roles', {}))
    roles.set(role.name, presentRole(role));
  return roles;
}

/** Those that open something, and those that have done so: a rule that is used up is not made again. */
export async function rulesIn(registry: Registry): Promise<PresentRule[]> {
  const rules: PresentRule[] = [];
  for (const status of ['active', 'used'])
    for await (const rule of everyItem<Preauthorization>(
      ...([registry, '/client-registry/preauthorizations', { status }] as const),
    ))
      rules.push(presentRule(rule));
  return rules;
}

export async function clientsIn(
  registry: Registry,
  names: readonly string[] | null,
): Promise<Map<string, PresentClient>> {
  const clients = new Map<string, PresentClient>();
  if (names !== null && names.length <= askedOneByOneMax) {
    for (const name of names)
      try {
        const { body } = await registry.get<User>(`/users/${encodeURIComponent(name)}`);
        clients.set(name, presentClient(body));
      } catch (error) {
        if (!(error instanceof ProblemAnswered) || error.problem.status !== 404) throw error;
      }
    return clients;
  }
  const wanted = names === null ? null : new Set(names);
  for await (const user of everyItem<User>(registry, '/users', {}))
    if (wanted === null || wanted.has(user.username))
      clients.set(user.username, presentClient(user));
  return clients;
}

/** None where somebody may not see them: then what waits is proposed once more. */
async function proposalsIn(registry: Registry): Promise<Proposal[]> {
  const proposals: Proposal[] = [];
  try {
    for await (const one of everyItem<Proposal>(registry, '/approvals', { status: 'waiting' }))
      proposals.push(one);
  } catch (error) {
    if (!(error instanceof ProblemAnswered) || error.problem.status !== 403) throw error;
  }
  return proposals;
}

/** Reads what the declaration is about, and what `--prune` may take. */
export async function presentIn(
  registry: Registry,
  about: { readonly clients: readonly string[]; readonly roles: boolean; readonly rules: boolean },
): Promise<Present> {
  const me = (await registry.get<User>('/whoami')).body.username;
  return {
    me,
    roles: about.roles ? await rolesIn(registry) : new Map(),
    rules: about.rules ? await rulesIn(registry) : [],
    clients: await clientsIn(registry, about.clients),
    proposals: await proposalsIn(registry),
  };
}
