/** Lists of what is allowed and denied, as brokers have them, in permissions, which only allow. */
import { levelsOf, mayMeet } from '../../../domain/matching.ts';
import { Permission } from '../../../domain/permission.ts';
import { RoleName, Username } from '../../../domain/values.ts';
import type { Remark } from './found.ts';

/** One rule of a broker. */
export interface BrokerRule {
  readonly allow: boolean;
  readonly operations: readonly ('read' | 'write')[];
  /** A filter, with `%u` and `%c` where the broker fills in username and client id. */
  readonly topic: string;
  /** The greater is asked first; the denial of two equal ones. */
  readonly priority: number;
  readonly place: string;
  /** The rule as the file has it. */
  readonly text: string;
}

interface Allowed {
  readonly permissions: Permission[];
  readonly remarks: Remark[];
}

/** Begins what is filled in here. */
export const templateMark = `\${`;
export const templateFault = `what stands in ${templateMark} } has a meaning of its own here`;

/** Whatever is filled in, one level at most. */
const asFilter = (topic: string): string[] =>
  levelsOf(topic).map((level) => (/%[uc]/.test(level) ? '+' : level));

/** Whether a denial takes something from what a rule allows. */
export const takesFrom = (denial: BrokerRule, rule: BrokerRule): boolean =>
  denial.operations.some((one) => rule.operations.includes(one)) &&
  mayMeet(asFilter(denial.topic), asFilter(rule.topic));

/** A text: why no permission can say it. */
function permissionOf(rule: BrokerRule): Permission | string {
  const { topic, operations } = rule;
  if (topic.includes(templateMark)) return templateFault;
  if (topic.startsWith('$'))
    return 'topics that begin with $ are the broker’s own: nobody needs a permission for them here';
  const operation = operations.length === 2 ? 'readWrite' : operations[0];
  const resource = topic.replaceAll('%u', `\${username}`).replaceAll('%c', `\${clientId}`);
  const parsed = Permission.safeParse({ context: 'mqtt', operation, resource });
  return parsed.success ? parsed.data : (parsed.error.issues[0]?.message ?? 'is no topic filter');
}

/**
 * What the rules of one role or client allow. A denial cannot be said: what it would take from is left out
 * rather than given whole, unless it is never asked because the other comes first.
 * @param pinned whether `%c` has a value, since the client id is pinned
 */
export function allowedBy(
  rules: readonly BrokerRule[],
  pinned: (rule: BrokerRule) => boolean,
): Allowed {
  const denials = rules.filter(({ allow }) => !allow);
  const permissions: Permission[] = [];
  const remarks: Remark[] = [];
  const leftOut = ({ place, text }: BrokerRule, because: string) =>
    remarks.push({ place, text: `${text}: left out, ${because}` });
  for (const rule of rules) {
    if (!rule.allow) continue;
    const denial = denials.find((one) => one.priority >= rule.priority && takesFrom(one, rule));
    const permission = permissionOf(rule);
    if (denial !== undefined)
      leftOut(rule, `since "${denial.text}" takes a part of it, which no permission can say`);
    else if (typeof permission === 'string') leftOut(rule, permission);
    else if (rule.topic.includes('%c') && !pinned(rule))
      leftOut(rule, 'since %c has a value here only where a client id is pinned');
    else permissions.push(permission);
  }
  return { permissions, remarks };
}

/** A fault of a name, as the end of a sentence; null: it can be one here. */
export function nameFault(name: string): string | null {
  const parsed = Username.safeParse(name);
  return parsed.success ? null : (parsed.error.issues[0]?.message ?? 'is no name');
}
export const isRoleName = (name: string): boolean => RoleName.safeParse(name).success;
