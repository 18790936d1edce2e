/** How an item of evidence is made. */
import type { EvidenceItem } from '../../api/evidence.ts';

type FactValues = Readonly<Record<string, string | number | boolean | null | undefined>>;

const valueText = (value: FactValues[string]): string =>
  value === null || value === undefined
    ? 'none'
    : typeof value === 'boolean'
      ? value
        ? 'yes'
        : 'no'
      : String(value);

/** `requirements`: numbers of IEC 62443-4-2, without the letters. */
export const item = (
  key: string,
  title: string,
  requirements: readonly string[],
  status: EvidenceItem['status'],
  facts: FactValues,
): EvidenceItem => ({
  ...{ key, title, status },
  requirements: requirements.map((number) => `CR ${number}`),
  facts: Object.entries(facts).map(([name, value]) => ({ name, value: valueText(value) })),
});

export const goodIf = (isGood: boolean): 'good' | 'attention' => (isGood ? 'good' : 'attention');

const units = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['min', 60_000],
  ['s', 1_000],
] as const;

/** In the largest unit that says it whole. */
export function durationText(ms: number): string {
  const [unit, factor] = units.find(([, one]) => ms >= one && ms % one === 0) ?? ['ms', 1];
  return `${ms / factor} ${unit}`;
}
