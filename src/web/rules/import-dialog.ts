/** A file of rules: what would become of each line, then what became of it, with the codes to keep or to print. */
import { useState } from 'preact/hooks';
import type { Preauthorization, PreauthorizationImport } from '../../api/output.ts';
import { getAll, post } from '../app/api.ts';
import { html, type View } from '../app/html.ts';
import { counted } from '../app/words.ts';
import { OnceShown } from '../clients/client-actions.ts';
import { Dialog } from '../parts/dialog.ts';
import { FaultNotice, Field, Notice, useCommand } from '../parts/parts.ts';
import { type LabelledCode, LabelsButton } from './labels.ts';
import { rulesPath } from './rule-words.ts';

const faultsShownMax = 20;
const rulesReadMax = 20_000;

/** The codes that were made, each with the names that its rule is about. */
async function codesOf({ items }: PreauthorizationImport): Promise<LabelledCode[]> {
  const made = items.flatMap((item) =>
    'problem' in item || item.enrolmentCode === null
      ? []
      : [{ ...item, enrolmentCode: item.enrolmentCode }],
  );
  if (made.length === 0) return [];
  const rules = await getAll<Preauthorization>(rulesPath, rulesReadMax).catch(() => []);
  const names = new Map(rules.map((rule) => [rule.preauthorizationId, rule.usernamePattern]));
  return made.map(({ preauthorizationId, enrolmentCode }) => ({
    ...{ enrolmentCode, name: names.get(preauthorizationId ?? '') ?? null },
  }));
}

function Faults({ items }: Pick<PreauthorizationImport, 'items'>): View | null {
  const bad = items.flatMap((item) => ('problem' in item ? [item] : []));
  if (bad.length === 0) return null;
  return html`<ul class="lines small" aria-label="Lines that are not made">${bad
    .slice(0, faultsShownMax)
    .map(
      ({ line, problem }) =>
        html`<li key=${line}><strong>Line ${line}</strong> ${problem.errors?.map(({ detail }) => detail).join(' ') ?? problem.detail}</li>`,
    )}${bad.length > faultsShownMax && html`<li class="soft">and ${counted(bad.length - faultsShownMax, 'more', 'more')}</li>`}</ul>`;
}

export function ImportDialog({
  onClose,
  onDone,
}: {
  onClose: () => void;
  onDone: () => void;
}): View {
  const [file, setFile] = useState<File | null>(null);
  const [tried, setTried] = useState<PreauthorizationImport | null>(null);
  const [made, setMade] = useState<PreauthorizationImport | null>(null);
  const [codes, setCodes] = useState<readonly LabelledCode[]>([]);
  const command = useCommand();
  const send = (dryRun: boolean) => {
    if (file === null || command.busy || made !== null) return;
    command.run(async () => {
      const answer = await post<PreauthorizationImport>(
        `${rulesPath}/import?dryRun=${dryRun}`,
        new Blob([file], { type: 'text/csv' }),
      );
      if (dryRun) return setTried(answer);
      setMade(answer);
      onDone();
      setCodes(await codesOf(answer));
    });
  };
  const choose = (event: Event) => {
    setFile((event.target as HTMLInputElement).files?.[0] ?? null);
    setTried(null);
    command.clear();
  };
  const answer = made ?? tried;
  const foot =
    made !== null
      ? html`<div class="buttons">${codes.length > 0 && html`<${LabelsButton} codes=${codes} />`}<button type="button" class="button" data-kind="main" onClick=${onClose}>${codes.length > 0 ? 'I have them' : 'Close'}</button></div>`
      : html`<div class="buttons"><button type="button" class="button" data-kind="quiet" onClick=${onClose}>Cancel</button>
          ${
            tried === null
              ? html`<button type="button" class="button" data-kind="main" onClick=${() => send(true)} disabled=${command.busy || file === null}>Check file</button>`
              : html`<button type="button" class="button" data-kind="main" onClick=${() => send(false)} disabled=${command.busy || tried.created === 0}>Make ${counted(tried.created, 'rule', 'rules')}</button>`
          }</div>`;
  return html`<${Dialog} narrow title="Rules from a file" changed=${made !== null && codes.length > 0} onClose=${onClose} foot=${foot}>
    <section class="stack" aria-label="File">
      ${
        made === null &&
        html`<${Field} id="rules-file" label="CSV file" hint="UTF-8, commas between. The first line names the columns: usernamePattern, roles, permissions, until, enrolmentCode (make), …"><input class="input" id="rules-file" type="file" accept=".csv,text/csv" aria-describedby="rules-file-h" onChange=${choose} /><//>`
      }
      ${
        answer !== null &&
        html`<p role="status"><strong>${counted(answer.created, 'rule', 'rules')} ${made === null ? 'would be made' : 'made'}${answer.failed === 0 ? '' : `, ${counted(answer.failed, 'line', 'lines')} not`}.</strong></p><${Faults} items=${answer.items} />`
      }
      ${codes.length > 0 && html`<${OnceShown} label="The enrolment codes" text=${codes.map(({ name, enrolmentCode }) => `${name ?? 'any name'}\t${enrolmentCode}`).join('\n')} />`}
      ${made !== null && codes.length > 0 && html`<${Notice} tone="wait">Codes that are lost are not found again: withdraw their rules and make others.<//>`}
      <${FaultNotice} command=${command} />
    </section>
  <//>`;
}
