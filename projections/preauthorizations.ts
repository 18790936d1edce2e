/** The rules that let in, keep out or let ask, with what became of each. */
import {
  hasProof,
  PreauthorizationEvent,
  type PreauthorizationTerms,
} from '../domain/preauthorization.ts';
import { roleLabel } from './clients.ts';
import type { Projection } from './projection.ts';

export interface PreauthorizationRow {
  readonly preauthorizationId: string;
  readonly terms: PreauthorizationTerms;
  readonly useCount: number;
  readonly createdBy: string;
  readonly createdAt: string;
  /** Null: it stands. */
  readonly withdrawnAt: string | null;
}

/** The labels of rules that may still do something, and of those that may not. */
export const standing = 'standing';
export const over = 'over';

/** The name of rules whose pattern is none of one name alone. */
const anyName = '*';

/** What the rules that each attempt looks at fulfil, whoever's it is, but for those that ended before `since`. */
export const ofAnyNameSince = (since: string) => [
  { column: 'name', is: anyName },
  { column: 'until', atLeast: since },
];

/** Whether each attempt looks at it, whoever's it is. */
export const isOfAnyName = (rule: Pick<PreauthorizationRow, 'terms'>): boolean =>
  needsNoProof(rule) && nameOf(rule.terms) === anyName;

const nameOf = ({ usernamePattern }: PreauthorizationTerms): string =>
  usernamePattern === null || /[*?]/.test(usernamePattern) ? anyName : usernamePattern;

/** Whether it may still do something, but for its end. */
const stands = ({ terms, useCount, withdrawnAt }: PreauthorizationRow): boolean =>
  withdrawnAt === null && (terms.effect === 'deny' || useCount < terms.maxUses);

/** Whether it may concern who shows no proof: it keeps out, or needs none itself. */
export const needsNoProof = ({ terms }: Pick<PreauthorizationRow, 'terms'>): boolean =>
  terms.effect === 'deny' || !hasProof(terms);

export const preauthorizations: Projection<PreauthorizationRow, PreauthorizationEvent> = {
  name: 'preauthorizations',
  version: 2,
  reads: ['preauthorization'],
  Event: PreauthorizationEvent,
  key: ({ data }) => data.preauthorizationId,
  evolve: (row, { type, data }) => {
    switch (type) {
      case 'PreauthorizationCreated':
        return {
          preauthorizationId: data.preauthorizationId,
          terms: data.terms,
          useCount: 0,
          createdBy: data.by.name,
          createdAt: data.at,
          withdrawnAt: null,
        };
      case 'PreauthorizationUsed':
        return row && { ...row, useCount: row.useCount + 1 };
      case 'PreauthorizationWithdrawn':
        return row && { ...row, withdrawnAt: data.at };
    }
  },
  columns: {
    /** What became of it, but for its end. */
    state: (row) => (row.withdrawnAt !== null ? 'withdrawn' : stands(row) ? 'open' : 'used'),
    until: ({ terms }) => terms.until,
    createdBy: ({ createdBy }) => createdBy,
    /** Also of rules that are over: their codes are no guesses. */
    enrolmentCodeId: ({ terms }) => terms.enrolmentCodeId,
    csrFingerprint: (row) => (stands(row) ? row.terms.csrFingerprint : null),
    /** The one name, or any, that a standing rule without a need of proof is about. */
    name: (row) => (stands(row) && needsNoProof(row) ? nameOf(row.terms) : null),
  },
  counted: {
    always: () => [],
    now: (row) => (stands(row) ? [standing, ...row.terms.rights.roles.map(roleLabel)] : [over]),
  },
};
