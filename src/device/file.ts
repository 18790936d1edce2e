/** The file of a device: its credentials and how far its registration is. Mode 0600, never half written. */
import { readFile } from 'node:fs/promises';
import { writePrivateFile } from '../platform/private-file.ts';

export interface DevicePermission {
  readonly context: 'mqtt' | 'http';
  readonly resource: string;
  readonly operation: 'read' | 'write' | 'readWrite';
}

/** What a granted device is told. */
export interface Registered {
  readonly status: 'granted';
  readonly requestId: string | null;
  readonly username: string;
  readonly roles: readonly string[];
  readonly permissions: readonly DevicePermission[];
  readonly effectivePermissions: readonly DevicePermission[];
  readonly mqttPublishPrefix: string | null;
  readonly mqttClientId: string | null;
  readonly expiresAt: string | null;
  readonly brokers: readonly { readonly name: string; readonly urls: readonly string[] }[];
  readonly certificate: string | null;
}

export interface RegistrationFile {
  readonly url: string;
  readonly username: string;
  readonly password: string;
  readonly requestId: string | null;
  readonly pairingId: string | null;
  readonly registrationToken: string | null;
  readonly registered: Registered | null;
}

/** The file cannot be used: the message says why, and never holds the password. */
export class RegistrationFileError extends Error {
  override name = 'RegistrationFileError';
}

/** The system's word for what went wrong with a file. */
export const codeOf = (error: unknown): string => (error as { code?: string }).code ?? 'unreadable';

/** The file's content, or null when there is no file. @throws RegistrationFileError when it is another file. */
export async function readRegistrationFile(path: string): Promise<RegistrationFile | null> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return null;
    throw new RegistrationFileError(`${path} cannot be read (${codeOf(error)}).`);
  }
  let held: unknown;
  try {
    held = JSON.parse(text);
  } catch {
    held = null;
  }
  const { url, username, password, ...rest } = (held ?? {}) as Partial<RegistrationFile>;
  if (typeof url !== 'string' || typeof username !== 'string' || typeof password !== 'string')
    throw new RegistrationFileError(
      `${path} is there, but is no file of a registration. Nothing was changed; give another name.`,
    );
  const { requestId = null, pairingId = null, registrationToken = null, registered = null } = rest;
  return { url, username, password, requestId, pairingId, registrationToken, registered };
}

/** @throws RegistrationFileError */
export async function writeRegistrationFile(path: string, content: RegistrationFile) {
  try {
    await writePrivateFile(path, `${JSON.stringify(content, null, 2)}\n`);
  } catch (error) {
    throw new RegistrationFileError(`${path} cannot be written (${codeOf(error)}).`);
  }
}
