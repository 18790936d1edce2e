/** The look of the pages that the service draws itself: light and dark, on a phone, on paper. */
export const stylesheet = `:root {
  color-scheme: light dark;
  --paper: light-dark(#f5f6f6, #0e1214);
  --surface: light-dark(#fff, #151a1d);
  --sunken: light-dark(#eef1f1, #0a0e10);
  --line: light-dark(#dce1e3, #2a3338);
  --ink: light-dark(#12181b, #e9eef0);
  --ink-2: light-dark(#495459, #b2bdc2);
  --accent: light-dark(#07597a, #74c6ea);
  --bad: light-dark(#a11d17, #ff9e95);
  --sans: ui-sans-serif, -apple-system, "Segoe UI", Roboto, "Noto Sans", Arial, sans-serif;
  --mono: ui-monospace, "SF Mono", Menlo, Consolas, "Liberation Mono", monospace;
}
*, ::before, ::after { box-sizing: border-box; min-width: 0; }
html { scroll-padding-top: 1rem; }
body { margin: 0 auto; max-width: 60rem; padding: 1.5rem clamp(1rem, 3vw, 2rem) 4rem; background: var(--paper); color: var(--ink); font: 0.9375rem / 1.55 var(--sans); overflow-wrap: anywhere; }
h1, h2, h3, p, dl, dd, ul, pre { margin: 0; padding: 0; }
h1 { font-size: 1.75rem; line-height: 1.25; }
h2 { margin: 2.5rem 0 0.75rem; font-size: 1.25rem; }
h3 { font-size: 1rem; }
p + p { margin-top: 0.5rem; }
a { color: var(--accent); text-underline-offset: 0.18em; }
a:focus-visible, summary:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
code, pre { font: 0.92em / 1.5 var(--mono); }
pre { margin: 0.5rem 0; padding: 0.75rem; border-radius: 7px; background: var(--sunken); white-space: pre-wrap; }
nav ul { display: flex; flex-wrap: wrap; gap: 0.25rem 1rem; margin-top: 1rem; list-style: none; }
.soft { color: var(--ink-2); }
.card { margin-top: 0.75rem; padding: 0.75rem 1rem; border: 1px solid var(--line); border-radius: 12px; background: var(--surface); }
.card > summary { cursor: pointer; }
.card > summary code { font-weight: 600; }
.card[open] > summary { margin-bottom: 0.75rem; }
.card dl { display: grid; grid-template-columns: minmax(6rem, auto) 1fr; gap: 0.375rem 1rem; }
.card dt { color: var(--ink-2); }
table { width: 100%; border-collapse: collapse; }
th, td { padding: 0.375rem 1rem 0.375rem 0; border-top: 1px solid var(--line); text-align: start; vertical-align: baseline; }
th { color: var(--ink-2); font-weight: 500; }
thead th, tr:first-child > :is(th[scope=row], th[scope=row] + td) { border-top: 0; }
th[scope=row] { width: 10rem; }
h1 + table { margin-top: 1rem; }
.counts { display: flex; flex-wrap: wrap; gap: 0.5rem 2rem; }
.counts dt { color: var(--ink-2); }
.counts dd { font-size: 1.25rem; font-weight: 600; font-variant-numeric: tabular-nums; }
.scroll { overflow-x: auto; }
.scroll table { overflow-wrap: normal; }
@media (width < 40rem) { .card dl { grid-template-columns: 1fr; gap: 0 } .card dd { margin-bottom: 0.5rem; } .card td { display: block; padding-inline-end: 0; } .card td + td { border-top: 0; padding-top: 0; } }
@media print { body { max-width: none; padding: 0; background: none; font-size: 10pt; } .card, tr { break-inside: avoid; } .scroll { overflow: visible; } }
`;
