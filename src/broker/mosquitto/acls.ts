/** Rights as Mosquitto's dynamic security has them: one role of its own for each client (2.0 knows no `%u`). */
import { registryTopics } from '../../../domain/matching.ts';
import type { Account } from '../ports/broker.ts';
import type { AccountMark } from './marks.ts';

export interface Acl {
  readonly acltype: string;
  readonly topic: string;
  readonly priority: number;
  readonly allow: boolean;
}

/** What is allowed has priority over what is denied, but nothing over what is the registry's alone. */
const reserved = 2;
const allowed = 1;
const denied = 0;

const reservation: Acl = {
  acltype: 'publishClientSend',
  topic: registryTopics,
  priority: reserved,
  allow: false,
};

/**
 * Everything that is not allowed is denied in the role itself, whatever the broker's defaults are: the
 * registry does not change those, because strangers' accounts depend on them.
 */
const denials: readonly Acl[] = [
  'publishClientSend',
  'publishClientReceive',
  'subscribePattern',
].map((acltype) => ({ acltype, topic: '#', priority: denied, allow: false }));

/** Topics that control the broker, and those of shared subscriptions: no permission covers them. */
const isReserved = (topic: string) => topic.startsWith('$') && !/^\$SYS(\/|$)/.test(topic);

/** The access list of an account. Nobody but the broker writes to a `$` topic. */
export function aclsOf({ permissions }: Pick<Account, 'permissions'>): Acl[] {
  const acls = new Map<string, Acl>();
  const allow = (acltype: string, topic: string) =>
    acls.set(`${acltype} ${topic}`, { acltype, topic, priority: allowed, allow: true });
  for (const { context, operation, resource } of permissions) {
    if (context !== 'mqtt' || isReserved(resource)) continue;
    if (operation !== 'read' && !resource.startsWith('$')) allow('publishClientSend', resource);
    if (operation === 'write') continue;
    allow('subscribePattern', resource);
    allow('publishClientReceive', resource);
  }
  return [reservation, ...acls.values(), ...denials];
}

/** The same text for the same rights, whatever the order of their parts. */
export function rightsText(rights: {
  readonly acls: readonly Acl[];
  readonly clientId: string | null;
  /** Roles and groups beside its own: more rights than were granted. */
  readonly others: readonly string[];
  /** What its account was made for. */
  readonly held: AccountMark | null;
}): string {
  const acls = rights.acls
    .map(({ acltype, topic, priority, allow }) => JSON.stringify([acltype, topic, priority, allow]))
    .sort();
  return JSON.stringify([acls, rights.clientId, [...rights.others].sort(), rights.held]);
}
