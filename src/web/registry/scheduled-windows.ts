/** When the registry opens by itself: the next time counted down, the schedules, one more, and cancelling one. */
import { useEffect, useState } from 'preact/hooks';
import type { Schedule, Window } from '../../api/output.ts';
import { call, get, may, type PageOf } from '../app/api.ts';
import { html, type View } from '../app/html.ts';
import { onLive } from '../app/live.ts';
import { announce, useNow } from '../app/store.ts';
import { countdown, counted, durationWords } from '../app/words.ts';
import { FaultNotice, Name, Time, useCommand, useRead } from '../parts/parts.ts';
import { schedulesPath as path, ScheduleDialog, weekdayWords } from './schedule-dialog.ts';

/** Who made one may lose the right to it, which is no event of the schedule. */
const everyMs = 30_000;
const dayMs = 86_400_000;

const obstacleWords: Readonly<Record<NonNullable<Schedule['obstacle']>, string>> = {
  'user-not-active': 'is active no more',
  'permission-missing': 'may unlock no more',
};

const inWords = (leftMs: number): View =>
  leftMs > dayMs
    ? html`in ${counted(Math.round(leftMs / dayMs), 'day', 'days')}`
    : html`in <span role="timer">${countdown(leftMs)}</span>`;

const limitWords = ({ usernamePattern, sources, durationMs }: Schedule): string =>
  [`for ${durationWords(durationMs)}`, usernamePattern ?? 'any name', ...sources].join(', ');

function Line({ schedule, onCancel }: { schedule: Schedule; onCancel: () => void }): View {
  const now = useNow();
  const { scheduleId, weekly, next, obstacle, createdBy } = schedule;
  const leftMs = Date.parse(next?.from ?? '') - now;
  return html`<li>
    <p class="row"><strong>${weekly === null ? 'Once' : `${weekdayWords(weekly.weekday)} ${weekly.time} ${weekly.timeZone}`}</strong>
      <button class="button" disabled=${!may('write', `${path}/${scheduleId}`)} onClick=${onCancel}>Cancel<span class="sr"> this scheduled window</span></button></p>
    <p class="soft">${
      obstacle !== null
        ? html`Will not open: <${Name}>${createdBy}<//> ${obstacleWords[obstacle]}.`
        : next !== null &&
          html`<${Time} at=${next.from} />, ${leftMs > 0 ? inWords(leftMs) : 'as soon as the window ends'}, <bdi>${limitWords(schedule)}</bdi>, by <${Name}>${createdBy}<//>`
    }</p>
  </li>`;
}

export function ScheduledWindows({ window }: { window: Window | null }): View | null {
  const [beat, setBeat] = useState(0);
  const [isMaking, setMaking] = useState(false);
  const command = useCommand();
  const again = () => setBeat((count) => count + 1);
  useEffect(() => {
    const timer = setInterval(again, everyMs);
    const stop = onLive((name) => {
      if (name === 'schedule.changed' || name === 'reset') again();
    });
    return () => {
      clearInterval(timer);
      stop();
    };
  }, []);
  const { value } = useRead(`windows ${beat} ${window?.status}`, () =>
    get<PageOf<Schedule>>(`${path}?standing=true&limit=100`),
  );
  const mayMake = may('write', path) && may('write', '/api/client-registry/unlock');
  if (value === null || (value.items.length === 0 && !mayMake)) return null;
  const items = value.items.toSorted((a, b) =>
    (a.next?.from ?? '') < (b.next?.from ?? '') ? -1 : 1,
  );
  const cancel = (id: string) =>
    command.run(async () => {
      await call('DELETE', `${path}/${id}`);
      announce('Cancelled');
      again();
    });
  return html`<section class="aside" aria-labelledby="scheduled">
    <div class="row"><h2 id="scheduled">Opens by itself</h2>${mayMake && html`<button class="button" onClick=${() => setMaking(true)}>Schedule…</button>`}</div>
    ${
      items.length === 0
        ? html`<p class="small soft">Never. Schedule a window for a time ahead, or for each week.</p>`
        : html`<ul class="lines small">${items.map(
            (schedule) =>
              html`<${Line} key=${schedule.scheduleId} schedule=${schedule} onCancel=${() => cancel(schedule.scheduleId)} />`,
          )}</ul>`
    }
    ${command.fault !== null && html`<${FaultNotice} command=${command} />`}
    ${
      isMaking &&
      html`<${ScheduleDialog} onClose=${() => {
        setMaking(false);
        again();
      }} />`
    }
  </section>`;
}
