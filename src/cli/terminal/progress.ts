/** How far long work is: a bar, how fast, and how long it will still take, on a terminal only. */
import type { Call } from '../command.ts';
import { countText, durationText } from '../text/format.ts';

const progressEveryMs = 100;
const barMax = 24;
const barMin = 4;
/** Of a terminal that does not say how wide it is. */
const columnsDefault = 80;

interface HowFar {
  readonly done: number;
  /** Null: nobody can know. */
  readonly total: number | null;
}

const numberText = (count: number): string => count.toLocaleString('en');

/** `3 s left`; nothing before there is a rate, and at the end. */
function restText({ done, total }: HowFar, elapsedMs: number): string {
  if (total === null || done === 0 || done >= total || elapsedMs <= 0) return '';
  return `  ${durationText(Math.max(1_000, ((total - done) * elapsedMs) / done))} left`;
}

/**
 * `████████░░░░  33 %  333 of 1,000 events  214,000/s  1 s left`; without a total `333 events  214,000/s`.
 * @param room columns that there are: the bar becomes shorter, the numbers stay
 */
export function progressText(
  of: HowFar,
  elapsedMs: number,
  room = Number.POSITIVE_INFINITY,
): string {
  const { done, total } = of;
  const perSecond = elapsedMs > 0 ? (done * 1_000) / elapsedMs : 0;
  const rate = `${numberText(Math.round(perSecond))}/s${restText(of, elapsedMs)}`;
  if (total === null) return `${countText(done, 'event')}  ${rate}`;
  const share = total === 0 ? 1 : Math.min(1, done / total);
  const words = [
    `${Math.floor(share * 100)} %`,
    `${numberText(done)} of ${countText(total, 'event')}`,
    rate,
  ].join('  ');
  const length = Math.max(barMin, Math.min(barMax, room - words.length - 2));
  const filled = Math.floor(share * length);
  return `${'█'.repeat(filled)}${'░'.repeat(length - filled)}  ${words}`;
}

/** Says now and then how many events are done; `total`: how many there are, where that is known. */
export function progressOf(
  { terminal }: Call,
  verb: string,
  total: number | null = null,
): (done: number) => void {
  const startedMs = performance.now();
  const room = (terminal.columns ?? columnsDefault) - verb.length - 2;
  let shownMs = startedMs;
  return (done) => {
    const nowMs = performance.now();
    if (nowMs - shownMs < progressEveryMs && done !== total) return;
    shownMs = nowMs;
    terminal.progress(`${verb}  ${progressText({ done, total }, nowMs - startedMs, room)}`);
  };
}

/** Says how long something takes of which nobody can know how far it is. */
export async function whileWaiting<Value>(
  { terminal }: Call,
  words: string,
  work: () => Promise<Value>,
): Promise<Value> {
  const startedMs = performance.now();
  const timer = setInterval(() => {
    terminal.progress(`${words}  ${durationText(performance.now() - startedMs)}`);
  }, 1_000);
  try {
    return await work();
  } finally {
    clearInterval(timer);
    terminal.progress('');
  }
}
