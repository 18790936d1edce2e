/** What a password must be like (SPEC 3). */
import { z } from 'zod';
import { passwordBytesMax } from '../../limits.ts';
import { tokenPrefix } from '../tokens.ts';

const count = z.int().min(0).max(passwordBytesMax);
const kind = count.optional();

/** How many characters (code points), in all and of each kind, at least; 0 asks for none. */
export const PasswordPolicy = z
  .strictObject({ min: count.default(5), lower: kind, upper: kind, numeric: kind, symbol: kind })
  .default({ min: 5 });
export type PasswordPolicy = z.infer<typeof PasswordPolicy>;

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
    const wanted = policy[kind] ?? 0;
    if ((password.match(pattern)?.length ?? 0) < wanted) {
      faults.push(`must have at least ${wanted} ${words}`);
    }
  }
  return faults;
}
