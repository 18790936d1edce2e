/** What other limits, or a preauthorization, would have answered to requests that were asked. */
import { type Conditions, type LiesIn, nameFits, unmet } from './conditions.ts';
import { isFull } from './window.ts';

export const ruleKinds = ['limits', 'preauthorization'] as const;
export const effects = ['allow', 'deny'] as const;

/** Null: without that limit or condition. */
export type WhatIfRule = Conditions &
  (
    | { readonly kind: 'limits'; readonly maxRequests: number | null }
    | {
        readonly kind: 'preauthorization';
        readonly effect: (typeof effects)[number];
        readonly pairingId: string | null;
        /** Of the key that asks. */
        readonly csrFingerprint: string | null;
        readonly maxUses: number | null;
      }
  );

/** Where a request came from, as far as that can be told afterwards. */
export type PastSource =
  | { readonly status: 'known'; readonly address: string }
  /** The door did not know it, or erasure took it, or nobody looked since it does not matter. */
  | { readonly status: 'unknown' | 'erased' | 'unread' };

export interface PastRequest {
  readonly username: string;
  readonly kind: 'new' | 'replacement';
  /** Null: a rule let it ask, or in, without a window. */
  readonly windowId: string | null;
  readonly pairingId: string | null;
  /** The key of its CSR; null: it had none. */
  readonly csr: { readonly fingerprint: string } | null;
  readonly source: PastSource;
  readonly status: 'pending' | 'granted' | 'denied' | 'expired';
}

/** `unchanged`: it would have been asked, and decided by somebody, as it was. */
export const outcomes = ['let-in', 'kept-out', 'unchanged'] as const;
export type WhatIfOutcome = (typeof outcomes)[number];

export const reasons = [
  'within-limits',
  'rule-matches',
  'name-outside',
  'pairing-id-differs',
  'key-differs',
  'source-outside',
  /** The registry did not know the address when it was asked. */
  'source-unknown',
  /** The address was erased since: nobody can tell any more. */
  'source-erased',
  'window-full',
  /** The client has access, or would have had by this very rule: no preauthorization reaches it. */
  'name-held',
  'uses-taken',
] as const;
export type Reason = (typeof reasons)[number];

export interface Judgement {
  readonly outcome: WhatIfOutcome;
  readonly reason: Reason;
}

/** Whether it matters where a request came from: only then does anybody need to look. */
export const asksForSource = (rule: WhatIfRule, username: string): boolean =>
  rule.sources.length > 0 && nameFits(rule, username);

/** Whether somebody would have got in who did not, or would not have got in who did or still may. */
export const differs = ({ outcome }: Judgement, status: PastRequest['status']): boolean =>
  outcome === 'let-in'
    ? status !== 'granted'
    : outcome === 'kept-out' && (status === 'granted' || status === 'pending');

function unmetReason(
  rule: WhatIfRule,
  { username, source }: PastRequest,
  liesIn: LiesIn,
): Reason | null {
  const address = source.status === 'known' ? source.address : null;
  switch (unmet(rule, { username, source: address }, liesIn)) {
    case null:
      return null;
    case 'name':
      return 'name-outside';
    case 'source':
      if (source.status === 'erased') return 'source-erased';
      return source.status === 'unknown' ? 'source-unknown' : 'source-outside';
  }
}

type Judge = (request: PastRequest) => Judgement;
type RuleOf<Kind extends WhatIfRule['kind']> = Extract<WhatIfRule, { kind: Kind }>;

/** SPEC 4, rows 5 and 7: a request that is kept out takes no place in its window. */
function byLimits(rule: RuleOf<'limits'>, liesIn: LiesIn): Judge {
  const counts = new Map<string, number>();
  return (request) => {
    // No window's limits were ever asked about it.
    if (request.windowId === null) return { outcome: 'unchanged', reason: 'within-limits' };
    const unfit = unmetReason(rule, request, liesIn);
    if (unfit !== null) return { outcome: 'kept-out', reason: unfit };
    const count = counts.get(request.windowId) ?? 0;
    if (rule.maxRequests !== null && isFull({ maxRequests: rule.maxRequests }, count))
      return { outcome: 'kept-out', reason: 'window-full' };
    counts.set(request.windowId, count + 1);
    return { outcome: 'unchanged', reason: 'within-limits' };
  };
}

/** SPEC 4, row 4: the name is free, and the rule matches. A match takes a use. */
function byPreauthorization(rule: RuleOf<'preauthorization'>, liesIn: LiesIn): Judge {
  let useCount = 0;
  /** Names that would have been held (true) or free (false), other than they were. */
  const otherwise = new Map<string, boolean>();

  const answer = (request: PastRequest, isHeld: boolean): Judgement => {
    const unfit = unmetReason(rule, request, liesIn);
    if (unfit !== null) return { outcome: 'unchanged', reason: unfit };
    if (rule.pairingId !== null && rule.pairingId !== request.pairingId)
      return { outcome: 'unchanged', reason: 'pairing-id-differs' };
    if (rule.csrFingerprint !== null && rule.csrFingerprint !== request.csr?.fingerprint)
      return { outcome: 'unchanged', reason: 'key-differs' };
    if (isHeld) return { outcome: 'unchanged', reason: 'name-held' };
    if (rule.maxUses !== null && useCount >= rule.maxUses)
      return { outcome: 'unchanged', reason: 'uses-taken' };
    useCount += 1;
    return { outcome: rule.effect === 'allow' ? 'let-in' : 'kept-out', reason: 'rule-matches' };
  };

  return (request) => {
    const { username, kind, status } = request;
    const isHeld = otherwise.get(username) ?? kind === 'replacement';
    const judgement = answer(request, isHeld);
    const { outcome } = judgement;
    const holds = kind === 'replacement' || status === 'granted';
    const wouldHold =
      outcome === 'let-in' || (outcome === 'unchanged' && (isHeld || status === 'granted'));
    if (wouldHold === holds) otherwise.delete(username);
    else otherwise.set(username, wouldHold);
    return judgement;
  };
}

/**
 * Judges requests one after the other: it must be given all of a period, in the order of the log, since
 * places in a window and uses of a rule are taken in that order.
 */
export const judging = (rule: WhatIfRule, liesIn: LiesIn): Judge =>
  rule.kind === 'limits' ? byLimits(rule, liesIn) : byPreauthorization(rule, liesIn);
