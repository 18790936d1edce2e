/** Why somebody decides: asked for, and sent where it was given. */
import { html, type View } from '../app/html.ts';
import { Field } from './parts.ts';

export const reasonField = (reason: string): { readonly reason?: string } =>
  reason.trim() === '' ? {} : { reason: reason.trim() };

export function ReasonField({
  id,
  reason,
  set,
  label = 'Reason, for the log',
  hint,
  fault,
}: {
  id: string;
  reason: string;
  set: (reason: string) => void;
  label?: string;
  hint?: string;
  fault?: string | undefined;
}): View {
  return html`<${Field} id=${id} label=${label} hint=${hint} fault=${fault}>
    <input class="input" id=${id} maxlength="1000" autocomplete="off" aria-describedby=${hint === undefined ? undefined : `${id}-h`} value=${reason} onInput=${(event: InputEvent) => set((event.target as HTMLInputElement).value)} />
  <//>`;
}
