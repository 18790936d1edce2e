/** What narrows and orders the list of requests: folded until somebody wants it. */
import { html, type View } from '../app/html.ts';
import { everyRequest, isEvery, type RequestChoice } from './request-choice.ts';

const doors: readonly (readonly [RequestChoice['door'], string])[] = [
  ['', 'Any way'],
  ['rest', 'REST'],
  ['mqtt', 'MQTT connect'],
  ['est', 'EST'],
];

const sorts: readonly (readonly [RequestChoice['sort'], string])[] = [
  ['contested', 'Contested first'],
  ['newest', 'Newest first'],
  ['oldest', 'Oldest first'],
  ['name', 'By name'],
  ['source', 'By address'],
];

export function RequestFilter({
  choice,
  choose,
}: {
  choice: RequestChoice;
  choose: (choice: RequestChoice) => void;
}): View {
  const set = (change: Partial<RequestChoice>) => choose({ ...choice, ...change });
  const input = (field: 'network' | 'said', label: string, placeholder: string) =>
    html`<div class="field"><label for="req-${field}">${label}</label><input class="input" id="req-${field}" data-mono="" autocomplete="off" spellcheck=${false} placeholder=${placeholder} value=${choice[field]} onInput=${(event: InputEvent) => set({ [field]: (event.target as HTMLInputElement).value })} /></div>`;
  const select = <Name extends 'door' | 'sort'>(
    field: Name,
    label: string,
    options: readonly (readonly [RequestChoice[Name], string])[],
  ) =>
    html`<div class="field"><label for="req-${field}">${label}</label><select class="input" id="req-${field}" onChange=${(event: Event) => set({ [field]: (event.target as HTMLSelectElement).value })}>${options.map(([value, words]) => html`<option value=${value} selected=${choice[field] === value}>${words}</option>`)}</select></div>`;
  return html`<details class="list-filter">
    <summary>Filter and sort${!isEvery(choice) && html` <span class="count">on</span>`}</summary>
    <div class="fields">
      ${select('sort', 'Order', sorts)}
      ${select('door', 'Asked by', doors)}
      ${input('network', 'From network', '10.4.0.0/16')}
      ${input('said', 'Says of itself', 'line=4')}
    </div>
    <div class="row">
      <label class="choice"><input type="checkbox" checked=${choice.contested} onChange=${() => set({ contested: !choice.contested })} /><span>Contested ones only</span></label>
      ${!isEvery(choice) && html`<button type="button" class="link" onClick=${() => choose({ ...everyRequest, sort: choice.sort })}>Show all again</button>`}
    </div>
  </details>`;
}
