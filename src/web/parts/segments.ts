/** One of a few choices, side by side. */
import { html, type View } from '../app/html.ts';

export function Segments<Value extends string>({
  name,
  legend,
  choices,
  value,
  set,
}: {
  name: string;
  legend: string;
  choices: readonly (readonly [Value, string])[];
  value: Value;
  set: (value: Value) => void;
}): View {
  return html`<fieldset><legend>${legend}</legend><div class="segments">${choices.map(
    ([choice, words]) =>
      html`<label key=${choice}><input type="radio" name=${name} checked=${value === choice} onChange=${() => set(choice)} />${words}</label>`,
  )}</div></fieldset>`;
}
