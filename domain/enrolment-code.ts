/** An enrolment code, and the password at MQTT that carries one: `gbe_<code>:<own secret>` (SPEC 3). */

/** What every code begins with; 32 random bytes in base64url follow. */
export const enrolmentCodePrefix = 'gbe_';

const code = /^gbe_[A-Za-z0-9_-]{43}$/;
const codeLength = enrolmentCodePrefix.length + 43;

/** Whether text has the form of an enrolment code. */
export const isEnrolmentCode = (text: string): boolean => code.test(text);

/**
 * A code without white space, which none has: it comes along where one is pasted, or typed from a label in groups or
 * lines. A dash may belong to it. At MQTT nothing is left out: there the whole string is the password.
 */
export const withoutSpace = (typed: string): string => typed.replaceAll(/\s+/g, '');

/** The code that a password begins with, and the secret behind it (empty: a bare code); undefined: it carries none. */
export function enrolmentIn(
  password: string,
): { readonly code: string; readonly ownSecret: string } | undefined {
  if (!isEnrolmentCode(password.slice(0, codeLength))) return undefined;
  const [separator, ownSecret] = [password[codeLength], password.slice(codeLength + 1)];
  if (separator !== undefined && separator !== ':') return undefined;
  return { code: password.slice(0, codeLength), ownSecret };
}

/** What of a password its owner chose: a policy is about that alone. */
export const ownSecretOf = (password: string): string =>
  enrolmentIn(password)?.ownSecret ?? password;
