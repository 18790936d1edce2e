/** Tabs: one panel shows, the others keep what was typed into them. Arrow keys go from one to the next. */
import { type Children, html, type View } from '../app/html.ts';

interface Tab {
  readonly name: string;
  readonly words: string;
  readonly panel: Children;
}

const steps: Readonly<Record<string, (at: number, count: number) => number>> = {
  ArrowRight: (at, count) => (at + 1) % count,
  ArrowLeft: (at, count) => (at + count - 1) % count,
  Home: () => 0,
  End: (_, count) => count - 1,
};

export function Tabs({
  label,
  tabs,
  chosen,
  choose,
}: {
  label: string;
  tabs: readonly Tab[];
  chosen: string;
  choose: (name: string) => void;
}): View {
  const onKeyDown = (event: KeyboardEvent) => {
    const at = tabs.findIndex(({ name }) => name === chosen);
    const next = tabs[steps[event.key]?.(at, tabs.length) ?? -1];
    if (next === undefined) return;
    event.preventDefault();
    choose(next.name);
    document.getElementById(`tab-${next.name}`)?.focus();
  };
  return html`<div class="tabs" role="tablist" aria-label=${label} onKeyDown=${onKeyDown}>${tabs.map(
    ({ name, words }) =>
      html`<button type="button" role="tab" key=${name} id="tab-${name}" aria-selected=${name === chosen} aria-controls="panel-${name}" tabindex=${name === chosen ? 0 : -1} onClick=${() => choose(name)}>${words}</button>`,
  )}</div>
  ${tabs.map(
    ({ name, panel }) =>
      html`<div class="panel" role="tabpanel" key=${name} id="panel-${name}" aria-labelledby="tab-${name}" hidden=${name !== chosen}>${panel}</div>`,
  )}`;
}
