/** A plan in lines, as people read a difference. */
import type { Piece } from '../terminal/terminal.ts';
import { dateTimeText } from '../text/format.ts';
import type { DeclaredChange, FieldChange, Plan } from './plan.ts';

const signs: Readonly<Record<DeclaredChange['action'], string>> = {
  make: '+',
  change: '~',
  remove: '-',
};
const styles = { make: 'good', change: 'warning', remove: 'bad' } as const;
const instants = ['until', 'expiresAt'];

const valueText = (field: string, value: unknown): string => {
  if (value === null || value === undefined || value === '') return 'none';
  if (value === true) return 'yes';
  if (value === false) return 'no';
  return instants.includes(field) ? dateTimeText(String(value)) : String(value);
};

const listOf = (value: unknown): string[] => (Array.isArray(value) ? value.map(String) : []);

function fieldLines({ field, from, to }: FieldChange, isNew: boolean): Piece[][] {
  if (!Array.isArray(to))
    return [
      [
        isNew
          ? `    ${field}: ${valueText(field, to)}`
          : `    ${field}: ${valueText(field, from)} → ${valueText(field, to)}`,
      ],
    ];
  const [before, after] = [listOf(from), listOf(to)];
  const more = after.filter((item) => !before.includes(item));
  const less = before.filter((item) => !after.includes(item));
  if (isNew) return [[`    ${field}: ${after.join(' ')}`]];
  return [
    [`    ${field}:`],
    ...less.map((item): Piece[] => [{ text: `      - ${item}`, style: 'bad' }]),
    ...more.map((item): Piece[] => [{ text: `      + ${item}`, style: 'good' }]),
  ];
}

export function changeLines(change: DeclaredChange): Piece[][] {
  const { action, kind, name, fields, warning, waits } = change;
  return [
    [{ text: `${signs[action]} ${kind} ${name}`, style: styles[action] }],
    ...fields.flatMap((field) => fieldLines(field, action === 'make')),
    ...(warning === null ? [] : [[{ text: `    ${warning}`, style: 'warning' } as const]]),
    ...(waits === null
      ? []
      : [
          [
            {
              text: `    It waits for approval and is not sent again: gatebook approvals show ${waits}`,
              style: 'warning',
            } as const,
          ],
        ]),
  ];
}

/** `2 to make, 1 to change, 12 as they are.` */
export function planSummary({ changes, unchangedCount, skipped }: Plan): string {
  const count = (action: DeclaredChange['action']) =>
    changes.filter((change) => change.action === action && change.waits === null).length;
  const waits = changes.filter((change) => change.waits !== null).length;
  const parts = [
    [count('make'), 'to make'],
    [count('change'), 'to change'],
    [count('remove'), 'to remove'],
    [waits, waits === 1 ? 'waits for approval' : 'wait for approval'],
    [skipped.length, 'left alone'],
    [unchangedCount, unchangedCount === 1 ? 'as it is' : 'as they are'],
  ] as const;
  const said = parts
    .filter(([number]) => number > 0)
    .map(([number, what]) => `${number.toLocaleString('en')} ${what}`);
  return said.length === 0 ? 'Nothing is declared.' : `${said.join(', ')}.`;
}

const doneWords: Readonly<Record<DeclaredChange['action'], string>> = {
  make: 'Made',
  change: 'Changed',
  remove: 'Removed',
};
export const doneText = ({ action, kind, name }: DeclaredChange): string =>
  `${doneWords[action]} ${kind} ${name}.`;

/** `3 changes are made, 1 half done, 1 waits for approval.` */
export function outcomeSummary(carriedOut: readonly { outcome: string }[], count: number): string {
  const number = (outcome: string) => carriedOut.filter((one) => one.outcome === outcome).length;
  const done = number('done');
  const rest = [
    [number('begun'), 'half done'],
    [number('proposed'), 'wait for approval'],
    [number('refused'), 'refused'],
    [count - carriedOut.length, 'not done'],
  ] as const;
  const said = rest.filter(([many]) => many > 0).map(([many, what]) => `, ${many} ${what}`);
  return `${done === 1 ? '1 change is' : `${done.toLocaleString('en')} changes are`} made${said.join('')}.`;
}

/** Of a rule that changed: the new one stands. */
export const anewText = ({ kind, name }: DeclaredChange): string => `Made ${kind} ${name} anew.`;
export const besideText = ({ kind, name }: DeclaredChange): string =>
  `Half done: ${kind} ${name} is made anew, and what it was before stands beside it.`;

export const skippedLines = ({ skipped }: Plan): string[] =>
  skipped.map(({ kind, name, because }) => `? ${kind} ${name}: left alone, ${because}`);
