/** Who is it, and may they: the rights of accounts and tokens, for HTTP and MQTT alike. */
import { heldRights } from '../domain/client/client.ts';
import { rolesGiving } from '../domain/client/http-of-roles.ts';
import {
  type CompiledPermissions,
  compiled,
  filledPermissions,
  givenPermissions,
  holdsHttpRights,
  withinHttpLimit,
} from '../domain/matching.ts';
import type { Permission } from '../domain/permission.ts';
import { builtInRoles } from '../domain/role.ts';
import type { AccessRow } from '../projections/access.ts';
import type { RoleRow } from '../projections/roles.ts';
import type { TokenRow } from '../projections/tokens.ts';
import type { Tokens } from './credentials/tokens.ts';
import { rightsHeldMax } from './limits/doors.ts';
import { lruCache } from './platform/lru-cache.ts';
import type { Changes } from './read-models/read-models.ts';
import type { Rows } from './read-models/row-table.ts';

/** Somebody whose token is good. Permissions are of the moment when it was looked up, not of the token's issue. */
export interface Caller {
  readonly username: string;
  readonly tokenId: string;
  /** ISO instant. */
  readonly tokenExpiresAt: string;
  readonly permissions: CompiledPermissions;
  /**
   * The HTTP permissions that the token never goes beyond, whatever its user is given: somebody else made
   * it, or the password behind it. Null: the user's own are all its limit.
   */
  readonly httpLimit: readonly Permission[] | null;
}

/** The rights of an account, worked out. */
export interface Principal {
  readonly row: AccessRow;
  readonly effective: readonly Permission[];
  readonly permissions: CompiledPermissions;
  readonly holdsHttpRights: boolean;
}

export interface Authority {
  /** Undefined for a name without a history. Rights are empty unless it is active or suspended. */
  principal(username: string): Principal | undefined;
  /** The account when it may act now: active, and its access has not run out. */
  active(username: string): Principal | undefined;
  /** The account a token acts for, and the token; undefined when the token lets nobody in. */
  bearer(token: string): Promise<{ principal: Principal; token: TokenRow } | undefined>;
  /** The same for an HTTP request. */
  caller(token: string): Promise<Caller | null>;
  /** The same caller with the rights of this moment; null: their token lets nobody in any more. */
  current(caller: Caller): Caller | null;
  /**
   * What an account may now, never beyond the limit of the token that it acted with, which may be over; undefined: it
   * is not active, has been granted anew since (its name may be somebody else's), or there never was such a token of it.
   */
  limited(username: string, tokenId: string): readonly Permission[] | undefined;
  /** Whether a token of this row still acts, its user and its own end considered. */
  tokenActs(token: TokenRow, row: AccessRow | undefined): boolean;
  permissionsOf(role: string): readonly Permission[];
  roleExists(role: string): boolean;
  /** What rights would come to for a name. */
  effective(username: string, rights: AccessRightsLike): Permission[];
  /** The same before it is for a name: templates as they stand. */
  given(rights: AccessRightsLike): Permission[];
}

interface AccessRightsLike {
  readonly roles: readonly string[];
  readonly permissions: readonly Permission[];
  readonly mqttClientId: string | null;
  readonly httpOfRoles?: readonly Permission[];
}

interface AuthorityOptions {
  readonly access: Rows<AccessRow>;
  readonly roles: Rows<RoleRow>;
  readonly tokenRows: Rows<TokenRow>;
  readonly tokens: Tokens;
  readonly onApplied: (listener: (events: unknown, changes: Changes) => void) => void;
  readonly now: () => string;
}

type Principals = Pick<
  Authority,
  'principal' | 'active' | 'permissionsOf' | 'roleExists' | 'effective' | 'given'
>;

export function createAuthority(options: AuthorityOptions): Authority {
  const { tokenRows, tokens, now } = options;
  const principals = createPrincipals(options);
  const { principal, active } = principals;

  const tokenActs: Authority['tokenActs'] = (token, row) =>
    token.revokedAt === null &&
    token.expiresAt > now() &&
    row !== undefined &&
    row.generation === token.generation &&
    (token.kind === 'named' || row.loginGeneration === token.loginGeneration);

  async function bearer(text: string) {
    const verified = await tokens.verify(text, 'gatebook');
    if (!verified) return undefined;
    return holder(verified.id, verified.subject);
  }

  function holder(tokenId: string, username: string) {
    const token = tokenRows.get(tokenId);
    const found = active(username);
    if (!token || !found || token.username !== username) return undefined;
    return tokenActs(token, found.row) ? { principal: found, token } : undefined;
  }

  /** A token that somebody else made before limits were recorded has that one's rights of now for its limit. */
  const limitOf = ({ httpLimit, issuedBy, username }: TokenRow) =>
    httpLimit ?? (issuedBy === username ? null : (principal(issuedBy)?.effective ?? []));

  function callerOf(found: { principal: Principal; token: TokenRow } | undefined): Caller | null {
    if (!found) return null;
    const { username, tokenId, expiresAt } = found.token;
    const httpLimit = limitOf(found.token);
    const permissions =
      httpLimit === null
        ? found.principal.permissions
        : compiled(withinHttpLimit(httpLimit, found.principal.effective));
    return { username, tokenId, tokenExpiresAt: expiresAt, permissions, httpLimit };
  }

  function limited(username: string, tokenId: string): readonly Permission[] | undefined {
    const [token, found] = [tokenRows.get(tokenId), active(username)];
    if (token === undefined || found === undefined || token.username !== username) return undefined;
    if (found.row.generation !== token.generation) return undefined;
    const httpLimit = limitOf(token);
    return httpLimit === null ? found.effective : withinHttpLimit(httpLimit, found.effective);
  }

  return {
    ...principals,
    limited,
    bearer,
    tokenActs,
    caller: async (text) => callerOf(await bearer(text)),
    current: ({ tokenId, username }) => callerOf(holder(tokenId, username)),
  };
}

/** The rights of accounts, worked out once and forgotten when the account or a role changes. */
function createPrincipals(options: AuthorityOptions): Principals {
  const { access, roles, now } = options;
  let principals = lruCache<Principal>(rightsHeldMax);
  /** Who was asked about last and is not known: one attempt at a door asks several times. */
  let stranger: string | undefined;

  // Registered first of all listeners, so that nobody sees rights of before a change.
  options.onApplied((_events, changes) => {
    stranger = undefined;
    if ((changes.get('roles')?.size ?? 0) > 0) principals = lruCache<Principal>(rightsHeldMax);
    for (const username of changes.get('clients')?.keys() ?? []) principals.delete(username);
  });

  const permissionsOf = (role: string): readonly Permission[] =>
    builtInRoles.get(role)?.permissions ?? roles.get(role)?.permissions ?? [];

  const given: Authority['given'] = (rights) =>
    givenPermissions(rights, rolesGiving(permissionsOf, rights.httpOfRoles));
  const effective: Authority['effective'] = (username, rights) =>
    filledPermissions({ username, mqttClientId: rights.mqttClientId }, given(rights));

  function principal(username: string): Principal | undefined {
    const known = principals.get(username);
    if (known) return known;
    if (username === stranger) return undefined;
    const row = access.get(username);
    if (!row) {
      stranger = username;
      return undefined;
    }
    const found = principalOf(row, effective);
    principals.set(username, found);
    return found;
  }

  function active(username: string): Principal | undefined {
    const found = principal(username);
    if (found?.row.status !== 'active') return undefined;
    const { expiresAt } = found.row.rights;
    return expiresAt === null || expiresAt > now() ? found : undefined;
  }

  return {
    principal,
    active,
    permissionsOf,
    effective,
    given,
    roleExists: (role) => builtInRoles.has(role) || roles.get(role) !== undefined,
  };
}

function principalOf(row: AccessRow, effectiveOf: Authority['effective']): Principal {
  const holds = row.status === 'active' || row.status === 'suspended';
  const effective = holds ? effectiveOf(row.username, heldRights(row)) : [];
  return {
    row,
    effective,
    permissions: compiled(effective),
    holdsHttpRights: holdsHttpRights(effective),
  };
}
