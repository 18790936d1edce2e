/** What if: whom other limits, or a preauthorization, would have let in or kept out. Nothing is recorded. */
import { z } from 'zod';
import { personalDataResource } from '../../../domain/role.ts';
import { Text } from '../../../domain/values.ts';
import { effects, outcomes, ruleKinds, type WhatIfRule } from '../../../domain/what-if.ts';
import {
  PageQuery,
  SentCidr,
  SentFingerprint,
  SentInstant,
  SentPairingId,
  WholeNumber,
} from '../../api/input.ts';
import { WhatIf } from '../../api/what-if.ts';
import type { App } from '../../app.ts';
import { PeriodTooLong, TooManyWhatIfs } from '../../audit/time-travel/what-if.ts';
import { requirePermission } from '../request/authorization.ts';
import { malformed, Problem } from '../response/problem.ts';
import { ok, type Route, route } from '../route.ts';

const sourcesMax = 64;
/** Networks with commas between. */
const Networks = z
  .string()
  .max(4_096)
  .transform((text) => text.split(',').map((one) => one.trim()))
  .pipe(z.array(SentCidr).max(sourcesMax))
  .describe(`Up to ${sourcesMax} networks with commas between: 10.0.0.0/8,fd00::/8.`);

const ofLimits = { maxRequests: WholeNumber(1_000_000).optional() };
const ofPreauthorizations = {
  effect: z.enum(effects).optional(),
  pairingId: SentPairingId.optional(),
  csrFingerprint: SentFingerprint.optional(),
  maxUses: WholeNumber(1_000_000).optional(),
};

const Query = z
  .strictObject({
    rule: z.enum(ruleKinds),
    usernamePattern: Text(1, 256).optional(),
    sources: Networks.optional(),
    ...ofLimits,
    ...ofPreauthorizations,
    since: SentInstant.optional(),
    until: SentInstant.optional(),
    outcome: z.enum(outcomes).optional(),
    differs: z
      .enum(['true', 'false'])
      .transform((text) => text === 'true')
      .optional(),
    ...PageQuery.shape,
  })
  .superRefine((query, context) => {
    const isLimits = query.rule === 'limits';
    const foreign = Object.keys(isLimits ? ofPreauthorizations : ofLimits);
    for (const name of foreign)
      if (query[name as keyof typeof query] !== undefined)
        context.addIssue({
          code: 'custom',
          path: [name],
          message: `belongs to rule=${isLimits ? 'preauthorization' : 'limits'}: leave it out`,
        });
    if (query.since !== undefined && query.until !== undefined && query.since >= query.until)
      context.addIssue({ code: 'custom', path: ['until'], message: 'must lie after since' });
  });
type Query = z.output<typeof Query>;

function ruleOf(query: Query): WhatIfRule {
  const conditions = {
    usernamePattern: query.usernamePattern ?? null,
    sources: query.sources ?? [],
  };
  return query.rule === 'limits'
    ? { kind: 'limits', ...conditions, maxRequests: query.maxRequests ?? null }
    : {
        kind: 'preauthorization',
        ...conditions,
        effect: query.effect ?? 'allow',
        pairingId: query.pairingId ?? null,
        csrFingerprint: query.csrFingerprint ?? null,
        maxUses: query.maxUses ?? null,
      };
}

const tooLong = ({ count, max }: PeriodTooLong) =>
  malformed([
    {
      parameter: 'since',
      detail: `since and until hold ${count.toLocaleString('en')} requests, and at most ${max.toLocaleString('en')} are looked at: choose a shorter time.`,
    },
  ]);

const tooMany = () =>
  new Problem('source-throttled', {
    detail: 'Too many what-ifs wait for one another: try again in a moment.',
  });

export const whatIfRoutes = (app: Pick<App, 'audit'>): Route[] => [
  route({
    method: 'GET',
    path: '/api/audit/what-if',
    group: 'Audit',
    operationId: 'whatIf',
    summary: 'Whom other limits, or a preauthorization, would have let in or kept out',
    description:
      'Judges the requests that were asked from since to before until, in the order of the log; nothing is recorded. ' +
      'maxRequests counts for each window, maxUses for the rule; without them there is no such limit. ' +
      `sources needs read on ${personalDataResource} too, since it would find out addresses.`,
    access: 'permitted',
    query: Query,
    answers: {
      200: { description: 'Counts of all, and a page of them, newest first.', body: WhatIf },
    },
    problems: ['source-throttled'],
    async handle({ query, authorize, seesPersonalData, signal }) {
      if (query.sources !== undefined) requirePermission(authorize(), 'GET', personalDataResource);
      try {
        const found = await app.audit.whatIf(
          { ...query, rule: ruleOf(query) },
          seesPersonalData(),
          signal,
        );
        // It was waited for: whose it was may have lost it meanwhile.
        authorize();
        if (found === undefined) throw new Problem('stopping');
        return ok(found);
      } catch (error) {
        if (error instanceof PeriodTooLong) throw tooLong(error);
        if (error instanceof TooManyWhatIfs) throw tooMany();
        throw error;
      }
    },
  }),
];
