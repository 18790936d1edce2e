/** Rules in a table, each to be withdrawn. */
import { useState } from 'preact/hooks';
import type { Preauthorization } from '../../api/output.ts';
import { call, may } from '../app/api.ts';
import { html, type View } from '../app/html.ts';
import { showToast } from '../app/store.ts';
import { clientLink } from '../clients/clients.ts';
import { Dialog } from '../parts/dialog.ts';
import { Badge, FaultNotice, Name, Said, Time, useCommand } from '../parts/parts.ts';
import {
  effectWords,
  narrowWords,
  proofWords,
  rulesPath,
  statusWords,
  usesWords,
} from './rule-words.ts';

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

export function RuleTable({
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
