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

export const skippedLines = ({ skipped }: Plan): string[] =>
  skipped.map(({ kind, name, because }) => `? ${kind} ${name}: left alone, ${because}`);
