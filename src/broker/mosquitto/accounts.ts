/** Reads the accounts and roles of Mosquitto's dynamic security, and recognises those of this registry. */
import { BrokerRefused } from '../ports/broker.ts';
import { type Acl, rightsText } from './acls.ts';
import type { ControlAnswer, ControlCommand } from './command-queue.ts';
import type { Control } from './control.ts';

/** A client as dynamic security has it. */
export interface FoundClient {
  readonly username: string;
  readonly enabled: boolean;
  readonly clientId: string | null;
  /** Its roles except its own, and its groups. */
  readonly others: readonly string[];
  readonly hasOwnRole: boolean;
  /** Made by this registry. */
  readonly isOwn: boolean;
  /** The credential whose password it has; null: none yet. */
  readonly credentialId: string | null;
}

/** What this registry writes into its accounts, to recognise them. */
export interface Marks {
  readonly textname: string;
  roleOf(username: string): string;
  describe(credentialId: string | null): string;
}

const credentialMark = 'credential ';

/** Marks of the registry with this log: another registry at the same broker has others. */
export const marksOf = (logId: string): Marks => ({
  textname: `gatebook ${logId}`,
  roleOf: (username) => `gatebook-${logId.slice(0, 8)}:${username}`,
  describe: (credentialId) =>
    credentialId === null ? 'without a password' : credentialMark + credentialId,
});

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
  const description = raw.textdescription ?? '';
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
    credentialId:
      isOwn && description.startsWith(credentialMark)
        ? description.slice(credentialMark.length)
        : null,
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
  const text = (acls: readonly Acl[]) => rightsText({ acls, clientId: null, others: [] });
  return text(before) === text(wanted)
    ? []
    : [{ command: 'modifyRole', rolename, textname: marks.textname, acls: wanted }];
}
