/** What routes pass on with a command: who asks, and checks that need the policy or the clock. */

import { Username } from '../../../domain/values.ts';
import type { CommandContext } from '../../administration/context.ts';
import { SentInstant } from '../../api/input.ts';
import type { Fault, ProblemCode } from '../../api/problems.ts';
import type { ClientAuth } from '../../config/values.ts';
import { readCsr } from '../../credentials/certificates/csr.ts';
import { byChance, type Making } from '../../credentials/making.ts';
import { Problem } from '../response/problem.ts';

export const commandContext = (
  request: Omit<CommandContext, 'making'> & { readonly making?: Making | undefined },
): CommandContext => {
  const { caller, authorize, source, cause, making = byChance } = request;
  return { caller, authorize, source, cause, making };
};

/** What was found, or the problem that says what is missing. */
export function found<T>(thing: T | undefined, code: ProblemCode): T {
  if (thing === undefined) throw new Problem(code);
  return thing;
}

const fieldOf = (body: unknown, name: string): unknown =>
  typeof body === 'object' && body !== null && Object.hasOwn(body, name)
    ? (body as Record<string, unknown>)[name]
    : undefined;

/** Faults of `password` by the policy; text alone is looked at, the rest is the schema's. */
export function passwordFaultsOf(
  body: unknown,
  passwordFaults: (password: string) => readonly string[],
): Fault[] {
  const password = fieldOf(body, 'password');
  if (typeof password !== 'string') return [];
  const faults = passwordFaults(password);
  if (faults.length === 0) return [];
  return [{ pointer: '#/password', detail: `password ${faults.join(', and ')}.` }];
}

/** Faults of `csr`, which must be the username's and beside no server's name; and of what shows no credential. */
export function csrFaultsOf(
  body: unknown,
  { isServerName }: { readonly isServerName: (name: string) => boolean },
): Fault[] {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) return [];
  const [csr, username] = [fieldOf(body, 'csr'), fieldOf(body, 'username')];
  if (csr === undefined && fieldOf(body, 'password') === undefined)
    return [{ pointer: '#/password', detail: 'password, or csr, must be there.' }];
  if (typeof csr !== 'string' || !Username.safeParse(username).success) return [];
  const { fault } = readCsr(csr, String(username));
  if (fault !== null) return [{ pointer: '#/csr', detail: `csr ${fault}.` }];
  return serverNameFaultsOf(String(username), isServerName);
}

/** A device never becomes a server (SPEC 11). */
export function serverNameFaultsOf(
  username: string,
  isServerName: (name: string) => boolean,
): Fault[] {
  if (!isServerName(username)) return [];
  const detail = 'csr takes no username that this service itself is reached by: choose another.';
  return [{ pointer: '#/csr', detail }];
}

/** A fault where the name is one of those that people have who sign in at the identity provider. */
export function personNameFaultsOf(
  body: unknown,
  isPersonName: (name: string) => boolean,
): Fault[] {
  const username = fieldOf(body, 'username');
  if (typeof username !== 'string' || !isPersonName(username)) return [];
  const detail =
    'username ends as the names of people do who sign in at the identity provider: choose another.';
  return [{ pointer: '#/username', detail }];
}

const missing: Readonly<Record<'csr' | 'password', string>> = {
  csr: 'csr must be there: without a certificate nobody connects here.',
  password: 'password must be there: with a certificate alone nobody connects here.',
};

const wanted = { either: [], certificate: ['csr'], both: ['csr', 'password'] } as const;

/** Faults of what could never connect by MQTT as this service is configured. */
export function clientAuthFaultsOf(body: unknown, clientAuth: ClientAuth): readonly Fault[] {
  return wanted[clientAuth]
    .filter((name) => fieldOf(body, name) === undefined)
    .map((name) => ({ pointer: `#/${name}`, detail: missing[name] }));
}

/** A fault where an instant of the body does not lie ahead of `now` (ISO). */
export function faultsUnlessAhead(body: unknown, name: string, now: string): Fault[] {
  const sent = SentInstant.safeParse(fieldOf(body, name));
  if (!sent.success || sent.data > now) return [];
  return [{ pointer: `#/${name}`, detail: `${name} must lie ahead: it is ${now} now.` }];
}
