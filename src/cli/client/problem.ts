/** The problems that the registry answers with: what they say to people, and the exit code. */
import type { z } from 'zod';
import type { Problem as ProblemSchema } from '../../api/output.ts';
import type { ProblemCode } from '../../api/problems.ts';
import { CommandFailed, exitCodes } from '../command.ts';

type AnsweredProblem = z.infer<typeof ProblemSchema>;

/** The registry answered with a problem. */
export class ProblemAnswered extends CommandFailed {
  override name = 'ProblemAnswered';
  readonly problem: AnsweredProblem;
  readonly text: string;
  constructor(problem: AnsweredProblem, text: string, retryAfter: string | null) {
    super(exitCodeOf(problem), problem.detail, hintsOf(problem, retryAfter));
    this.problem = problem;
    this.text = text;
  }
}

export const signInHint =
  'Sign in with: gatebook login (or set GATEBOOK_TOKEN, or GATEBOOK_USERNAME and GATEBOOK_PASSWORD)';

/** What answers is something else. */
export const notGatebook = (url: string, status: number): CommandFailed =>
  new CommandFailed(
    status >= 502 ? exitCodes.unreachable : exitCodes.failed,
    `What answers at ${url} does not answer as Gatebook does (status ${status}).`,
    ['Is this its address? Another one: --url, or GATEBOOK_URL'],
  );

/** What is wrong with a response that is not the one a command wants. `text`: its body as it came. */
export function faultOf(url: string, response: Response, text: string, body: unknown) {
  if (!isProblem(body)) return notGatebook(url, response.status);
  if (body.code === 'token-missing')
    return new CommandFailed(exitCodes.notAllowed, `Not signed in at ${url}.`, [signInHint]);
  return new ProblemAnswered(body, text, response.headers.get('retry-after'));
}

function isProblem(value: unknown): value is AnsweredProblem {
  const { status, detail, code } = (value ?? {}) as Partial<AnsweredProblem>;
  return typeof status === 'number' && typeof detail === 'string' && typeof code === 'string';
}

function exitCodeOf({ status }: AnsweredProblem): number {
  if (status === 401 || status === 403) return exitCodes.notAllowed;
  if (status === 429 || status === 503) return exitCodes.unreachable;
  return status >= 500 ? exitCodes.failed : exitCodes.refused;
}

const otherApprover = 'Another administrator does it: gatebook approvals';
/** What to type next; where it is the same whatever is done, the problem's own words say it. */
const remedies: Readonly<Partial<Record<ProblemCode, string>>> = {
  'token-invalid': signInHint,
  'credentials-invalid': 'Lost for good? gatebook reset-administrator, where the service runs.',
  'rights-exceed-own': 'See what you may do with: gatebook whoami',
  'self-approval': otherApprover,
  'approval-needs-session': 'Sign in with: gatebook login',
  'window-not-found': 'See all windows with: gatebook history --type RegistryUnlocked',
  'preauthorization-not-found': 'See all rules with: gatebook preauthorizations',
  'schedule-not-found': 'See what is scheduled with: gatebook windows',
  'approvals-full': 'See what waits with: gatebook approvals',
  'preauthorizations-full': 'Withdraw one with: gatebook preauthorizations withdraw ID',
  'schedules-full': 'Cancel one with: gatebook windows cancel ID',
  'broker-not-found': 'See all brokers with: gatebook brokers',
  'approval-not-found': 'See all with: gatebook approvals list --status all',
  'approval-ended': 'See what became of it with: gatebook approvals show ID',
  'approval-changed': 'Propose it anew: run the command again.',
  'request-contested': 'Compare the pairing ID, then add: --confirm-contested',
  'replacement-not-in-bulk': 'Name it by itself.',
  'request-already-denied': 'Let the name ask again with: gatebook users reinstate NAME',
  'last-administrator': 'Make another with: gatebook users create NAME --role administrator',
  'user-from-sso': 'Change the groups at the identity provider.',
  'request-not-found': 'See all requests with: gatebook requests --status all',
  'user-not-found': 'See all users with: gatebook users',
  'role-not-found': 'See all roles with: gatebook roles',
  'token-not-found': 'See your tokens with: gatebook tokens',
  'username-taken': 'See who has the name with: gatebook users show NAME',
  'request-already-granted': 'Change rights with: gatebook users authorization NAME',
  'request-expired': 'It can ask again while the registry is unlocked.',
  'user-not-active': 'See its state with: gatebook users show NAME',
  'user-not-suspended': 'See its state with: gatebook users show NAME',
  'user-not-revoked': 'See its state with: gatebook users show NAME',
  'role-in-use': 'See who has it with: gatebook users --role NAME',
  'role-built-in': 'Make a role of your own with: gatebook roles create NAME',
  'internal-error': "The service's log says more.",
};

function hintsOf(problem: AnsweredProblem, retryAfter: string | null): string[] {
  // With one field, its words are those of the problem.
  const errors = (problem.errors ?? []).filter(({ detail }) => detail !== problem.detail);
  const fields = errors.map(({ pointer, parameter, detail }) => {
    const field = parameter ?? pointer?.replace(/^#\/?/, '').replaceAll('/', '.') ?? '';
    return `  ${field === '' ? 'the body' : field}: ${detail}`;
  });
  const code = problem.code as ProblemCode;
  const remedy = Object.hasOwn(remedies, code) ? remedies[code] : undefined;
  const { required } = problem;
  return [
    ...fields,
    ...(remedy === undefined ? [] : [remedy]),
    ...(required === undefined || problem.detail.includes(required.resource)
      ? []
      : [
          `This needs ${required.operation} on ${required.resource}. Ask an administrator for a role that has it.`,
        ]),
    ...(retryAfter === null ? [] : [`Try again in ${retryAfter} s.`]),
  ];
}
