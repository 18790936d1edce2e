/** A refusal on its way to whoever asked: the code is the one of the domain, the HTTP body, log and test. */

interface RefusedMore {
  readonly detail?: string;
  /** The fields at fault, as RFC 6901 pointers into the body. */
  readonly errors?: readonly { readonly pointer: string; readonly detail: string }[];
  /** Members of the answer beyond those that every problem has. */
  readonly members?: Readonly<Record<string, unknown>>;
  readonly retryAfterSeconds?: number;
}

export type RefusedCode =
  | import('../../domain/client/commands.ts').ClientRefusal
  | import('../../domain/role.ts').RoleRefusal
  | import('../../domain/schedules/schedule.ts').ScheduleRefusal
  | 'approvals-full'
  | 'schedules-full'
  | 'preauthorizations-full'
  | import('../../domain/token.ts').TokenRefusal
  | import('../../domain/preauthorization.ts').PreauthorizationRefusal
  | import('../../domain/approvals/proposal.ts').ProposalRefusal
  | 'approval-needs-session'
  | 'token-missing'
  | 'token-invalid'
  | 'permission-missing'
  | 'rights-exceed-own'
  | 'last-administrator'
  | 'credentials-invalid'
  | 'login-throttled'
  | 'sso-unavailable'
  | 'position-not-reached';

export class Refused extends Error {
  override name = 'Refused';
  readonly code: RefusedCode;
  readonly more: RefusedMore;

  constructor(code: RefusedCode, more: RefusedMore = {}) {
    super(code);
    this.code = code;
    this.more = more;
  }
}
