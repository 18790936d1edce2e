/** What a what-if answers: counts of all requests of the period, and a page of them. */
import { z } from 'zod';
import { outcomes, reasons } from '../../domain/what-if.ts';
import { named, Request } from './output.ts';

const Count = z.int().min(0);

const WhatIfTally = named(
  'WhatIfTally',
  z.strictObject({
    all: Count,
    granted: Count,
    denied: Count,
    expired: Count,
    pending: Count,
  }),
);
export type WhatIfTally = z.infer<typeof WhatIfTally>;

export const WhatIf = named(
  'WhatIf',
  z.strictObject({
    counts: z
      .strictObject({
        asked: WhatIfTally,
        letIn: WhatIfTally.describe('At once, by the rule.'),
        keptOut: WhatIfTally,
        unchanged: WhatIfTally,
        differing: Count,
        reasons: z.strictObject(
          Object.fromEntries(reasons.map((reason) => [reason, Count])) as Record<
            (typeof reasons)[number],
            typeof Count
          >,
        ),
      })
      .describe('Of the whole period, each beside what was really decided.'),
    items: z.array(
      z.strictObject({
        request: Request,
        outcome: z.enum(outcomes).describe('unchanged: asked, and decided by somebody, as it was.'),
        reason: z.enum(reasons),
        differs: z.boolean().describe('Let in and not granted; kept out and granted or pending.'),
      }),
    ),
    nextCursor: z.string().nullable(),
  }),
);
export type WhatIf = z.infer<typeof WhatIf>;
