/** What an installation can show of itself to an auditor, by requirements of IEC 62443-4-2. */
import { z } from 'zod';
import { named } from './output.ts';

const EvidenceItem = named(
  'EvidenceItem',
  z.strictObject({
    key: z.string().describe('What it is about, in a word that stays.'),
    title: z.string().describe('What it is about, for people.'),
    requirements: z.array(z.string()).describe('Of IEC 62443-4-2, as "CR 1.1".'),
    status: z
      .enum(['good', 'attention', 'told'])
      .describe(
        'attention: somebody should look at it; told: a fact to be judged by who reads it.',
      ),
    facts: z
      .array(z.strictObject({ name: z.string(), value: z.string().describe('In words.') }))
      .describe('What is, as it was looked at.'),
  }),
);
export type EvidenceItem = z.infer<typeof EvidenceItem>;

export const Evidence = named(
  'Evidence',
  z.strictObject({
    at: z.string().describe('When it was looked at.'),
    origin: z.string().describe('The name of the log, as checkpoints have it.'),
    version: z.string().describe('Of Gatebook.'),
    items: z.array(EvidenceItem).describe('All of it.'),
  }),
);
export type Evidence = z.infer<typeof Evidence>;
