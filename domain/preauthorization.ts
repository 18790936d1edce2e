/** A preauthorization: names that are let in, kept out, or may ask without a window, as somebody said beforehand. */
import { z } from 'zod';
import { KeyFingerprint, Rights } from './client/events.ts';
import { type Conditions, type LiesIn, unmet } from './conditions.ts';
import {
  accept,
  type CommandBase,
  type CommandOf,
  type Decider,
  type Decision,
  event,
  refuse,
} from './decider.ts';
import { caused, Id, Instant, Note, PairingId, Reason, Text, Username } from './values.ts';
import { Cidr } from './window.ts';

/** `ask`: whoever fits becomes a request that a person decides, also while locked. */
export const preauthorizationEffects = ['allow', 'deny', 'ask'] as const;

/** What a rule says, for ever: another one takes the place of one that shall say something else. */
export const PreauthorizationTerms = z.object({
  effect: z.enum(preauthorizationEffects),
  usernamePattern: Text(1, 256).nullable(),
  sources: z.array(Cidr).max(64),
  pairingId: PairingId.nullable(),
  /** Proof: the SHA-256 of the SubjectPublicKeyInfo of the key that asks, in hex. */
  csrFingerprint: KeyFingerprint.nullable(),
  /** Proof: a keyed hash of the enrolment code, in hex; the code itself is kept nowhere. */
  enrolmentCodeId: z
    .string()
    .regex(/^[0-9a-f]{64}$/)
    .nullable(),
  rights: Rights,
  maxUses: z.int().min(1).max(1_000_000),
  until: Instant,
  note: Note.nullable(),
});
export type PreauthorizationTerms = z.infer<typeof PreauthorizationTerms>;

const rule = { preauthorizationId: Id, ...caused };

export const PreauthorizationEvent = z.discriminatedUnion('type', [
  event('PreauthorizationCreated', { ...rule, terms: PreauthorizationTerms }),
  /** Taken before the client's own event, which `requestId` leads to; a crash in between is finished later. */
  event('PreauthorizationUsed', {
    ...{ ...rule, username: Username, requestId: Id, credentialId: Id },
    /** Of the key that it asked with; null: none. */
    csrFingerprint: KeyFingerprint.nullable(),
  }),
  event('PreauthorizationWithdrawn', { ...rule, reason: Reason.nullable() }),
]);
export type PreauthorizationEvent = z.infer<typeof PreauthorizationEvent>;

type PreauthorizationCommandBase<Type extends string, Data = unknown> = CommandBase<
  Type,
  { readonly preauthorizationId: string } & Data
>;

export type PreauthorizationCommand =
  | PreauthorizationCommandBase<'CreatePreauthorization', { readonly terms: PreauthorizationTerms }>
  | PreauthorizationCommandBase<
      'UsePreauthorization',
      {
        readonly username: string;
        readonly requestId: string;
        readonly credentialId: string;
        readonly csrFingerprint: string | null;
      }
    >
  | PreauthorizationCommandBase<'WithdrawPreauthorization', { readonly reason: string | null }>;

/** `registry-locked`: a rule that is used up, over or withdrawn opens nothing. */
export type PreauthorizationRefusal = 'preauthorization-not-found' | 'registry-locked';

export type PreauthorizationState =
  | { readonly status: 'unknown' }
  | {
      readonly status: 'made';
      readonly terms: PreauthorizationTerms;
      readonly useCount: number;
      readonly isWithdrawn: boolean;
    };

const initial: PreauthorizationState = { status: 'unknown' };

function evolve(
  state: PreauthorizationState,
  { type, data }: PreauthorizationEvent,
): PreauthorizationState {
  switch (type) {
    case 'PreauthorizationCreated':
      return { status: 'made', terms: data.terms, useCount: 0, isWithdrawn: false };
    case 'PreauthorizationUsed':
      return state.status === 'made' ? { ...state, useCount: state.useCount + 1 } : state;
    case 'PreauthorizationWithdrawn':
      return state.status === 'made' ? { ...state, isWithdrawn: true } : state;
  }
}

/** What a rule has come to. */
export type PreauthorizationStatus = 'active' | 'used' | 'ended' | 'withdrawn';

/** @param at ISO instant */
export function preauthorizationStatus(
  {
    terms,
    useCount,
    isWithdrawn,
  }: {
    readonly terms: Pick<PreauthorizationTerms, 'effect' | 'maxUses' | 'until'>;
    readonly useCount: number;
    readonly isWithdrawn: boolean;
  },
  at: string,
): PreauthorizationStatus {
  if (isWithdrawn) return 'withdrawn';
  if (terms.effect !== 'deny' && useCount >= terms.maxUses) return 'used';
  return terms.until <= at ? 'ended' : 'active';
}

/** The revision of the newest event: it is made once, used so often, and withdrawn once. */
export const preauthorizationRevision = ({
  useCount,
  isWithdrawn,
}: {
  readonly useCount: number;
  readonly isWithdrawn: boolean;
}): number => useCount + (isWithdrawn ? 1 : 0);

type PreauthorizationDecision = Decision<PreauthorizationEvent, PreauthorizationRefusal>;

function use(
  command: CommandOf<PreauthorizationCommand, 'UsePreauthorization'>,
  state: PreauthorizationState,
): PreauthorizationDecision {
  if (state.status === 'unknown') return refuse('preauthorization-not-found');
  if (state.terms.effect === 'deny' || preauthorizationStatus(state, command.at) !== 'active')
    return refuse('registry-locked');
  const { preauthorizationId, username, requestId, credentialId, csrFingerprint, at, by } = command;
  return accept({
    type: 'PreauthorizationUsed',
    data: { preauthorizationId, username, requestId, credentialId, csrFingerprint, at, by },
  });
}

function decide(
  command: PreauthorizationCommand,
  state: PreauthorizationState,
): PreauthorizationDecision {
  const { preauthorizationId, at, by } = command;
  switch (command.type) {
    case 'CreatePreauthorization':
      return state.status === 'made'
        ? accept()
        : accept({
            type: 'PreauthorizationCreated',
            data: { preauthorizationId, terms: command.terms, at, by },
          });
    case 'UsePreauthorization':
      return use(command, state);
    case 'WithdrawPreauthorization':
      if (state.status === 'unknown') return refuse('preauthorization-not-found');
      if (state.isWithdrawn) return accept();
      return accept({
        type: 'PreauthorizationWithdrawn',
        data: { preauthorizationId, reason: command.reason, at, by },
      });
  }
}

export const preauthorization: Decider<
  PreauthorizationState,
  PreauthorizationCommand,
  PreauthorizationEvent,
  PreauthorizationRefusal
> = { category: 'preauthorization', Event: PreauthorizationEvent, initial, decide, evolve };

/** What somebody who asks shows of the conditions of a rule. */
export interface PreauthorizationOffer {
  readonly username: string;
  readonly source: string | null;
  readonly pairingId: string | null;
  /** Of the key of its CSR; null: it has none. */
  readonly csrFingerprint: string | null;
  /** Of the code that it shows; null: it shows none. */
  readonly enrolmentCodeId: string | null;
}

type RuleConditions = Conditions &
  Pick<PreauthorizationTerms, 'pairingId' | 'csrFingerprint' | 'enrolmentCodeId'>;

/** Whether a rule has a proof: without one it lets in through an open window alone. */
export const hasProof = ({
  csrFingerprint,
  enrolmentCodeId,
}: Pick<RuleConditions, 'csrFingerprint' | 'enrolmentCodeId'>): boolean =>
  csrFingerprint !== null || enrolmentCodeId !== null;

/** Whether all conditions of a rule hold; name, source and pairing ID only narrow. */
function fitsRule(rule: RuleConditions, offer: PreauthorizationOffer, liesIn: LiesIn): boolean {
  const same = (wanted: string | null, shown: string | null) => wanted === null || wanted === shown;
  return (
    same(rule.enrolmentCodeId, offer.enrolmentCodeId) &&
    same(rule.csrFingerprint, offer.csrFingerprint) &&
    same(rule.pairingId, offer.pairingId) &&
    unmet(rule, offer, liesIn) === null
  );
}

/**
 * The rule that answers an offer: one that denies before any other, one that lets in before one that lets ask, the
 * oldest first. While the gate is closed a rule without a proof says nothing; one that lets ask says nothing more
 * than an open gate does.
 * @param rules those that are active, the oldest first
 */
export function ruleFor<Rule extends { readonly terms: PreauthorizationTerms }>(
  rules: readonly Rule[],
  offer: PreauthorizationOffer,
  gateIsOpen: boolean,
  liesIn: LiesIn,
): Rule | undefined {
  const fitting = rules.filter(({ terms }) => fitsRule(terms, offer, liesIn));
  const first = (effect: PreauthorizationTerms['effect'], applies = true) =>
    applies
      ? fitting.find(
          ({ terms }) =>
            terms.effect === effect && (effect === 'deny' || gateIsOpen || hasProof(terms)),
        )
      : undefined;
  return first('deny') ?? first('allow') ?? first('ask', !gateIsOpen);
}
