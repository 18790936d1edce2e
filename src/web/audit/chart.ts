/** Activity by the hour: who asked, and before it what was decided; drag over it to choose a time. */
import { useRef, useState } from 'preact/hooks';
import type { Activity } from '../../api/audit.ts';
import { html, type View } from '../app/html.ts';
import { durationWords } from '../app/words.ts';

export interface ChartSpan {
  readonly since: number;
  readonly until: number;
}

type ActivityPart = Activity['items'][number];
type Kind = 'requested' | 'granted' | 'denied' | 'revoked';

const width = 480;
const height = 58;
const base = 66;
/** Bars are by the hour, whatever the parts are. */
const barsMax = 24;

/** The parts of a day, a bar for several of them. */
function barsOf(items: readonly ActivityPart[]): Record<Kind, number>[] {
  const perBar = Math.max(1, Math.ceil(items.length / barsMax));
  return Array.from({ length: Math.ceil(items.length / perBar) }, (_, at) => {
    const its = items.slice(at * perBar, (at + 1) * perBar);
    const sum = (kind: Kind) => its.reduce((all, item) => all + item[kind], 0);
    return {
      requested: sum('requested'),
      granted: sum('granted'),
      denied: sum('denied'),
      revoked: sum('revoked'),
    };
  });
}

/** Beside one another; in each what was asked lies behind what was decided, one decision upon the other. */
function rectanglesOf(bars: readonly Record<Kind, number>[]) {
  const most = Math.max(
    4,
    ...bars.map(({ requested, granted, denied, revoked }) =>
      Math.max(requested, granted + denied + revoked),
    ),
  );
  const barWidth = width / Math.max(1, bars.length);
  return bars.map((bar, at) => {
    const rectangle = (name: string, count: number, top: number) =>
      count > 0 &&
      html`<rect class=${name} x=${at * barWidth + barWidth * 0.2} y=${top} width=${barWidth * 0.6} height=${(count / most) * height} />`;
    let y = base;
    return [
      rectangle('chart-waiting', bar.requested, base - (bar.requested / most) * height),
      ...(['granted', 'denied', 'revoked'] as const).map((kind) => {
        y -= (bar[kind] / most) * height;
        return rectangle(`chart-${kind}`, bar[kind], y);
      }),
    ];
  });
}

const hour = (time: number): string => {
  const date = new Date(time);
  return `${String(date.getHours()).padStart(2, '0')}:${String(date.getMinutes()).padStart(2, '0')}`;
};

const legend = (name: string, words: string): View =>
  html`<li><svg viewBox="0 0 12 12" aria-hidden="true"><rect class=${name} x="1" y="1" width="10" height="10" /></svg>${words}</li>`;

export function Chart({
  activity,
  chosen = null,
  choose,
}: {
  /** Null: not there yet. */
  activity: Activity | null;
  chosen?: ChartSpan | null;
  /** Without it the chart is only looked at. */
  choose?: (span: ChartSpan | null) => void;
}): View {
  const svg = useRef<SVGSVGElement>(null);
  const [drag, setDrag] = useState<readonly [number, number] | null>(null);
  if (activity === null) return html`<figure class="chart" aria-busy="true"></figure>`;
  const { items } = activity;
  const span = { since: Date.parse(activity.since), until: Date.parse(activity.until) };
  const total = (kind: Kind | 'unlockedMs') => items.reduce((sum, item) => sum + item[kind], 0);
  const number = (kind: Kind) => total(kind).toLocaleString('en');
  const xOf = (time: number) => ((time - span.since) / (span.until - span.since)) * width;
  const timeAt = (x: number) => span.since + (x / width) * (span.until - span.since);
  const pointerX = (event: PointerEvent) => {
    const box = svg.current?.getBoundingClientRect();
    return box === undefined
      ? 0
      : Math.max(0, Math.min(width, ((event.clientX - box.left) / box.width) * width));
  };
  const partMs = (span.until - span.since) / Math.max(1, items.length);
  const brush =
    drag ?? (chosen === null ? null : ([xOf(chosen.since), xOf(chosen.until)] as const));
  const unlockedMs = total('unlockedMs');
  const unlocked =
    unlockedMs === 0 ? 'never unlocked' : `unlocked for ${durationWords(unlockedMs)}`;
  const words = `The last 24 hours: ${number('requested')} asked, ${number('granted')} granted, ${number('denied')} denied, ${number('revoked')} revoked, ${unlocked}.`;
  return html`<figure class="chart">
    <ul class="legend">${legend('chart-waiting', `${number('requested')} asked`)}${legend('chart-granted', `${number('granted')} granted`)}${legend('chart-denied', `${number('denied')} denied`)}${total('revoked') > 0 && legend('chart-revoked', `${number('revoked')} revoked`)}${legend('chart-window', unlocked)}</ul>
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
      ${items.map(
        (item) =>
          item.unlockedMs > 0 &&
          html`<rect class="chart-window" x=${xOf(Date.parse(item.from))} y="0" width=${Math.max(1.5, (Math.min(1, item.unlockedMs / partMs) * width) / items.length)} height="4" />`,
      )}
      ${rectanglesOf(barsOf(items))}
      <path class="chart-line" d="M0 ${base}H480" />
      ${brush !== null && html`<rect class="chart-brush" x=${Math.min(...brush)} y="0" width=${Math.max(1, Math.abs(brush[1] - brush[0]))} height="70" />`}
    </svg>
    <p class="row" aria-hidden="true">${[0, 0.25, 0.5, 0.75, 1].map((part) => html`<span>${hour(span.since + part * (span.until - span.since))}</span>`)}</p>
  </figure>`;
}
