/** The accounts file of the private Mosquitto: read, and written with the control password of this start. */
import { pbkdf2Sync, randomBytes } from 'node:crypto';
import { readFile, rename, writeFile } from 'node:fs/promises';

export const controlUsername = 'gatebook';

export interface Accounts {
  readonly clients: readonly { readonly username?: string; readonly [more: string]: unknown }[];
  readonly roles: readonly { readonly rolename?: string; readonly [more: string]: unknown }[];
  readonly [more: string]: unknown;
}

/** The file's content; null: it is missing, or Mosquitto ended while writing it. */
export async function accountsOf(file: string): Promise<Accounts | null> {
  try {
    const found = JSON.parse(await readFile(file, 'utf8')) as Partial<Accounts>;
    return Array.isArray(found.clients) && Array.isArray(found.roles) ? (found as Accounts) : null;
  } catch {
    return null;
  }
}

const acl = (acltype: string, topic: string) => ({ acltype, topic, priority: 0, allow: true });

/** Gives the control account its password of this start; all other accounts are unchanged. */
export function withControl({ clients, roles, ...rest }: Accounts, password: string): Accounts {
  const salt = randomBytes(12);
  const hash = pbkdf2Sync(password, salt, 101, 64, 'sha512');
  const rolename = 'gatebook-control';
  return {
    ...rest,
    defaultACLAccess: {
      publishClientSend: false,
      publishClientReceive: false,
      subscribe: false,
      unsubscribe: true,
    },
    clients: [
      {
        username: controlUsername,
        textname: 'The registry itself',
        roles: [{ rolename }],
        password: hash.toString('base64'),
        salt: salt.toString('base64'),
        iterations: 101,
      },
      ...clients.filter(({ username }) => username !== controlUsername),
    ],
    roles: [
      {
        rolename,
        acls: [
          acl('publishClientSend', '$CONTROL/dynamic-security/#'),
          acl('publishClientReceive', '$CONTROL/dynamic-security/#'),
          acl('subscribePattern', '$CONTROL/dynamic-security/#'),
        ],
      },
      ...roles.filter((role) => role.rolename !== rolename),
    ],
  };
}

/** Writes a file atomically: readers see all of the old text or all of the new. */
export async function writeAtomically(file: string, text: string): Promise<void> {
  await writeFile(`${file}.new`, text, { mode: 0o600 });
  await rename(`${file}.new`, file);
}
