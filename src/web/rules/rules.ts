/** Rules: who is let in, kept out or may ask without a window, said beforehand. */
import { useState } from 'preact/hooks';
import type { Preauthorization } from '../../api/output.ts';
import { get, may, type PageOf } from '../app/api.ts';
import { html, type View } from '../app/html.ts';
import { ReadFault, useRead } from '../parts/parts.ts';
import { ImportDialog } from './import-dialog.ts';
import { RuleDialog } from './rule-dialog.ts';
import { RuleTable } from './rule-table.ts';
import { rulesPath } from './rule-words.ts';

const shownMax = 100;

const statuses: readonly (readonly [Preauthorization['status'] | '', string])[] = [
  ['active', 'Live'],
  ['used', 'Used up'],
  ['ended', 'Ended'],
  ['withdrawn', 'Withdrawn'],
  ['', 'All'],
];

export function Rules(): View {
  const [status, setStatus] = useState<Preauthorization['status'] | ''>('active');
  const [open, setOpen] = useState<'rule' | 'import' | null>(null);
  const query = `limit=${shownMax}${status === '' ? '' : `&status=${status}`}`;
  const { value, fault, again } = useRead(query, () =>
    get<PageOf<Preauthorization>>(`${rulesPath}?${query}`),
  );
  const items = value?.items ?? [];
  const close = () => setOpen(null);
  return html`<div class="page-head"><h1 tabindex="-1">Rules</h1>
      ${
        may('write', rulesPath) &&
        html`<div class="buttons"><button class="button" data-kind="main" onClick=${() => setOpen('rule')}>New rule…</button>${may('write', `${rulesPath}/import`) && html`<button class="button" onClick=${() => setOpen('import')}>From a file…</button>`}</div>`
      }
      <p>Said beforehand: who is let in at once, who is kept out, and who may ask while the registry is locked.</p></div>
    <section class="card" aria-labelledby="rules-list"><h2 id="rules-list" class="sr">List</h2>
      <div class="fields"><div class="field"><label for="rules-status">State</label><select class="input" id="rules-status" onChange=${(event: Event) => setStatus((event.target as HTMLSelectElement).value as Preauthorization['status'])}>${statuses.map(([name, words]) => html`<option key=${name} value=${name} selected=${status === name}>${words}</option>`)}</select></div></div>
      <${ReadFault} fault=${fault} again=${again} />
      ${value !== null && items.length === 0 ? html`<p>${status === 'active' ? 'No rule stands. Devices ask through an open window, and a person decides.' : 'There is none.'}</p>` : html`<${RuleTable} rules=${items} again=${again} />`}
      ${value?.nextCursor != null && html`<p class="small soft">These are the newest ${shownMax}; gatebook preauthorizations goes on from there.</p>`}
    </section>
    ${open === 'rule' && html`<${RuleDialog} onClose=${close} onDone=${again} />`}
    ${open === 'import' && html`<${ImportDialog} onClose=${close} onDone=${again} />`}`;
}
