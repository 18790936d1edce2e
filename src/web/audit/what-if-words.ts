/** What-if in words: outcomes, reasons, and how many would have come out otherwise. */
import type { WhatIf, WhatIfTally } from '../../api/what-if.ts';
import { counted } from '../app/words.ts';

type WhatIfItem = WhatIf['items'][number];

export const reasonWords: Readonly<Record<WhatIfItem['reason'], string>> = {
  'within-limits': 'within the limits',
  'rule-matches': 'fits the rule',
  'name-outside': 'another name',
  'pairing-id-differs': 'another pairing ID',
  'key-differs': 'another key, or none',
  'source-outside': 'another network',
  'source-unknown': 'its address was not known',
  'source-erased': 'its address was erased',
  'window-full': 'the window was full',
  'name-held': 'the name was held',
  'uses-taken': 'no use was left',
};

export const wouldBeWords: Readonly<Record<WhatIfItem['outcome'], string>> = {
  'let-in': 'let in',
  'kept-out': 'kept out',
  unchanged: 'asked as it was',
};

export const statusWord: Readonly<Record<WhatIfItem['request']['status'], string>> = {
  granted: 'granted',
  denied: 'denied',
  expired: 'not decided',
  pending: 'still waits',
};

/** `Of 214 requests, 198 would have been let in at once, 16 asked as they were.` */
export function summaryWords(
  effect: 'limits' | 'allow' | 'deny',
  counts: WhatIf['counts'],
): string {
  const { asked, letIn, keptOut, unchanged } = counts;
  if (asked.all === 0) return 'Nobody asked in this time.';
  const number = (tally: WhatIfTally) => tally.all.toLocaleString('en');
  const asTheyWere = `${number(unchanged)} asked as they were`;
  const out = `${number(keptOut)} kept out`;
  const parts = {
    limits: [`${number(unchanged)} would have been asked as they were`, out],
    allow: [`${number(letIn)} would have been let in at once`, asTheyWere],
    deny: [`${number(keptOut)} would have been kept out`, asTheyWere],
  };
  return `Of ${counted(asked.all, 'request', 'requests')}, ${parts[effect].join(', ')}.`;
}

const differences: readonly (readonly [
  part: 'letIn' | 'keptOut',
  status: WhatIfItem['request']['status'],
  one: string,
  many: string,
])[] = [
  ['letIn', 'denied', 'that was denied', 'that were denied'],
  ['letIn', 'expired', 'that nobody decided', 'that nobody decided'],
  ['letIn', 'pending', 'that still waits', 'that still wait'],
  ['keptOut', 'granted', 'that was granted', 'that were granted'],
  ['keptOut', 'pending', 'that still waits', 'that still wait'],
];

/** A sentence for each kind of request that would have come out otherwise. */
export function differenceWords(counts: WhatIf['counts']): string[] {
  const sentences = differences.flatMap(([part, status, one, many]) => {
    const count = counts[part][status];
    const would = wouldBeWords[part === 'letIn' ? 'let-in' : 'kept-out'];
    return count === 0 ? [] : [`${counted(count, one, many)} would have been ${would}.`];
  });
  if (sentences.length === 0 && counts.asked.all > 0)
    sentences.push('It would have come to the same.');
  const erased = counts.reasons['source-erased'];
  if (erased > 0)
    sentences.push(
      `${counted(erased, 'address was', 'addresses were')} erased since: nobody can tell where from they asked.`,
    );
  return sentences;
}
