/** What a password must be like (SPEC 3): the policy as it is configured, and what it means. */
import { z } from 'zod';
import { tokenPrefix } from '../../domain/token.ts';
import { passwordBytesMax } from '../limits/credentials.ts';

const atLeast = (count: number) => z.int().min(0).max(passwordBytesMax).default(count);

/** JSON text: how many characters (code points), in all and of each kind, at least; 0 asks for none. */
export const PasswordPolicy = z
  .string()
  .transform((text, context) => {
    try {
      return JSON.parse(text) as unknown;
    } catch {
      context.addIssue('is not JSON');
      return z.NEVER;
    }
  })
  .pipe(
    z.strictObject({
      min: atLeast(5),
      lower: atLeast(0),
      upper: atLeast(0),
      numeric: atLeast(0),
      symbol: atLeast(0),
    }),
  );
export type PasswordPolicy = z.output<typeof PasswordPolicy>;

/** What no policy adds to: five characters. */
export const defaultPasswordPolicy: PasswordPolicy = PasswordPolicy.parse('{}');

/** By Unicode general category. */
const kinds = [
  ['min', /[\s\S]/gu, 'characters'],
  ['lower', /\p{Ll}/gu, 'lower-case letters'],
  ['upper', /\p{Lu}/gu, 'upper-case letters'],
  ['numeric', /\p{N}/gu, 'digits'],
  ['symbol', /[\p{P}\p{S}]/gu, 'symbols or punctuation marks'],
] as const;

/** What is wrong with a password, in words for whoever chose it; none of them quotes it. */
export function passwordFaults(password: string, policy: PasswordPolicy): string[] {
  const faults: string[] = [];
  if (!password.isWellFormed()) faults.push('must be well-formed Unicode');
  // Brokers that keep text as C does would take what stands before it for the whole password.
  if (password.includes('\0')) faults.push('must not contain NUL');
  // Taken for a token wherever it is offered, it would never open anything.
  if (password.startsWith(tokenPrefix)) faults.push(`must not begin with ${tokenPrefix}`);
  if (Buffer.byteLength(password) > passwordBytesMax) {
    return [...faults, `must have at most ${passwordBytesMax} bytes in UTF-8`];
  }
  for (const [kind, pattern, words] of kinds) {
    const wanted = policy[kind];
    // Nothing is wanted, or a character has two code units at most: then nobody need count.
    if (wanted === 0 || (kind === 'min' && password.length >= 2 * wanted)) continue;
    if ((password.match(pattern)?.length ?? 0) < wanted) {
      faults.push(`must have at least ${wanted} ${words}`);
    }
  }
  return faults;
}
