/** Mosquitto's dynamic security: the file that the plugin keeps, with clients, groups and roles. */
import { z } from 'zod';
import { CommandFailed, exitCodes } from '../command.ts';
import {
  distinct,
  type MovingClient,
  type MovingRole,
  type Remark,
  type SaidByFile,
} from './found.ts';
import { passwordOf, pbkdf2Password } from './mosquitto-hash.ts';
import { allowedBy, type BrokerRule, isRoleName, nameFault, takesFrom } from './rules.ts';

const Priority = z.number().default(-1);
const Named = z.array(z.object({ rolename: z.string() })).default([]);
const Dynsec = z.object({
  defaultACLAccess: z.record(z.string(), z.boolean()).default({}),
  anonymousGroup: z.string().optional(),
  clients: z
    .array(
      z.object({
        username: z.string(),
        clientid: z.string().optional(),
        password: z.string().optional(),
        salt: z.string().optional(),
        iterations: z.int().min(1).optional(),
        encoded_password: z.string().optional(),
        disabled: z.boolean().default(false),
        roles: Named,
      }),
    )
    .default([]),
  groups: z
    .array(
      z.object({
        groupname: z.string(),
        roles: Named,
        clients: z.array(z.object({ username: z.string() })).default([]),
      }),
    )
    .default([]),
  roles: z
    .array(
      z.object({
        rolename: z.string(),
        acls: z
          .array(
            z.object({
              acltype: z.string(),
              topic: z.string(),
              priority: Priority,
              allow: z.boolean(),
            }),
          )
          .default([]),
      }),
    )
    .default([]),
});
type Dynsec = z.output<typeof Dynsec>;
type DynsecClient = Dynsec['clients'][number];

/** @throws CommandFailed */
function parsed(file: string, text: string): Dynsec {
  const fault = (what: string) => new CommandFailed(exitCodes.usage, `${file} ${what}.`);
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    throw fault('is not JSON, though it begins like it');
  }
  const result = Dynsec.safeParse(json);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  throw fault(
    `is no file of Mosquitto’s dynamic security: ${issue?.path.join('.')} ${issue?.message}`,
  );
}

const operationsOf: ReadonlyMap<string, BrokerRule['operations']> = new Map([
  ['publishClientSend', ['write']],
  ['subscribeLiteral', ['read']],
  ['subscribePattern', ['read']],
]);

type DynsecRole = Dynsec['roles'][number];

/** The rules of a role that have a meaning here: to publish, and to subscribe and so to receive. */
function rulesOf({ rolename, acls }: DynsecRole, place: string, receivesAll: boolean) {
  const remarks: Remark[] = [];
  const receives = acls.filter(({ acltype }) => acltype === 'publishClientReceive');
  const rules = acls.flatMap(({ acltype, topic, priority, allow }): BrokerRule[] => {
    const text = `role ${rolename}: ${acltype} ${topic} ${allow ? 'allow' : 'deny'}`;
    const operations = operationsOf.get(acltype);
    if (operations !== undefined) {
      const isReceived =
        receivesAll ||
        acltype === 'publishClientSend' ||
        receives.some((one) => one.allow && (one.topic === topic || one.topic === '#'));
      if (allow && !isReceived) {
        remarks.push({ place, text: `${text}: left out, what it would receive is not allowed` });
        return [];
      }
      return [{ allow, operations, topic, priority, place, text }];
    }
    if (acltype === 'publishClientReceive')
      return allow ? [] : [{ allow, operations: ['read'], topic, priority: Infinity, place, text }];
    if (!/^unsubscribe(Literal|Pattern)$/.test(acltype) || !allow)
      remarks.push({
        place,
        text: `${text}: left out, ${/^unsubscribe/.test(acltype) ? 'nobody is kept from unsubscribing here' : 'it is of no known type'}`,
      });
    return [];
  });
  return { rules, remarks };
}

function passwordIn(client: DynsecClient) {
  const { password, salt, iterations, encoded_password: encoded } = client;
  if (encoded !== undefined) return passwordOf(encoded);
  return password !== undefined && salt !== undefined
    ? pbkdf2Password(salt, password, iterations ?? 101)
    : ({ kind: 'none', because: 'it has none there' } as const);
}

/** A role with the rules that it was made of. */
interface ReadRole extends MovingRole {
  readonly rules: readonly BrokerRule[];
}

/** Those of its roles that no other of its roles denies a part of. */
function keptRoles(roles: readonly ReadRole[], username: string, remarks: Remark[]): ReadRole[] {
  return roles.filter((role) => {
    const denial = roles
      .filter((other) => other !== role)
      .flatMap(({ rules }) => rules.filter(({ allow }) => !allow))
      .find((one) => role.rules.some((rule) => rule.allow && takesFrom(one, rule)));
    if (denial !== undefined)
      remarks.push({
        place: role.place,
        text: `client ${username}: left without role ${role.name}, since "${denial.text}" takes a part of it, which no permission can say`,
      });
    return denial === undefined;
  });
}

function clientIn(
  file: string,
  client: DynsecClient,
  roles: readonly ReadRole[],
  remarks: Remark[],
): MovingClient | undefined {
  const { username, clientid, disabled } = client;
  const place = file;
  const leave = (because: string) => {
    remarks.push({ place, text: `client ${username}: left out, ${because}` });
    return undefined;
  };
  const fault = nameFault(username);
  if (fault !== null) return leave(`a name ${fault}`);
  if (disabled) return leave('it is disabled there');
  const kept = keptRoles(roles, username, remarks);
  return {
    ...{ username, place, mqttClientId: clientid ?? null, mqttPublishPrefix: null },
    // A role whose name cannot be one here comes as what it gives.
    roles: kept.filter(({ name }) => isRoleName(name)).map(({ name }) => name),
    permissions: distinct(
      kept.filter(({ name }) => !isRoleName(name)).flatMap(({ permissions }) => permissions),
    ),
    password: passwordIn(client),
  };
}

function remarksOn(file: string, dynsec: Dynsec): Remark[] {
  const { defaultACLAccess: access, anonymousGroup, groups } = dynsec;
  const may = (what: string) => ({
    place: file,
    text: `defaultACLAccess: clients may ${what} everything there; here they may what their roles say`,
  });
  return [
    ...(access.publishClientSend === true ? [may('publish to')] : []),
    ...(access.subscribe === true ? [may('subscribe to')] : []),
    ...(anonymousGroup === undefined || anonymousGroup === ''
      ? []
      : [{ place: file, text: 'anonymousGroup: left out, nobody connects here without a name' }]),
    ...(groups.length === 0
      ? []
      : [
          {
            place: file,
            text: 'groups: there are none here; their clients have the roles of their groups',
          },
        ]),
  ];
}

export function dynsecIn(file: string, text: string): SaidByFile {
  const dynsec = parsed(file, text);
  const remarks = remarksOn(file, dynsec);
  const receivesAll = dynsec.defaultACLAccess.publishClientReceive !== false;
  const roles = new Map<string, ReadRole>();
  // A client id is pinned for each client by itself, so that %c is worked out where a role is given.
  for (const role of dynsec.roles) {
    const read = rulesOf(role, file, receivesAll);
    const allowed = allowedBy(read.rules, () => true);
    remarks.push(...read.remarks, ...allowed.remarks);
    if (read.rules.some(({ topic }) => topic.includes('%c')))
      remarks.push({
        place: file,
        text: `role ${role.rolename}: %c has a value here only for clients whose client id is pinned`,
      });
    const { permissions } = allowed;
    roles.set(role.rolename, { name: role.rolename, permissions, place: file, rules: read.rules });
  }
  const named = new Map<string, Set<string>>();
  for (const { roles: given, clients } of dynsec.groups)
    for (const { username } of clients) {
      const names = named.get(username) ?? new Set();
      for (const { rolename } of given) names.add(rolename);
      named.set(username, names);
    }
  const clients = dynsec.clients.flatMap((client) => {
    const names = new Set([
      ...client.roles.map(({ rolename }) => rolename),
      ...(named.get(client.username) ?? []),
    ]);
    const own = [...names].flatMap((name) => roles.get(name) ?? []);
    return clientIn(file, client, own, remarks) ?? [];
  });
  const kept = [...roles.values()].filter(({ name }) => isRoleName(name));
  return {
    roles: kept.map(({ rules: _rules, ...role }) => role),
    ...{ clients, remarks, forAll: [] },
  };
}
