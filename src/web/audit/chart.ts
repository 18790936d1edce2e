/** Activity by the hour: above the line who asked and what became of it; drag over it to choose a time. */
import { useRef, useState } from 'preact/hooks';
import type { Event } from '../../api/output.ts';
import { get, type PageOf } from '../app/api.ts';
import { html, type View } from '../app/html.ts';
import { counted } from '../app/words.ts';

export interface ChartSpan {
  readonly since: number;
  readonly until: number;
}

interface Bar {
  granted: number;
  denied: number;
  asked: number;
}

const width = 480;
const base = 66;
const barsMax = 24;

const kindOf = (type: string): keyof Bar | null => {
  if (/^(Registration|Replacement)Granted$/.test(type)) return 'granted';
  if (/^(Registration|Replacement)Denied$/.test(type)) return 'denied';
  return /^(Registration|Replacement)Requested$/.test(type) ? 'asked' : null;
};

const activityTypes = (event: Event): boolean =>
  kindOf(event.type) !== null || event.type === 'RegistryUnlocked';

function barsOf(
  events: readonly Event[],
  { since, until }: ChartSpan,
): { bars: Bar[]; windows: [number, number][] } {
  const bars = Array.from({ length: barsMax }, (): Bar => ({ granted: 0, denied: 0, asked: 0 }));
  const windows: [number, number][] = [];
  const step = (until - since) / barsMax;
  // Who asked and is decided counts as what was decided.
  const decided = new Set(
    events.flatMap(({ type, data }) =>
      /(Granted|Denied|Expired)$/.test(type) ? [data.requestId] : [],
    ),
  );
  for (const { type, at, data } of events) {
    const time = Date.parse(at);
    const bar = bars[Math.min(barsMax - 1, Math.floor((time - since) / step))];
    const kind = kindOf(type);
    if (bar !== undefined && kind !== null && !(kind === 'asked' && decided.has(data.requestId)))
      bar[kind]++;
    if (type === 'RegistryUnlocked')
      windows.push([time, Math.min(until, Date.parse(String(data.until)))]);
  }
  return { bars, windows };
}

const hour = (time: number): string => {
  const date = new Date(time);
  return `${String(date.getHours()).padStart(2, '0')}:${String(date.getMinutes()).padStart(2, '0')}`;
};

const legend = (name: string, words: string): View =>
  html`<li><svg viewBox="0 0 12 12" aria-hidden="true"><rect class=${name} x="1" y="1" width="10" height="10" /></svg>${words}</li>`;

export function Chart({
  events,
  span,
  chosen = null,
  choose,
}: {
  events: readonly Event[];
  span: ChartSpan;
  chosen?: ChartSpan | null;
  /** Without it the chart is only looked at. */
  choose?: (span: ChartSpan | null) => void;
}): View {
  const svg = useRef<SVGSVGElement>(null);
  const [drag, setDrag] = useState<readonly [number, number] | null>(null);
  const { bars, windows } = barsOf(events, span);
  const most = Math.max(4, ...bars.map((bar) => bar.granted + bar.denied + bar.asked));
  const total = (kind: keyof Bar) => bars.reduce((sum, bar) => sum + bar[kind], 0);
  const xOf = (time: number) => ((time - span.since) / (span.until - span.since)) * width;
  const timeAt = (x: number) => span.since + (x / width) * (span.until - span.since);
  const pointerX = (event: PointerEvent) => {
    const box = svg.current?.getBoundingClientRect();
    return box === undefined
      ? 0
      : Math.max(0, Math.min(width, ((event.clientX - box.left) / box.width) * width));
  };
  const barWidth = width / barsMax;
  const brush =
    drag ?? (chosen === null ? null : ([xOf(chosen.since), xOf(chosen.until)] as const));
  const words = `By the hour: ${counted(total('asked'), 'request is', 'requests are')} undecided, ${total('granted')} granted, ${total('denied')} denied. Unlocked ${counted(windows.length, 'time', 'times')}.`;
  return html`<figure class="chart">
    <ul class="legend">${legend('chart-waiting', `${total('asked')} undecided`)}${legend('chart-granted', `${total('granted')} granted`)}${legend('chart-denied', `${total('denied')} denied`)}${legend('chart-window', 'unlocked')}</ul>
    <svg ref=${svg} viewBox="0 0 480 70" preserveAspectRatio="none" role="img" data-brush=${choose === undefined ? undefined : ''} aria-label=${words}
      onPointerDown=${(event: PointerEvent) => {
        if (choose === undefined) return;
        svg.current?.setPointerCapture(event.pointerId);
        const x = pointerX(event);
        setDrag([x, x]);
      }}
      onPointerMove=${(event: PointerEvent) => drag !== null && setDrag([drag[0], pointerX(event)])}
      onPointerUp=${() => {
        if (drag === null) return;
        const [from, to] = [Math.min(...drag), Math.max(...drag)];
        setDrag(null);
        choose?.(to - from < 4 ? null : { since: timeAt(from), until: timeAt(to) });
      }}>
      ${windows.map(([from, to]) => html`<rect class="chart-window" x=${xOf(from)} y="0" width=${Math.max(1.5, xOf(to) - xOf(from))} height="4" />`)}
      ${bars.map((bar, at) => {
        let y = base;
        return (['granted', 'denied', 'asked'] as const).map((kind) => {
          const height = (bar[kind] / most) * 58;
          y -= height;
          return (
            height > 0 &&
            html`<rect class=${kind === 'asked' ? 'chart-waiting' : `chart-${kind}`} x=${at * barWidth + barWidth * 0.2} y=${y} width=${barWidth * 0.6} height=${height} />`
          );
        });
      })}
      <path class="chart-line" d="M0 ${base}H480" />
      ${brush !== null && html`<rect class="chart-brush" x=${Math.min(...brush)} y="0" width=${Math.max(1, Math.abs(brush[1] - brush[0]))} height="70" />`}
    </svg>
    <p class="row" aria-hidden="true">${[0, 0.25, 0.5, 0.75, 1].map((part) => html`<span>${hour(span.since + part * (span.until - span.since))}</span>`)}</p>
  </figure>`;
}

const chartEventsMax = 5_000;

/** What a chart of this time shows. */
export async function activity(span: ChartSpan): Promise<Event[]> {
  const events: Event[] = [];
  let cursor: string | null = null;
  do {
    const query = new URLSearchParams({
      limit: '1000',
      since: new Date(span.since).toISOString(),
      until: new Date(span.until).toISOString(),
    });
    if (cursor !== null) query.set('cursor', cursor);
    const page: PageOf<Event> = await get<PageOf<Event>>(`/api/audit/events?${query}`);
    events.push(...page.items.filter(activityTypes));
    cursor = page.nextCursor;
  } while (cursor !== null && events.length < chartEventsMax);
  return events;
}
