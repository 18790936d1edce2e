/** For auditors and administrators: `what-if`, whom a rule would have let in or kept out. */
import type { WhatIf, WhatIfTally } from '../../api/what-if.ts';
import { listOptions, sayMore } from '../client/lists.ts';
import { signedIn } from '../client/sign-in.ts';
import { type Call, type Command, exitCodes, usageFault } from '../command.ts';
import type { Piece } from '../terminal/terminal.ts';
import { agoText, countText, dateTimeText } from '../text/format.ts';
import { pastInstantOf } from '../text/instants.ts';
import { cidrOf, countOf } from '../text/parse.ts';

type Item = WhatIf['items'][number];

const rules = ['limits', 'preauthorization'] as const;
type RuleKind = (typeof rules)[number];

const reasonWords: Readonly<Record<Item['reason'], string>> = {
  'within-limits': 'within the limits',
  'rule-matches': 'the rule matches',
  'name-outside': 'another name',
  'pairing-id-differs': 'another pairing ID',
  'key-differs': 'another key, or none',
  'source-outside': 'another network',
  'source-unknown': 'address not known',
  'source-erased': 'address erased',
  'window-full': 'window full',
  'name-held': 'name held',
  'uses-taken': 'no use left',
};
/** What stands behind "would have been". */
const outcomeWords: Readonly<Record<Item['outcome'], string>> = {
  'let-in': 'let in',
  'kept-out': 'kept out',
  unchanged: 'asked as it was',
};
const statusWords: Readonly<Record<Exclude<keyof WhatIfTally, 'all'>, readonly [string, string]>> =
  {
    denied: ['that was denied', 'that were denied'],
    expired: ['that nobody decided', 'that nobody decided'],
    granted: ['that was granted', 'that were granted'],
    pending: ['that still waits', 'that still wait'],
  };
const statuses = ['denied', 'granted', 'expired', 'pending'] as const;

const namesShown = 6;

/** `another name 12, window full 4`, without what says no more than the outcome. */
const whyText = ({ reasons }: WhatIf['counts']): string =>
  Object.entries(reasons)
    .filter(([reason, count]) => count > 0 && !/^(within-limits|rule-matches)$/.test(reason))
    .map(
      ([reason, count]) => `${reasonWords[reason as Item['reason']]} ${count.toLocaleString('en')}`,
    )
    .join(', ');

const parts = {
  limits: ['unchanged', 'keptOut'],
  allow: ['letIn', 'unchanged'],
  deny: ['keptOut', 'unchanged'],
} as const;
const partWords = {
  letIn: 'let in at once',
  keptOut: 'kept out',
  unchanged: 'asked as they were',
} as const;

/** `Of 214 requests since …, 198 would have been let in at once, 16 asked as they were (another name 16).` */
function summaryText(effect: keyof typeof parts, counts: WhatIf['counts'], period: string): string {
  if (counts.asked.all === 0) return `Nobody asked${period}.`;
  const [first, second] = parts[effect];
  const number = (part: keyof typeof partWords) => counts[part].all.toLocaleString('en');
  const why = whyText(counts);
  return `Of ${countText(counts.asked.all, 'request')}${period}, ${number(first)} would have been ${partWords[first]}, ${number(second)} ${partWords[second]}${why === '' ? '' : ` (${why})`}.`;
}

/** `3 that were denied would have been let in: press-3 press-7 press-9`, a line for each difference. */
function differenceLines({ counts, items }: Pick<WhatIf, 'counts' | 'items'>): string[] {
  const lines = statuses.flatMap((status) =>
    (['let-in', 'kept-out'] as const).flatMap((outcome) => {
      const isDifference =
        outcome === 'let-in' ? status !== 'granted' : /granted|pending/.test(status);
      const count = (outcome === 'let-in' ? counts.letIn : counts.keptOut)[status];
      if (!isDifference || count === 0) return [];
      const names = items
        .filter(({ request, ...item }) => request.status === status && item.outcome === outcome)
        .map(({ request }) => request.username)
        .slice(0, namesShown);
      const rest = count - names.length;
      const list = [...names, ...(rest > 0 ? [`… ${rest.toLocaleString('en')} more`] : [])];
      const who = statusWords[status][count === 1 ? 0 : 1];
      return [
        `${count.toLocaleString('en')} ${who} would have been ${outcomeWords[outcome]}: ${list.join(' ')}`,
      ];
    }),
  );
  if (lines.length === 0 && counts.asked.all > 0) lines.push('It would have come to the same.');
  const erased = counts.reasons['source-erased'];
  if (erased > 0)
    lines.push(
      `${countText(erased, 'address was', 'addresses were')} erased since: nobody can tell where from they asked.`,
    );
  return lines;
}

/** What a rule would have come to, in words. */
export function sayWhatIf(
  { terminal }: Call,
  effect: keyof typeof parts,
  answer: WhatIf,
  period: string,
): void {
  terminal.line(summaryText(effect, answer.counts, period));
  for (const line of differenceLines(answer)) terminal.line(line);
}

function rowOf({ request, outcome, reason, differs }: Item, now: Date): Piece[] {
  const would = outcomeWords[outcome];
  return [
    { text: request.username, style: 'strong' },
    request.kind,
    request.source ?? '–',
    agoText(request.requestedAt, now),
    request.status,
    differs ? { text: would, style: outcome === 'let-in' ? 'good' : 'bad' } : would,
    reasonWords[reason],
  ];
}

function ruleOf(call: Call): RuleKind {
  const [typed = ''] = call.positionals;
  const rule = rules.find((one) => one === typed);
  if (rule === undefined)
    throw usageFault(`"${typed}" is no rule. Give one of ${rules.join(', ')}.`);
  const foreign = rule === 'limits' ? ['pairing-id', 'key-fingerprint', 'deny'] : [];
  for (const option of foreign)
    if (call.has(option)) throw usageFault(`--${option} is for: gatebook what-if preauthorization`);
  return rule;
}

async function runWhatIf(call: Call): Promise<number> {
  const rule = ruleOf(call);
  const now = call.now();
  const instant = (option: string) => call.read(option, (text) => pastInstantOf(text, now));
  const [since, until] = [instant('since'), instant('until')];
  const sources = call.all('source').map(cidrOf);
  const max = call.read('max', (text) => countOf(text, 1, 1_000_000));
  const limit = call.read('limit', (text) => countOf(text, 1, 1_000));
  const registry = await signedIn(call);
  const { body, text } = await registry.get<WhatIf>('/audit/what-if', {
    rule,
    usernamePattern: call.text('pattern'),
    sources: sources.length === 0 ? null : sources.join(','),
    [rule === 'limits' ? 'maxRequests' : 'maxUses']: max,
    pairingId: call.text('pairing-id'),
    csrFingerprint: call.text('key-fingerprint'),
    effect: call.has('deny') ? 'deny' : null,
    ...{ since, until },
    differs: call.has('all') ? null : 'true',
    ...{ limit, cursor: call.text('cursor') },
  });
  if (call.json) {
    call.terminal.json(text);
    return exitCodes.done;
  }
  const period = [
    ...(since === null ? [] : [` since ${dateTimeText(since)}`]),
    ...(until === null ? [] : [` until ${dateTimeText(until)}`]),
  ].join('');
  const effect = rule === 'limits' ? rule : call.has('deny') ? 'deny' : 'allow';
  sayWhatIf(call, effect, body, period);
  if (body.items.length > 0)
    call.terminal.table(
      ['NAME', 'KIND', 'SOURCE', 'ASKED', 'DECIDED', 'WOULD BE', 'WHY'],
      body.items.map((item) => rowOf(item, now)),
    );
  sayMore(call, body);
  return exitCodes.done;
}

export const whatIfCommands: readonly Command[] = [
  {
    name: 'what-if',
    summary: 'see whom other limits, or a preauthorization, would have let in or kept out',
    positionals: rules.join('|'),
    options: {
      pattern: { value: 'GLOB', help: "which names: 'press-*'" },
      source: { value: 'CIDR', many: true, help: 'from where (repeatable)' },
      max: { value: 'N', help: 'requests in each window; or uses of the preauthorization' },
      'pairing-id': { value: 'H', help: 'of a preauthorization: only with this pairing ID' },
      'key-fingerprint': { value: 'HEX', help: 'of a preauthorization: only with this key' },
      deny: { help: 'a preauthorization that keeps out instead of letting in' },
      since: {
        value: 'T',
        help: 'only what was asked from then on: 30d (ago), yesterday, a day, an instant',
      },
      until: { value: 'T', help: 'only what was asked before' },
      all: { help: 'list every request, not only those that would have come out otherwise' },
      ...listOptions,
    },
    notes: [
      'It judges the requests of the past one after the other. Nothing is recorded, and nothing changes.',
      'Attempts that were turned away back then are no requests: nobody can tell of them.',
    ],
    examples: [
      "gatebook what-if limits --pattern 'press-*' --source 10.4.0.0/16 --since 30d",
      "gatebook what-if preauthorization --pattern 'press-*' --max 50 --since 2026-11-01",
    ],
    run: runWhatIf,
  },
];
