/** A program that turns its memory over and prints how often V8 collected the whole of it; `with-settings` has it set them first. */
import { PerformanceObserver } from 'node:perf_hooks';
import { setImmediate as turn } from 'node:timers/promises';

if (process.argv[2] === 'with-settings') {
  // JavaScript without types: it runs before anything could strip them.
  const { withMemorySettings } = await import(new URL('../../bin/memory.js', import.meta.url).href);
  withMemorySettings();
}
const [held, made, madeInATurn] = [150_000, 4_000_000, 50_000];
/** Of Node's GC entries: a collection of the whole heap. */
const whole = 4;
let collections = 0;
new PerformanceObserver((list) => {
  for (const entry of list.getEntries())
    if ((entry as { detail?: { kind?: number } }).detail?.kind === whole) collections++;
}).observe({ entryTypes: ['gc'] });
const live: object[] = new Array(held);
for (let number = 0; number < made; number++) {
  live[(number * 7_919) % held] = { number, list: [number, number, number], inner: { number } };
  if (number % madeInATurn === 0) await turn();
}
await turn();
console.log(collections);
