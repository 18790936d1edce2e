/** A long list of rows of any height, of which only those in view (and a few around) are drawn. */
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { html, type View } from '../app/html.ts';

const drawnAround = 8;
const allDrawnMax = 60;

type Range = readonly [first: number, end: number];

/** The rows that lie between two heights, in pixels from the top of the list, and a few around. */
function rangeBetween(
  top: number,
  bottom: number,
  count: number,
  heightAt: (at: number) => number,
): Range {
  let y = 0;
  let first = 0;
  while (first < count && y + heightAt(first) < top) y += heightAt(first++);
  let end = first;
  while (end < count && y < bottom) y += heightAt(end++);
  return [Math.max(0, first - drawnAround), Math.min(count, end + drawnAround)];
}

/** The heights of rows: measured where they were drawn, else what rows are on average. */
function useHeights(estimate: number) {
  const heights = useRef(new Map<string, number>());
  const mean = useRef(estimate);
  return {
    of: (key: string) => heights.current.get(key) ?? mean.current,
    /** Measures the rows that are drawn. `count`: how many rows the list has. */
    measure(list: HTMLUListElement | null, count: number): void {
      let sum = 0;
      let drawn = 0;
      for (const element of list?.children ?? []) {
        const key = (element as HTMLElement).dataset.key;
        if (key === undefined) continue;
        const { height } = element.getBoundingClientRect();
        heights.current.set(key, height);
        sum += height;
        drawn++;
      }
      if (drawn > 0 && heights.current.size <= drawn) mean.current = sum / drawn;
      if (heights.current.size > count * 2 + 1_000) heights.current.clear();
    },
  };
}

export function VirtualList<Item>({
  items,
  keyOf,
  estimate,
  row,
}: {
  items: readonly Item[];
  keyOf: (item: Item) => string;
  /** Pixels of a row nobody has measured yet. */
  estimate: number;
  row: (item: Item, at: number) => View;
}): View {
  const list = useRef<HTMLUListElement>(null);
  const heights = useHeights(estimate);
  const [range, setRange] = useState<Range>([0, 30]);
  const all = items.length <= allDrawnMax;

  const heightAt = (at: number) => heights.of(keyOf(items[at] as Item));

  const look = () => {
    const element = list.current;
    if (element === null || all) return;
    const top = -element.getBoundingClientRect().top;
    const next = rangeBetween(top, top + innerHeight, items.length, heightAt);
    setRange((before) => (before[0] === next[0] && before[1] === next[1] ? before : next));
  };

  useEffect(() => {
    if (all) return;
    let waiting = 0;
    const later = () => {
      cancelAnimationFrame(waiting);
      waiting = requestAnimationFrame(look);
    };
    addEventListener('scroll', later, { passive: true });
    addEventListener('resize', later);
    later();
    return () => {
      cancelAnimationFrame(waiting);
      removeEventListener('scroll', later);
      removeEventListener('resize', later);
    };
  });

  useLayoutEffect(() => {
    if (!all) heights.measure(list.current, items.length);
  });

  const [first, end] = all
    ? [0, items.length]
    : [Math.min(range[0], Math.max(0, items.length - 1)), Math.min(range[1], items.length)];
  const pixels = (from: number, to: number) => {
    let sum = 0;
    for (let at = from; at < to; at++) sum += heightAt(at);
    return `${Math.round(sum)}px`;
  };
  const style = all
    ? {}
    : { paddingTop: pixels(0, first), paddingBottom: pixels(end, items.length) };
  return html`<ul ref=${list} style=${style}>${items.slice(first, end).map((item, at) => row(item, first + at))}</ul>`;
}
