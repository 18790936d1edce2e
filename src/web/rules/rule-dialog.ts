/** A new rule, with what it would have come to so far beside it; its code is shown once. */
import { useState } from 'preact/hooks';
import type { PreauthorizationWithCode } from '../../api/output.ts';
import { nowMs, post } from '../app/api.ts';
import { html, type View } from '../app/html.ts';
import { useFreshRoles } from '../app/live.ts';
import { showToast, useStore } from '../app/store.ts';
import { OnceShown } from '../clients/client-actions.ts';
import { Dialog } from '../parts/dialog.ts';
import { FaultNotice, Field, useCommand } from '../parts/parts.ts';
import { Segments } from '../parts/segments.ts';
import { RightsEditor } from '../rights/rights.ts';
import type { TypedRights } from '../rights/typed-rights.ts';
import { LabelsButton } from './labels.ts';
import { PastEffect } from './past-effect.ts';
import { rulesPath } from './rule-words.ts';
import { type RuleDraft, sentRule, untypedRule } from './typed-rule.ts';

type SetRule = (change: Partial<RuleDraft>) => void;

const effects: readonly (readonly [RuleDraft['effect'], string])[] = [
  ['allow', 'Let in'],
  ['ask', 'Let ask'],
  ['deny', 'Keep out'],
];
const proofs: readonly (readonly [RuleDraft['proof'], string])[] = [
  ['code', 'A code'],
  ['key', 'A key'],
  ['none', 'None'],
];
const proofHints: Readonly<Record<RuleDraft['proof'], string>> = {
  code: 'A code is made and shown once. Whoever shows it is let through while locked, too.',
  key: 'Only the key with this fingerprint, and never a password; while locked, too.',
  none: 'Works only while the registry is unlocked.',
};
const effectHints: Readonly<Record<RuleDraft['effect'], string>> = {
  allow:
    'At once, with the rights below. It never gives HTTP rights, and only reaches names that nobody holds.',
  ask: 'It waits for a person to decide, also while the registry is locked.',
  deny: 'Told as if the registry were locked, whatever else it fits.',
};

function Conditions({
  typed,
  set,
  faultOf,
}: {
  typed: RuleDraft;
  set: SetRule;
  faultOf: (field: string) => string | undefined;
}): View {
  const input = (
    field:
      | 'usernamePattern'
      | 'sources'
      | 'pairingId'
      | 'csrFingerprint'
      | 'maxUses'
      | 'until'
      | 'note',
    label: string,
    hint: string,
    more: object = {},
  ) => html`<${Field} id="rule-${field}" label=${label} hint=${hint} fault=${faultOf(field)}>
    <input class="input" id="rule-${field}" autocomplete="off" spellcheck=${false} aria-describedby="rule-${field}-h" aria-invalid=${faultOf(field) !== undefined}
      value=${typed[field]} onInput=${(event: InputEvent) => set({ [field]: (event.target as HTMLInputElement).value })} ...${more} /><//>`;
  const isDeny = typed.effect === 'deny';
  return html`<${Segments} name="rule-effect" legend="What it does" choices=${effects} value=${typed.effect} set=${(effect: RuleDraft['effect']) => set({ effect })} />
    <p class="small soft">${effectHints[typed.effect]}</p>
    ${
      !isDeny &&
      html`<${Segments} name="rule-proof" legend="It proves itself by" choices=${proofs} value=${typed.proof} set=${(proof: RuleDraft['proof']) => set({ proof })} />
        <p class="small soft">${proofHints[typed.proof]}</p>`
    }
    <div class="fields">
      ${typed.proof === 'key' && !isDeny && input('csrFingerprint', 'Fingerprint of the key', 'SHA-256, 64 hex digits, as the device shows it.', { 'data-mono': '' })}
      ${input('usernamePattern', 'Names', 'Empty: any. * and ? stand for the rest.', { 'data-mono': '', placeholder: 'press-*' })}
      ${input('sources', 'Networks', 'Empty: any. Several with a space between.', { 'data-mono': '', placeholder: '10.4.0.0/16' })}
      ${input('pairingId', 'Pairing ID', 'Empty: any, or none.', { 'data-mono': '' })}
      ${!isDeny && input('maxUses', 'Uses', 'How many it lets through.', { inputmode: 'numeric' })}
      ${input('until', 'The rule ends', 'Its last day.', { type: 'date' })}
      ${input('note', 'Note', 'What it is for, for the history.', { maxlength: '1000', spellcheck: true })}
    </div>`;
}

export function RuleDialog({ onClose, onDone }: { onClose: () => void; onDone: () => void }): View {
  const { roles } = useStore();
  useFreshRoles();
  const [typed, setTyped] = useState(() => untypedRule(nowMs()));
  const [changed, setChanged] = useState(false);
  const [made, setMade] = useState<PreauthorizationWithCode | null>(null);
  const command = useCommand();
  const set: SetRule = (change) => {
    setTyped((before) => ({ ...before, ...change }));
    setChanged(true);
    command.clear();
  };
  const make = () => {
    if (command.busy || made !== null) return;
    command.run(async () => {
      const rule = await post<PreauthorizationWithCode>(rulesPath, sentRule(typed));
      onDone();
      if (rule.enrolmentCode !== null) return setMade(rule);
      showToast({ tone: 'good', text: 'The rule stands.' });
      onClose();
    });
  };
  const setRights = (change: Partial<TypedRights>) =>
    set({ rights: { ...typed.rights, ...change } });
  if (made?.enrolmentCode != null)
    return html`<${Dialog} narrow title="The rule stands" onClose=${onClose} foot=${html`<div class="buttons">
        <${LabelsButton} codes=${[{ name: made.usernamePattern, enrolmentCode: made.enrolmentCode }]} />
        <button type="button" class="button" data-kind="main" onClick=${onClose}>I have it</button></div>`}>
      <section aria-label="Code"><${OnceShown} label="The enrolment code" text=${made.enrolmentCode} /></section>
    <//>`;
  const foot = html`<div class="buttons"><button type="button" class="button" data-kind="quiet" onClick=${onClose}>Cancel</button>
    <button type="button" class="button" data-kind="main" onClick=${make} disabled=${command.busy}>Make rule</button></div>`;
  return html`<${Dialog} title="New rule" changed=${changed} onClose=${onClose} onConfirm=${make} foot=${foot}>
    <div class="stack"><${PastEffect} typed=${typed} /></div>
    <section class="stack" aria-label="Rule">
      <${Conditions} typed=${typed} set=${set} faultOf=${command.faultOf} />
      ${typed.effect === 'allow' && html`<h3>What it gives</h3><${RightsEditor} username=${typed.usernamePattern === '' || /[*?]/.test(typed.usernamePattern) ? 'it' : typed.usernamePattern} roles=${roles.filter(({ name }) => !['administrator', 'registrar', 'auditor'].includes(name))} typed=${typed.rights} set=${setRights} faultOf=${command.faultOf} />`}
      <${FaultNotice} command=${command} />
    </section>
  <//>`;
}
