/** The short cuts: the keys that work everywhere, and the list of all of them, above whatever is open. */
import { html, type View } from './app/html.ts';
import { change, state, useStore } from './app/store.ts';
import { Dialog } from './parts/dialog.ts';

const keys = [
  ['/', 'find a name or a pairing ID'],
  ['j  k', 'next, previous request'],
  ['x', 'select'],
  ['g', 'grant'],
  ['d', 'deny'],
  ['l', 'lock or unlock'],
  ['?', 'this list'],
  ['Ctrl+Enter', 'confirm what a dialog asks'],
  ['Escape', 'close it'],
] as const;

export const KeyList = (): View =>
  html`<dl class="pairs small">${keys.map(([key, words]) => html`<dt><kbd>${key}</kbd></dt><dd>${words}</dd>`)}</dl>`;

export function KeyHelp(): View | null {
  const { showsKeys } = useStore();
  if (!showsKeys) return null;
  const close = () => change({ showsKeys: false });
  const foot = html`<p class="small soft">They act in the list of requests and on the lock. Switch them off in your account.</p>
    <div class="buttons"><button type="button" class="button" data-kind="main" onClick=${close}>Close</button></div>`;
  return html`<${Dialog} narrow title="Short cuts" onClose=${close} onConfirm=${close} foot=${foot}>
    <section aria-label="Keys"><${KeyList} /></section>
  <//>`;
}

const typing = (target: EventTarget | null): boolean =>
  target instanceof HTMLElement &&
  target.matches('input:not([type=checkbox], [type=radio]), textarea, select');

/** Keys beside those of the list: they act while focus is in it, on the lock card, or nowhere. */
export function onKey(event: KeyboardEvent): void {
  if (!state.shortcuts || event.ctrlKey || event.metaKey || event.altKey || typing(event.target))
    return;
  if (document.querySelector('dialog[open]') !== null) return;
  const target = event.target as HTMLElement;
  if (target !== document.body && target.closest('.requests, .lock, h1, main') === null) return;
  const onRegistry = document.querySelector('.lock') !== null;
  if (event.key === '/' && document.getElementById('find') !== null) {
    event.preventDefault();
    document.getElementById('find')?.focus();
  } else if (event.key === 'l' && onRegistry) {
    event.preventDefault();
    document.querySelector<HTMLElement>('.lock [data-kind=main]')?.focus();
  } else if (event.key === '?') {
    event.preventDefault();
    change({ showsKeys: true });
  }
}
