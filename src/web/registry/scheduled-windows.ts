/** When the registry opens by itself: the next time counted down, the schedules, and cancelling one. */
import { useEffect, useState } from 'preact/hooks';
import type { Schedule, Window } from '../../api/output.ts';
import { call, get, may, type PageOf } from '../app/api.ts';
import { html, type View } from '../app/html.ts';
import { announce, useNow } from '../app/store.ts';
import { countdown } from '../app/words.ts';
import { FaultNotice, Name, Time, useCommand, useRead } from '../parts/parts.ts';

const path = '/api/client-registry/windows';
const everyMs = 30_000;

const obstacleWords: Readonly<Record<NonNullable<Schedule['obstacle']>, string>> = {
  'user-not-active': 'is active no more',
  'permission-missing': 'may unlock no more',
};

function Line({ schedule, onCancel }: { schedule: Schedule; onCancel: () => void }): View {
  const now = useNow();
  const { scheduleId, weekly, next, obstacle, createdBy } = schedule;
  const leftMs = Date.parse(next?.from ?? '') - now;
  return html`<li>
    <p class="row"><strong>${weekly === null ? 'Once' : `${weekly.weekday} ${weekly.time} ${weekly.timeZone}`}</strong>
      <button class="button" disabled=${!may('write', `${path}/${scheduleId}`)} onClick=${onCancel}>Cancel<span class="sr"> this scheduled window</span></button></p>
    <p class="soft">${
      obstacle !== null
        ? html`Will not open: <${Name}>${createdBy}<//> ${obstacleWords[obstacle]}.`
        : next !== null &&
          html`<${Time} at=${next.from} />, ${leftMs > 0 ? html`in <span role="timer">${countdown(leftMs)}</span>` : 'as soon as the window ends'}, until <${Time} at=${next.until} clock />`
    }</p>
  </li>`;
}

export function ScheduledWindows({ window }: { window: Window | null }): View | null {
  const [beat, setBeat] = useState(0);
  const command = useCommand();
  useEffect(() => {
    const timer = setInterval(() => setBeat((count) => count + 1), everyMs);
    return () => clearInterval(timer);
  }, []);
  const { value } = useRead(`windows ${beat} ${window?.status}`, () =>
    get<PageOf<Schedule>>(`${path}?standing=true&limit=100`),
  );
  if (value === null || value.items.length === 0) return null;
  const items = value.items.toSorted((a, b) =>
    (a.next?.from ?? '') < (b.next?.from ?? '') ? -1 : 1,
  );
  const cancel = (id: string) =>
    command.run(async () => {
      await call('DELETE', `${path}/${id}`);
      announce('Cancelled');
      setBeat((count) => count + 1);
    });
  return html`<section class="aside" aria-labelledby="scheduled">
    <h2 id="scheduled">Opens by itself</h2>
    <ul class="lines small">${items.map(
      (schedule) =>
        html`<${Line} key=${schedule.scheduleId} schedule=${schedule} onCancel=${() => cancel(schedule.scheduleId)} />`,
    )}</ul>
    ${command.fault !== null && html`<${FaultNotice} command=${command} />`}
  </section>`;
}
