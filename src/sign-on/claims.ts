/** What the identity provider says of a person, and what that makes of them here. */
import { hash } from 'node:crypto';
import { personName, type SsoConfig } from '../config/sso.ts';
import { ssoGroupsOfPersonMax, ssoSubjectCharactersMax } from '../limits/sign-on.ts';

/** Somebody whom the provider vouches for. */
export interface ProvenPerson {
  readonly issuer: string;
  /** The SHA-256 of issuer and subject, in hex. */
  readonly personId: string;
  /** The name that the claim gives; null: none that can be one. */
  readonly username: string | null;
  /** Of their groups, each once; none: nothing of theirs gives access. */
  readonly roles: readonly string[];
}

type Claims = Readonly<Record<string, unknown>>;

/** Groups as a list or as one text; whatever else stands there is none. */
function groupsIn(claim: unknown): readonly string[] {
  if (typeof claim === 'string') return [claim];
  if (!Array.isArray(claim)) return [];
  return claim
    .slice(0, ssoGroupsOfPersonMax)
    .filter((group): group is string => typeof group === 'string');
}

const claimOf = (claims: Claims, name: string): unknown =>
  Object.hasOwn(claims, name) ? claims[name] : undefined;

/** Null: the subject is none that the standard allows. */
export function provenPerson(claims: Claims, sso: SsoConfig): ProvenPerson | null {
  const { sub } = claims;
  if (typeof sub !== 'string' || sub === '' || sub.length > ssoSubjectCharactersMax) return null;
  const groups = groupsIn(claimOf(claims, sso.rolesClaim));
  const { issuer } = sso;
  return {
    issuer,
    personId: hash('sha256', JSON.stringify([issuer, sub])),
    username: personName(claimOf(claims, sso.usernameClaim), sso),
    roles: [...new Set(groups.flatMap((group) => sso.roles.get(group) ?? []))],
  };
}
