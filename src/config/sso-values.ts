/** What the variables of single sign-on may be. */
import { z } from 'zod';
import { RoleName, Text } from '../../domain/values.ts';
import { ssoGroupsMax, ssoSessionMaxMs } from '../limits/sign-on.ts';
import { Duration } from './values.ts';

export const OidcClaim = Text(1, 128);

/** What rights can hold. */
const rolesMax = 32;

/** Which claim has the groups, and the roles of each. */
export const OidcRoles = z
  .string()
  .transform((text, context): unknown => {
    try {
      return JSON.parse(text);
    } catch {
      context.addIssue('is not JSON');
      return z.NEVER;
    }
  })
  .pipe(
    z.strictObject({
      claim: OidcClaim,
      roles: z
        .record(Text(1, 256), z.array(RoleName).min(1).max(rolesMax))
        .transform((groups) => new Map(Object.entries(groups)))
        .refine((groups) => groups.size > 0 && groups.size <= ssoGroupsMax)
        .refine((groups) => new Set([...groups.values()].flat()).size <= rolesMax),
    }),
  );

export const OidcRealm = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9.-]{0,62}$/);
export const OidcSession = Duration.refine(
  (durationMs) => durationMs > 0 && durationMs <= ssoSessionMaxMs,
);
/** One line that a button can show. */
export const OidcName = Text(1, 64).refine((text) => !/\p{Cc}|\p{Cf}/u.test(text));

/** Whether a URL stays on this machine: what goes there needs no TLS. */
const isLoopback = ({ hostname }: URL): boolean =>
  hostname === 'localhost' ||
  hostname.endsWith('.localhost') ||
  hostname === '[::1]' ||
  /^127(\.\d{1,3}){3}$/.test(hostname);

/** Whether codes and secrets may go to a URL: nobody on the way reads them. */
export const isConfidential = (text: string): boolean => {
  const url = URL.canParse(text) ? new URL(text) : null;
  return url !== null && (url.protocol === 'https:' || isLoopback(url));
};
