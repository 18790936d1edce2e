/** Markup in the browser: htm over Preact. Values are text, whatever they contain. */
/// <reference lib="dom" />
/// <reference lib="dom.iterable" />
import htm from 'htm';
import { type ComponentChildren, h, type VNode } from 'preact';

export type View = VNode;
export type Children = ComponentChildren;
type Markup = (markup: TemplateStringsArray, ...values: readonly unknown[]) => View;
// htm's types are of its CommonJS side; what is imported is the function itself.
export const html = (htm as unknown as { bind(make: typeof h): Markup }).bind(h);

const paths: Readonly<Record<string, readonly string[]>> = {
  registry: ['M4 3v18M20 3v18M4 8h5M15 8h5', 'M10 15a2 2 0 1 0 4 0a2 2 0 1 0-4 0'],
  clients: [
    'M5 4h14a2 2 0 0 1 2 2v8a2 2 0 0 1-2 2H5a2 2 0 0 1-2-2V6a2 2 0 0 1 2-2z',
    'M8 20.5h8M12 16v4.5',
  ],
  audit: ['M5 4h14v17H5zM9 9h6M9 13h6M9 17h3'],
  more: ['M5 12h.1M12 12h.1M19 12h.1'],
  dot: ['M12 6.5a5.5 5.5 0 1 0 .01 0z'],
  lock: [
    'M7 11h10a2 2 0 0 1 2 2v6a2 2 0 0 1-2 2H7a2 2 0 0 1-2-2v-6a2 2 0 0 1 2-2z',
    'M8 11V7.5a4 4 0 0 1 8 0V11',
  ],
  unlock: [
    'M7 11h10a2 2 0 0 1 2 2v6a2 2 0 0 1-2 2H7a2 2 0 0 1-2-2v-6a2 2 0 0 1 2-2z',
    'M8 11V7.5a4 4 0 0 1 7.6-1.7',
  ],
  alert: ['M12 3.5 22 20.5H2zM12 10v4.5M12 17.4v.2'],
  swap: ['M4 8h14l-4-4M20 16H6l4 4'],
  check: ['m4.5 12.5 5 5 10-11'],
  clock: ['M12 3a9 9 0 1 0 .01 0z', 'M12 7v5.2l3.3 2'],
  cross: ['m6 6 12 12M18 6 6 18'],
  up: ['M12 20V4.5M5.5 11 12 4.5l6.5 6.5'],
  down: ['M12 4v15.5M5.5 13l6.5 6.5 6.5-6.5'],
  pause: ['M8 5v14M16 5v14'],
};

export const Icon = ({ name }: { name: string }): View => html`
  <svg class="icon" data-icon=${name} viewBox="0 0 24 24" aria-hidden="true" focusable="false">
    ${paths[name]?.map((d) => html`<path d=${d} key=${d} />`)}
  </svg>`;

export const Brand = (): View => html`
  <svg class="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false">
    <rect width="24" height="24" rx="6" fill="currentColor" stroke="none" />
    <path d="M7 6v12M17 6v12" stroke-width="2.4" />
    <circle cx="12" cy="12" r="1.2" stroke-width="2" />
  </svg>`;
