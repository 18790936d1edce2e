/**
 * A model of one name, written from the specification and not from the code: what each act answers while the
 * registry stays unlocked, and what becomes of the name (SPEC 3 and 4).
 */

export interface NameState {
  readonly status: 'unknown' | 'pending' | 'active' | 'denied' | 'suspended' | 'revoked';
  /** The request that waits or was decided; null: none, or one that nobody was told of. */
  readonly request: string | null;
  /** Denied in a window that is over: it may ask again. */
  readonly mayAskAgain?: true;
}

/** The registry was locked and unlocked since. */
export const inNextWindow = (state: NameState): NameState =>
  state.status === 'denied' ? { ...state, mayAskAgain: true } : state;

export const unknownName: NameState = { status: 'unknown', request: null };

/** `request`: the one that whoever decides was told of. */
export type Act =
  | { readonly kind: 'register' }
  | { readonly kind: 'grant' | 'deny'; readonly request: string }
  | { readonly kind: 'suspend' | 'resume' | 'revoke' | 'reinstate' };

/** An HTTP status, and the request that a 202 names. */
export interface Answered {
  readonly status: number;
  readonly request?: string;
}

type Told = number | 'refused';
type Row = readonly [told: Told, then: NameState['status'] | 'same'];
const same = (told: Told): Row => [told, 'same'];
const refused = same('refused');

const device: Readonly<Record<NameState['status'], Row>> = {
  unknown: [202, 'pending'],
  pending: same(202),
  active: same(201),
  denied: same(403),
  suspended: same(403),
  revoked: same(410),
};

/** Absent: refused. */
const administrator: Readonly<
  Record<Exclude<Act['kind'], 'register'>, Partial<Record<NameState['status'], Row>>>
> = {
  grant: { pending: [200, 'active'], active: same(200) },
  deny: { pending: [200, 'denied'], denied: same(200) },
  suspend: { active: [200, 'suspended'], suspended: same(200) },
  resume: { suspended: [200, 'active'], active: same(200) },
  revoke: { active: [200, 'revoked'], suspended: [200, 'revoked'], revoked: same(200) },
  reinstate: { revoked: [200, 'unknown'], denied: [200, 'unknown'] },
};

function rowOf(state: NameState, act: Act): Row {
  if (act.kind === 'register') return device[state.mayAskAgain ? 'unknown' : state.status];
  // An older request was decided, and its name was set free since.
  if ('request' in act && state.request !== null && state.request !== act.request) return refused;
  return administrator[act.kind][state.status] ?? refused;
}

const isRefusal = (status: number): boolean => status === 404 || status === 409;

/** Nothing was ever there to be reinstated, or it has been: both leave it as it is. */
const isReinstatedTwice = ({ status }: NameState, { kind }: Act, answer: number): boolean =>
  kind === 'reinstate' && status === 'unknown' && answer === 200;

/**
 * What becomes of the name; null: it cannot have answered so. `answer` null: nobody heard one, and the act
 * was carried out.
 */
export function after(state: NameState, act: Act, answer: Answered | null): NameState | null {
  const [told, next] = rowOf(state, act);
  if (answer !== null) {
    const { status } = answer;
    const asTold = told === 'refused' ? isRefusal(status) : status === told;
    if (!asTold && !isReinstatedTwice(state, act, status)) return null;
  }
  if (next === 'same' && act.kind !== 'register') return state;
  const status = next === 'same' ? state.status : next;
  if (status !== 'pending') return { status, request: state.request };
  const isNew = state.status !== 'pending';
  const request = answer?.request ?? (isNew ? null : state.request);
  if (!isNew && state.request !== null && request !== state.request) return null;
  return { status, request };
}
