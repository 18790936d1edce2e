/** A long list of rows of any height, of which only those in view (and a few around) are drawn. */
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { html, type View } from '../app/html.ts';

const drawnAround = 8;
const allDrawnMax = 60;

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
  const heights = useRef(new Map<string, number>());
  const mean = useRef(estimate);
  const [range, setRange] = useState<readonly [number, number]>([0, 30]);
  const all = items.length <= allDrawnMax;

  const heightOf = (item: Item) => heights.current.get(keyOf(item)) ?? mean.current;

  const look = () => {
    const element = list.current;
    if (element === null || all) return;
    const top = -element.getBoundingClientRect().top;
    const bottom = top + innerHeight;
    let y = 0;
    let first = 0;
    while (first < items.length && y + heightOf(items[first] as Item) < top) {
      y += heightOf(items[first] as Item);
      first++;
    }
    let last = first;
    while (last < items.length && y < bottom) {
      y += heightOf(items[last] as Item);
      last++;
    }
    const next = [
      Math.max(0, first - drawnAround),
      Math.min(items.length, last + drawnAround),
    ] as const;
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
    if (all) return;
    let sum = 0;
    let count = 0;
    for (const element of list.current?.children ?? []) {
      const key = (element as HTMLElement).dataset.key;
      if (key === undefined) continue;
      const { height } = element.getBoundingClientRect();
      heights.current.set(key, height);
      sum += height;
      count++;
    }
    if (count > 0 && heights.current.size <= count) mean.current = sum / count;
    if (heights.current.size > items.length * 2 + 1_000) heights.current.clear();
  });

  const [first, last] = all
    ? [0, items.length]
    : [Math.min(range[0], Math.max(0, items.length - 1)), Math.min(range[1], items.length)];
  const sum = (from: number, to: number) => {
    let pixels = 0;
    for (let at = from; at < to; at++) pixels += heightOf(items[at] as Item);
    return Math.round(pixels);
  };
  const style = all
    ? {}
    : { paddingTop: `${sum(0, first)}px`, paddingBottom: `${sum(last, items.length)}px` };
  return html`<ul ref=${list} style=${style}>${items.slice(first, last).map((item, at) => row(item, first + at))}</ul>`;
}
