/** How far long work is, now and then, on a terminal only. */
import type { Call } from '../command.ts';
import { countText } from '../text/format.ts';

const progressEveryMs = 200;

/** Says how many events are done, and how fast. */
export function progressOf({ terminal }: Call, verb: string): (done: number) => void {
  const startedMs = performance.now();
  let shownMs = startedMs;
  return (done) => {
    const nowMs = performance.now();
    if (nowMs - shownMs < progressEveryMs) return;
    shownMs = nowMs;
    const perSecond = Math.round((done * 1_000) / (nowMs - startedMs));
    terminal.progress(`${verb}  ${countText(done, 'event')}  ${perSecond.toLocaleString('en')}/s`);
  };
}
