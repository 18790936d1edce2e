/** Single sign-on in the configuration: the identity provider, and which of its groups have which roles here. */
import { Username } from '../../domain/values.ts';
import type { ConfigFault } from './fault.ts';
import type { Environment } from './reading.ts';
import { isConfidential } from './sso-values.ts';
import { prefix, type Values } from './variables.ts';

export interface SsoConfig {
  /** As the provider says it, without user, query and fragment. */
  readonly issuer: string;
  readonly clientId: string;
  readonly clientSecret: string;
  /** What the page's button says. */
  readonly name: string;
  /** What names of people end in, behind an `@`. */
  readonly realm: string;
  readonly sessionMs: number;
  readonly usernameClaim: string;
  readonly rolesClaim: string;
  /** By group. */
  readonly roles: ReadonlyMap<string, readonly string[]>;
  /** Where people are when they come back; without a slash at the end. */
  readonly publicUrl: string;
}

const required = ['OIDC_CLIENT_ID', 'OIDC_CLIENT_SECRET', 'OIDC_ROLES', 'PUBLIC_URL'] as const;
const optional = ['OIDC_NAME', 'OIDC_REALM', 'OIDC_SESSION', 'OIDC_USERNAME_CLAIM'] as const;

const remedies = {
  OIDC_CLIENT_ID: 'Give the id that the identity provider knows this registry by',
  OIDC_CLIENT_SECRET: `Give the secret of that id, best by ${prefix}OIDC_CLIENT_SECRET_FILE`,
  OIDC_ROLES:
    'Say which groups have which roles: {"claim":"groups","roles":{"plant-admins":["administrator"]}}',
  PUBLIC_URL:
    'Give the URL that people have in their browsers, https or on this machine: they are sent back to it',
} as const;

/** The issuer takes its companions, and they the issuer. A value that did not parse is left out. */
export function ssoFaults(values: Partial<Values>, set: Environment): ConfigFault[] {
  const isSet = (name: string) => Boolean(set[`${prefix}${name}`] || set[`${prefix}${name}_FILE`]);
  const { PUBLIC_URL, OIDC_REALM, ADMIN_USERNAME } = values;
  if (!isSet('OIDC_ISSUER'))
    return [...required, ...optional]
      .filter((name) => name !== 'PUBLIC_URL' && isSet(name))
      .map((name) => ({
        variable: `${prefix}${name}`,
        problem: `is set without ${prefix}OIDC_ISSUER`,
        remedy: `Set ${prefix}OIDC_ISSUER to the URL of the identity provider, or remove the variable`,
      }));
  const missing = required
    .filter((name) => !isSet(name))
    .map((name) => ({
      variable: `${prefix}${name}`,
      problem: `is not set, where ${prefix}OIDC_ISSUER is`,
      remedy: remedies[name],
    }));
  const open =
    PUBLIC_URL !== undefined && !isConfidential(PUBLIC_URL)
      ? [
          {
            variable: `${prefix}PUBLIC_URL`,
            problem: `is neither https nor on this machine, where ${prefix}OIDC_ISSUER is set`,
            remedy: remedies.PUBLIC_URL,
          },
        ]
      : [];
  const ofPerson =
    ADMIN_USERNAME !== undefined && OIDC_REALM !== undefined && endsIn(OIDC_REALM)(ADMIN_USERNAME)
      ? [
          {
            variable: `${prefix}ADMIN_USERNAME`,
            problem: `ends in @${OIDC_REALM}, as the names of people do who sign in at the identity provider`,
            remedy: `Give another name, or another ${prefix}OIDC_REALM`,
          },
        ]
      : [];
  return [...missing, ...open, ...ofPerson];
}

export const ssoOf = (values: Values): SsoConfig | null =>
  values.OIDC_ISSUER === undefined ||
  values.OIDC_CLIENT_ID === undefined ||
  values.OIDC_CLIENT_SECRET === undefined ||
  values.OIDC_ROLES === undefined ||
  values.PUBLIC_URL === undefined
    ? null
    : {
        issuer: values.OIDC_ISSUER,
        clientId: values.OIDC_CLIENT_ID,
        clientSecret: values.OIDC_CLIENT_SECRET,
        name: values.OIDC_NAME,
        realm: values.OIDC_REALM,
        sessionMs: values.OIDC_SESSION,
        usernameClaim: values.OIDC_USERNAME_CLAIM,
        rolesClaim: values.OIDC_ROLES.claim,
        roles: values.OIDC_ROLES.roles,
        publicUrl: values.PUBLIC_URL.replace(/\/+$/, ''),
      };

const endsIn = (realm: string) => (name: string) =>
  name.toLowerCase().endsWith(`@${realm.toLowerCase()}`);

/** Whether a name is one of those that people have who sign in at the identity provider: nobody else may choose it. */
export const personNameTest = (
  sso: Pick<SsoConfig, 'realm'> | null,
): ((name: string) => boolean) => (sso === null ? () => false : endsIn(sso.realm));

/** The name of a person; null: the provider's word for them makes none. */
export function personName(claim: unknown, { realm }: Pick<SsoConfig, 'realm'>): string | null {
  if (typeof claim !== 'string') return null;
  const name = Username.safeParse(`${claim}@${realm}`);
  return name.success ? name.data : null;
}
