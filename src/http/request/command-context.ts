/** What routes pass on with a command: who asks, and checks that need the policy or the clock. */
import type { CommandContext } from '../../administration/context.ts';
import { SentInstant } from '../../api/input.ts';
import type { Fault, ProblemCode } from '../../api/problems.ts';
import { Problem } from '../response/problem.ts';

export const commandContext = (request: CommandContext): CommandContext => {
  const { caller, authorize, source, cause } = request;
  return { caller, authorize, source, cause };
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

/** A fault where an instant of the body does not lie ahead of `now` (ISO). */
export function faultsUnlessAhead(body: unknown, name: string, now: string): Fault[] {
  const sent = SentInstant.safeParse(fieldOf(body, name));
  if (!sent.success || sent.data > now) return [];
  return [{ pointer: `#/${name}`, detail: `${name} must lie ahead: it is ${now} now.` }];
}
