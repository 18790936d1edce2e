/** Who administers, and what they may give: checks that reach beyond one aggregate. */
import { beyondOwn } from '../../domain/matching.ts';
import type { Permission } from '../../domain/permission.ts';
import type { Actor } from '../../domain/values.ts';
import type { Authority, Caller } from '../authority.ts';
import type { Cause } from '../commands/handle.ts';
import { Refused } from '../commands/refused.ts';

/** Who asks, from where, and what it all belongs to. */
export interface CommandContext {
  readonly caller: Caller;
  readonly source: string | null;
  readonly cause: Cause;
}

export const actorOf = ({ caller }: CommandContext): Actor => ({
  kind: 'user',
  name: caller.username,
});

/** @throws Refused `rights-exceed-own` when HTTP rights go beyond those of the caller. */
export function requireOwnRights({ caller }: CommandContext, wanted: readonly Permission[]): void {
  const beyond = beyondOwn(caller.permissions, wanted);
  if (beyond === undefined) return;
  throw new Refused('rights-exceed-own', {
    detail: `You cannot give rights that you do not have: ${beyond.operation} on ${beyond.resource}.`,
  });
}

/** @throws Refused `role-not-found`, which names the field */
export function requireRoles(authority: Authority, roles: readonly string[]): void {
  const errors = roles.flatMap((role, at) =>
    authority.roleExists(role)
      ? []
      : [{ pointer: `#/roles/${at}`, detail: `There is no role ${role}.` }],
  );
  if (errors.length > 0)
    throw new Refused('role-not-found', { detail: errors.map((e) => e.detail).join(' '), errors });
}
