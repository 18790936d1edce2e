/** What has to be sent so that the registry becomes what a file declares: a pure comparison. */
import { isDeepStrictEqual } from 'node:util';
import { permissionFromText } from '../../../domain/permission.ts';
import type { Proposal } from '../../api/output.ts';
import type { Declaration, DeclaredClient, DeclaredRole, DeclaredRule } from './document.ts';
import { marked } from './mark.ts';
import type { Present, PresentRule } from './present.ts';

export interface FieldChange {
  readonly field: string;
  readonly from: unknown;
  readonly to: unknown;
}
interface NeededCommand {
  readonly method: 'POST' | 'PUT' | 'DELETE';
  readonly path: string;
  readonly body?: Readonly<Record<string, unknown>>;
  /** Of a withdrawal that several people may have to approve: what its proposal would be about; null: none needs to. */
  readonly keepsOut?: string | null;
}
export interface DeclaredChange {
  readonly action: 'make' | 'change' | 'remove';
  readonly kind: 'role' | 'rule' | 'client';
  readonly name: string;
  readonly fields: readonly FieldChange[];
  /** One after the other; what waits for several people already is not among it, nor what comes after that. */
  readonly sent: readonly NeededCommand[];
  /** What whoever applies it should know. */
  readonly warning: string | null;
  /** The proposal by which the very same waits for several people; it is not sent again. */
  readonly waits: string | null;
}
interface Skipped {
  readonly kind: DeclaredChange['kind'];
  readonly name: string;
  readonly because: string;
}
export interface Plan {
  readonly changes: readonly DeclaredChange[];
  readonly skipped: readonly Skipped[];
  readonly unchangedCount: number;
}

export interface PlanOptions {
  /** What is made is marked as this file's; null: marks stay as they are. */
  readonly owner: string | null;
  /** Take away what the owner made and the file no longer has. */
  readonly prune: boolean;
  readonly now: string;
  /** Which rule is meant by a name, whatever mark it has. */
  readonly ruleIds?: ReadonlyMap<string, string>;
}

const rulesPath = '/client-registry/preauthorizations';
const rulePath = (id: string) => `${rulesPath}/${encodeURIComponent(id)}`;
/** What the registry calls whom a rule is about. */
const subjectOf = (pattern: unknown): string =>
  typeof pattern === 'string' ? pattern : 'any name';
const withdrawal = ({ id, declared }: PresentRule): NeededCommand => ({
  ...{ method: 'DELETE', path: rulePath(id) },
  keepsOut: declared.effect === 'deny' ? subjectOf(declared.usernamePattern) : null,
});
const rolePath = (name: string) => `/roles/${encodeURIComponent(name)}`;

/** Lists are sets: their order says nothing. */
const written = (value: unknown): string =>
  JSON.stringify(Array.isArray(value) ? [...new Set(value)].sort() : value);

function fieldChanges<Thing extends object>(from: Partial<Thing>, to: Thing): FieldChange[] {
  return Object.entries(to)
    .map(([field, value]) => ({ field, from: (from as Record<string, unknown>)[field], to: value }))
    .filter((one) => written(one.from) !== written(one.to));
}

/** Of what is new, what is not empty. */
const newFields = (thing: object): FieldChange[] =>
  fieldChanges({}, thing).filter(
    ({ to }) => to !== null && to !== false && !(Array.isArray(to) && to.length === 0),
  );

const permissionsOf = (texts: readonly string[]) => texts.map((text) => permissionFromText(text));

const roleBody = ({ description, permissions }: DeclaredRole, owner: string | null) => ({
  permissions: permissionsOf(permissions),
  ...(description !== null || owner !== null
    ? { description: owner === null ? description : marked(description, owner) }
    : {}),
});

const clientBody = ({ permissions, ...rights }: DeclaredClient) => ({
  ...rights,
  permissions: permissionsOf(permissions),
});

function ruleBody(
  { permissions, enrolmentCode, note, effect, maxUses, ...rest }: DeclaredRule,
  mark: { owner: string; name: string } | null,
) {
  // Of a rule that keeps out, rights and uses say nothing, and are refused.
  const { roles, mqttPublishPrefix, mqttClientId, expiresAt, ...whom } = rest;
  const gives = {
    ...{ roles, mqttPublishPrefix, mqttClientId, expiresAt, maxUses },
    permissions: permissionsOf(permissions),
  };
  return {
    ...{ effect, ...whom },
    ...(effect === 'deny' ? {} : gives),
    ...(enrolmentCode ? { enrolmentCode: true } : {}),
    note: mark === null ? note : marked(note, mark.owner, mark.name),
  };
}

const operationIds: Readonly<Record<DeclaredChange['kind'], string>> = {
  role: 'putRole',
  rule: 'createPreauthorization',
  client: 'setAuthorization',
};

/** By what they do and whom they are about. */
const proposalKey = (action: string, subject: string): string => `${action} ${subject}`;

/** The proposal that has the very same body. */
function waitingFor(
  proposals: readonly Proposal[],
  body: Readonly<Record<string, unknown>>,
): string | null {
  const same = (one: unknown, other: unknown) => isDeepStrictEqual(one ?? null, other ?? null);
  const found = proposals.find(
    (proposal) =>
      Object.entries(proposal.body).every(([field, value]) => same(value, body[field])) &&
      same(proposal.body.note, body.note),
  );
  return found?.proposalId ?? null;
}

/** What a rule says, with its lists as sets: equal for those between which `fieldChanges` finds nothing. */
const ruleText = (declared: DeclaredRule): string =>
  JSON.stringify(
    Object.entries(declared)
      .map(([field, value]) => [field, written(value)])
      .sort(([one = ''], [other = '']) => (one < other ? -1 : 1)),
  );

/** The rules that are there, found in one step each: a file may declare thousands, of as many. */
class PresentRules {
  readonly #byId = new Map<string, PresentRule>();
  readonly #named = new Map<string, PresentRule[]>();
  /** By what they say, the newest of those that nobody named. */
  readonly #unnamed = new Map<string, PresentRule>();

  constructor(rules: readonly PresentRule[]) {
    for (const rule of rules) {
      this.#byId.set(rule.id, rule);
      if (rule.name === null) {
        const text = ruleText(rule.declared);
        if (!this.#unnamed.has(text)) this.#unnamed.set(text, rule);
        continue;
      }
      const key = PresentRules.#key(rule.owner, rule.name);
      const known = this.#named.get(key);
      if (known === undefined) this.#named.set(key, [rule]);
      else known.push(rule);
    }
  }

  static #key = (owner: string | null, name: string): string => `${owner ?? ''}/${name}`;

  withId(id: string): PresentRule[] {
    return asList(this.#byId.get(id));
  }

  /** The rules of that name, the newest first, else an unmarked one that says the same. */
  of(owner: string | null, name: string, declared: DeclaredRule): PresentRule[] {
    const own = this.#named.get(PresentRules.#key(owner, name));
    if (own === undefined) return asList(this.#unnamed.get(ruleText(declared)));
    const live = own.filter(({ isLive }) => isLive);
    return live.length > 0 ? live : own.slice(0, 1);
  }
}

const asList = <Item>(item: Item | undefined): Item[] => (item === undefined ? [] : [item]);

/** Collects what has to be done, kind by kind. */
class Planner {
  readonly changes: DeclaredChange[] = [];
  readonly skipped: Skipped[] = [];
  unchangedCount = 0;
  readonly #present: Present;
  readonly #options: PlanOptions;
  readonly #rules: PresentRules;
  readonly #proposals: ReadonlyMap<string, Proposal[]>;

  constructor(present: Present, options: PlanOptions) {
    this.#present = present;
    this.#options = options;
    this.#rules = new PresentRules(present.rules);
    this.#proposals = Map.groupBy(present.proposals, ({ action, subject }) =>
      proposalKey(action, subject),
    );
  }

  role(name: string, declared: DeclaredRole): void {
    const there = this.#present.roles.get(name);
    const fields = there ? fieldChanges(there.declared, declared) : newFields(declared);
    if (there !== undefined && fields.length === 0) {
      this.unchangedCount += 1;
      return;
    }
    const owner = this.#options.owner ?? there?.owner ?? null;
    const body = roleBody(declared, owner);
    this.#add('role', name, there === undefined ? 'make' : 'change', fields, [
      { method: 'PUT', path: rolePath(name), body },
    ]);
  }

  /**
   * The new rule stands before the one of before goes: whatever breaks off between the two, or waits for approval, nobody
   * gets in whom neither of the two lets in, and a rule that keeps out is never missing.
   */
  rule(name: string, declared: DeclaredRule): void {
    const { now, owner, ruleIds } = this.#options;
    const id = ruleIds?.get(name);
    const named = id === undefined ? this.#rules.of(owner, name, declared) : this.#rules.withId(id);
    const same = named.find((rule) => fieldChanges(rule.declared, declared).length === 0);
    const there = same ?? named[0];
    const withdrawn = named.filter((rule) => rule.isLive && rule !== same).map(withdrawal);
    if (same !== undefined) {
      if (withdrawn.length === 0) this.unchangedCount += 1;
      else this.#add('rule', name, 'change', [], withdrawn, 'What it was before is withdrawn.');
      return;
    }
    if (declared.until <= now) {
      this.skipped.push({ kind: 'rule', name, because: 'its end has passed' });
      return;
    }
    const markOwner = owner ?? there?.owner ?? null;
    const mark = markOwner === null ? null : { owner: markOwner, name: there?.name ?? name };
    this.#add(
      'rule',
      name,
      there === undefined ? 'make' : 'change',
      there === undefined ? newFields(declared) : fieldChanges(there.declared, declared),
      [{ method: 'POST', path: rulesPath, body: ruleBody(declared, mark) }, ...withdrawn],
      there === undefined
        ? null
        : 'A rule cannot be changed: it is made anew, with no use so far, and what it was before is withdrawn.',
    );
  }

  client(name: string, declared: DeclaredClient): void {
    const there = this.#present.clients.get(name);
    const because = this.#whyNot(name, declared);
    if (there === undefined || because !== null) {
      this.skipped.push({ kind: 'client', name, because: because ?? '' });
      return;
    }
    const fields = fieldChanges(there.declared, declared);
    if (fields.length === 0) {
      this.unchangedCount += 1;
      return;
    }
    this.#add(
      ...(['client', name, 'change', fields] as const),
      [
        {
          method: 'PUT',
          path: `/users/${encodeURIComponent(name)}/authorization`,
          body: clientBody(declared),
        },
      ],
      name === this.#present.me ? 'This is you.' : null,
    );
  }

  /** Why the rights of a client are not set: a file lets nobody in. */
  #whyNot(name: string, { expiresAt }: DeclaredClient): string | null {
    const there = this.#present.clients.get(name);
    if (there === undefined || there.status === 'unknown')
      return 'it has no access: it has to ask, or a rule lets it in';
    if (there.status === 'pending')
      return `it waits for a decision: gatebook requests show ${name}`;
    if (there.status !== 'active' && there.status !== 'suspended')
      return `it is ${there.status}: gatebook users reinstate ${name}`;
    if (there.origin === 'sso') return 'its roles come from the identity provider';
    return expiresAt !== null && expiresAt <= this.#options.now ? 'its end has passed' : null;
  }

  /** What the owner made and the file no longer has. */
  prune(declaration: Declaration): void {
    const { owner } = this.#options;
    for (const rule of this.#present.rules) {
      const { name, owner: madeBy, isLive } = rule;
      if (isLive && madeBy === owner && name !== null)
        if (!Object.hasOwn(declaration.preauthorizations, name))
          this.#add('rule', name, 'remove', [], [withdrawal(rule)]);
    }
    for (const [name, role] of this.#present.roles)
      if (role.owner === owner && !Object.hasOwn(declaration.roles, name))
        this.#add(
          ...(['role', name, 'remove', []] as const),
          [{ method: 'DELETE', path: rolePath(name) }],
          role.userCount > 0
            ? `${role.userCount} still have it: a role in use is not removed.`
            : null,
        );
  }

  #add(
    kind: DeclaredChange['kind'],
    name: string,
    action: DeclaredChange['action'],
    fields: readonly FieldChange[],
    sent: readonly NeededCommand[],
    warning: string | null = null,
  ): void {
    const open: NeededCommand[] = [];
    let waits: string | null = null;
    for (const command of sent) {
      const waiting = this.#waiting(kind, name, command);
      if (waiting === null) open.push(command);
      else waits ??= waiting;
      // What was before stays until the new one stands.
      if (waiting !== null && command.body !== undefined) break;
    }
    if (open.length > 0) waits = null;
    this.changes.push({ action, kind, name, fields, sent: open, warning, waits });
  }

  /** The proposal that would do the very same. */
  #waiting(
    kind: DeclaredChange['kind'],
    name: string,
    { body, keepsOut = null }: NeededCommand,
  ): string | null {
    if (body === undefined) {
      if (keepsOut === null) return null;
      // Those to withdraw a rule do not say which of several it is, so each counts once.
      const key = proposalKey('withdrawPreauthorization', keepsOut);
      return this.#proposals.get(key)?.shift()?.proposalId ?? null;
    }
    const subject = kind === 'rule' ? subjectOf(body.usernamePattern) : name;
    return waitingFor(this.#proposals.get(proposalKey(operationIds[kind], subject)) ?? [], body);
  }
}

/** Roles come first, since rules and clients name them; what is taken away comes last. */
export function planOf(declaration: Declaration, present: Present, options: PlanOptions): Plan {
  const planner = new Planner(present, options);
  for (const [name, role] of Object.entries(declaration.roles)) planner.role(name, role);
  for (const [name, rule] of Object.entries(declaration.preauthorizations))
    planner.rule(name, rule);
  for (const [name, one] of Object.entries(declaration.clients)) planner.client(name, one);
  if (options.prune) planner.prune(declaration);
  const { changes, skipped, unchangedCount } = planner;
  return { changes, skipped, unchangedCount };
}
