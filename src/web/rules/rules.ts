/** Rules: who is let in, kept out or may ask without a window, said beforehand. */
import { useState } from 'preact/hooks';
import type { Preauthorization } from '../../api/output.ts';
import { call, get, may, type PageOf } from '../app/api.ts';
import { html, type View } from '../app/html.ts';
import { showToast } from '../app/store.ts';
import { clientLink } from '../clients/clients.ts';
import { Dialog } from '../parts/dialog.ts';
import {
  Badge,
  FaultNotice,
  Name,
  Notice,
  ReadFault,
  Said,
  Time,
  useCommand,
  useRead,
} from '../parts/parts.ts';
import { ImportDialog } from './import-dialog.ts';
import { RuleDialog } from './rule-dialog.ts';
import {
  effectWords,
  narrowWords,
  proofWords,
  rulesPath,
  statusWords,
  usesWords,
} from './rule-words.ts';

const shownMax = 100;

const statuses: readonly (readonly [Preauthorization['status'] | '', string])[] = [
  ['active', 'Live'],
  ['used', 'Used up'],
  ['ended', 'Ended'],
  ['withdrawn', 'Withdrawn'],
  ['', 'All'],
];

const givesWords = ({ roles, permissions, effect }: Preauthorization): string =>
  effect === 'allow'
    ? [...roles.map((name) => `role ${name}`), ...permissions.map(({ resource }) => resource)].join(
        ', ',
      ) || 'no rights'
    : '';

function WithdrawDialog({
  rule,
  onClose,
  onDone,
}: {
  rule: Preauthorization;
  onClose: () => void;
  onDone: () => void;
}): View {
  const command = useCommand();
  const withdraw = () =>
    command.run(async () => {
      await call('DELETE', `${rulesPath}/${rule.preauthorizationId}`);
      showToast({ tone: 'good', text: 'Withdrawn: it opens nothing any more.' });
      onDone();
      onClose();
    });
  const foot = html`<div class="buttons"><button type="button" class="button" data-kind="quiet" onClick=${onClose}>Cancel</button>
    <button type="button" class="button" data-kind="danger" onClick=${withdraw} disabled=${command.busy}>Withdraw</button></div>`;
  return html`<${Dialog} narrow title="Withdraw a rule" onClose=${onClose} onConfirm=${withdraw} foot=${foot}>
    <section aria-label="Withdrawal"><p>${rule.effect === 'deny' ? 'Whom it kept out may ask again.' : 'Nobody is let through by it any more, and a code of it opens nothing.'} Whom it let in stays: revoke them by themselves.</p><${FaultNotice} command=${command} /></section>
  <//>`;
}

function RuleRow({ rule, withdraw }: { rule: Preauthorization; withdraw: () => void }): View {
  const [word, tone, icon] = statusWords[rule.status];
  const narrow = narrowWords(rule);
  return html`<tr>
    <td class="grow"><strong>${effectWords[rule.effect]}</strong> <${Name}>${rule.usernamePattern ?? 'any name'}<//> <span class="soft">${proofWords(rule)}</span>
      ${narrow !== '' && html`<br /><span class="soft small">${narrow}</span>`}
      ${rule.note !== null && html`<br /><span class="small"><${Said} text=${rule.note} /></span>`}
      <br /><span class="soft small">by <a href=${clientLink(rule.createdBy)}><${Name}>${rule.createdBy}<//></a>, <${Time} at=${rule.createdAt} ago /></span></td>
    <td><${Badge} tone=${tone} icon=${icon}>${word}<//><br /><span class="soft small">${usesWords(rule)}</span></td>
    <td class="wide-only soft small"><bdi>${givesWords(rule)}</bdi></td>
    <td class="wide-only"><${Time} at=${rule.until} /></td>
    <td class="end">${rule.status === 'active' && may('write', `${rulesPath}/x`) && html`<button class="button" data-kind="quiet" onClick=${withdraw}>Withdraw…<span class="sr"> ${rule.usernamePattern ?? 'any name'}</span></button>`}</td>
  </tr>`;
}

function RuleTable({
  rules,
  again,
}: {
  rules: readonly Preauthorization[];
  again: () => void;
}): View {
  const [withdrawing, setWithdrawing] = useState<Preauthorization | null>(null);
  return html`<table><thead><tr><th scope="col">Rule</th><th scope="col">State</th><th scope="col" class="wide-only">Gives</th><th scope="col" class="wide-only">Ends</th><th scope="col"><span class="sr">Withdraw</span></th></tr></thead>
    <tbody>${rules.map((rule) => html`<${RuleRow} key=${rule.preauthorizationId} rule=${rule} withdraw=${() => setWithdrawing(rule)} />`)}</tbody></table>
    ${withdrawing !== null && html`<${WithdrawDialog} key=${withdrawing.preauthorizationId} rule=${withdrawing} onClose=${() => setWithdrawing(null)} onDone=${again} />`}`;
}

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
