/** Reads the accounts and roles of Mosquitto's dynamic security, and recognises those of this registry. */
import { type Account, BrokerRefused } from '../ports/broker.ts';
import { type Acl, rightsText } from './acls.ts';
import type { ControlAnswer, ControlCommand } from './command-queue.ts';
import type { Control } from './control.ts';
import { type AccountMark, heldIn, type Marks } from './marks.ts';

/** A client as dynamic security has it. */
interface FoundClient {
  readonly username: string;
  readonly enabled: boolean;
  readonly clientId: string | null;
  /** Its roles except its own, and its groups. */
  readonly others: readonly string[];
  readonly hasOwnRole: boolean;
  /** Made by this registry. */
  readonly isOwn: boolean;
  /** What it was made for; null: it has no password yet, or is a stranger's. */
  readonly held: AccountMark | null;
}

interface RawClient {
  readonly username?: string;
  readonly clientid?: string;
  readonly textname?: string;
  readonly textdescription?: string;
  readonly disabled?: boolean;
  readonly roles?: readonly { readonly rolename?: string }[];
  readonly groups?: readonly { readonly groupname?: string }[];
}

interface RawRole {
  readonly rolename?: string;
  readonly acls?: readonly Acl[];
}

function foundClient(raw: RawClient, marks: Marks): FoundClient {
  const username = raw.username ?? '';
  const isOwn = raw.textname === marks.textname;
  const ownRole = marks.roleOf(username);
  const roles = (raw.roles ?? []).map(({ rolename = '' }) => rolename);
  return {
    username,
    enabled: raw.disabled !== true,
    clientId: raw.clientid || null,
    others: [
      ...roles.filter((role) => role !== ownRole),
      ...(raw.groups ?? []).map(({ groupname }) => `group ${groupname}`),
    ],
    hasOwnRole: roles.includes(ownRole),
    isOwn,
    held: isOwn ? heldIn(raw.textdescription ?? '') : null,
  };
}

/** @throws BrokerRefused when Mosquitto answers with an error that is none of `expected` */
export function succeeded(
  answer: ControlAnswer | undefined,
  ...expected: readonly string[]
): boolean {
  if (answer?.error === undefined) return true;
  if (expected.includes(answer.error)) return false;
  throw new BrokerRefused(`Mosquitto refuses: ${answer.error}.`);
}

export interface FoundAccount {
  readonly client: FoundClient | null;
  /** The access list of its own role; null: it has none. */
  readonly acls: readonly Acl[] | null;
}

/** One account as it is now. */
export async function readAccount(
  control: Control,
  marks: Marks,
  username: string,
): Promise<FoundAccount> {
  const [client, role] = await control.send(
    { command: 'getClient', username },
    { command: 'getRole', rolename: marks.roleOf(username) },
  );
  const isThere = succeeded(client, 'Client not found');
  const hasRole = succeeded(role, 'Role not found');
  const raw = isThere ? (client?.data?.client as RawClient | undefined) : undefined;
  return {
    client: raw === undefined ? null : foundClient(raw, marks),
    acls: hasRole ? ((role?.data?.role as RawRole | undefined)?.acls ?? []) : null,
  };
}

/** Every account, with its rights as text. */
export async function readAll(control: Control, marks: Marks) {
  const all = { verbose: true, count: -1, offset: 0 };
  const [clients, roles] = await control.send(
    { command: 'listClients', ...all },
    { command: 'listRoles', ...all },
  );
  succeeded(clients);
  succeeded(roles);
  const acls = new Map(
    ((roles?.data?.roles ?? []) as readonly RawRole[]).map((role) => [role.rolename, role.acls]),
  );
  return ((clients?.data?.clients ?? []) as readonly RawClient[]).map((raw) => {
    const client = foundClient(raw, marks);
    const own = client.hasOwnRole ? (acls.get(marks.roleOf(client.username)) ?? []) : [];
    return { client, rights: rightsText({ ...client, acls: own }) };
  });
}

/** The commands that give a client's role these rights: none where it has them. */
export function roleCommands(
  marks: Marks,
  username: string,
  wanted: readonly Acl[],
  before: readonly Acl[] | null,
): ControlCommand[] {
  const rolename = marks.roleOf(username);
  if (before === null)
    return [{ command: 'createRole', rolename, textname: marks.textname, acls: wanted }];
  const text = (acls: readonly Acl[]) =>
    rightsText({ acls, clientId: null, others: [], held: null });
  return text(before) === text(wanted)
    ? []
    : [{ command: 'modifyRole', rolename, textname: marks.textname, acls: wanted }];
}

/** The commands that enable an account, with its role and no other. `password` undefined: it stays. */
export function enablingCommands(
  marks: Marks,
  { username, pinnedClientId }: Pick<Account, 'username' | 'pinnedClientId'>,
  client: FoundClient | null,
  wanted: AccountMark,
  password: string | undefined,
): ControlCommand[] {
  const textdescription = marks.describe(wanted);
  const isMarked = client?.held != null && marks.describe(client.held) === textdescription;
  const isRoleWrong = client === null || !client.hasOwnRole || client.others.length > 0;
  const commands: ControlCommand[] = [];
  if (client !== null && client.clientId !== pinnedClientId && pinnedClientId === null)
    commands.push({ command: 'setClientId', username });
  const change = {
    // In one command, so that the mark never names another password's credential.
    ...(password !== undefined && { password }),
    ...(isMarked && password === undefined ? {} : { textdescription }),
    ...(isRoleWrong ? { roles: [{ rolename: marks.roleOf(username) }], groups: [] } : {}),
    ...(pinnedClientId !== null && client?.clientId !== pinnedClientId
      ? { clientid: pinnedClientId }
      : {}),
  };
  if (Object.keys(change).length > 0)
    commands.push({ command: 'modifyClient', username, ...change });
  if (client?.enabled === false) commands.push({ command: 'enableClient', username });
  return commands;
}
