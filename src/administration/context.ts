/** Who administers, and what they may give: checks that reach beyond one aggregate. */
import { beyondOwn } from '../../domain/matching.ts';
import type { Permission } from '../../domain/permission.ts';
import type { Actor } from '../../domain/values.ts';
import type { Authority, Caller } from '../authority.ts';
import type { Cause } from '../commands/handle.ts';
import { Refused } from '../commands/refused.ts';
import type { Making } from '../credentials/making.ts';

/** Who asks, from where, and what it all belongs to. */
export interface CommandContext {
  readonly caller: Pick<Caller, 'username' | 'tokenId'>;
  /**
   * The caller as they stand now: asked where something is decided, since a body, a slow hash or others before
   * it may have taken seconds. @throws Refused `token-invalid`, `permission-missing`
   */
  readonly authorize: () => Caller;
  readonly source: string | null;
  readonly cause: Cause;
  /** What its ids and secrets are made by. */
  readonly making: Making;
}

export const actorOf = ({ caller }: CommandContext): Actor => ({
  kind: 'user',
  name: caller.username,
});

/** For what follows from a decision that was made: it is carried out, whatever its maker may by then. */
export const decidedAlready = (context: CommandContext, caller: Caller): CommandContext => ({
  ...context,
  authorize: () => caller,
});

/** @throws Refused `rights-exceed-own` when HTTP rights go beyond those that the caller has now. */
export function requireOwnRights(context: CommandContext, wanted: readonly Permission[]): void {
  const beyond = beyondOwn(context.authorize().permissions, wanted);
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
