/** At a client: the rules that it made, which go on when it is gone. */
import type { Preauthorization } from '../../api/output.ts';
import { get, may, type PageOf } from '../app/api.ts';
import { html, type View } from '../app/html.ts';
import { Notice, useRead } from '../parts/parts.ts';
import { RuleTable } from './rule-table.ts';
import { rulesPath } from './rule-words.ts';

const shownMax = 100;

/** The rules of somebody that still stand: whoever is revoked made them, and they go on. */
export function RulesMadeBy({
  username,
  isGone,
}: {
  username: string;
  isGone: boolean;
}): View | null {
  const { value, again } = useRead(`rules by ${username} ${isGone}`, async () =>
    may('read', rulesPath)
      ? await get<PageOf<Preauthorization>>(
          `${rulesPath}?status=active&limit=${shownMax}&createdBy=${encodeURIComponent(username)}`,
        )
      : null,
  );
  if (value === null || value.items.length === 0) return null;
  return html`<section class="card" aria-labelledby="made-rules"><h2 id="made-rules">Rules that it made</h2>
    ${isGone && html`<${Notice} tone="bad">Its access is over, and what it said beforehand still stands. Withdraw what you do not want.<//>`}
    <${RuleTable} rules=${value.items} again=${again} /></section>`;
}
