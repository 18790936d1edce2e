/** A window that opens by itself: once at a time ahead, or each week, with the limits of any other. */
import { useState } from 'preact/hooks';
import type { Schedule } from '../../api/output.ts';
import { nowMs, post } from '../app/api.ts';
import { html, type View } from '../app/html.ts';
import { announce, showToast } from '../app/store.ts';
import { dateTime } from '../app/words.ts';
import { Dialog } from '../parts/dialog.ts';
import { FaultNotice, Field, useCommand } from '../parts/parts.ts';
import { Segments } from '../parts/segments.ts';
import { durationOf, LimitFields, limitsOf, type TypedLimits, unlimited } from './limits.ts';

export const schedulesPath = '/api/client-registry/windows';

type Weekday = NonNullable<Schedule['weekly']>['weekday'];
const weekdays: readonly Weekday[] = [
  ...(['monday', 'tuesday', 'wednesday', 'thursday', 'friday'] as const),
  ...(['saturday', 'sunday'] as const),
];
/** As it is said: Sundays. */
export const weekdayWords = (weekday: Weekday): string =>
  `${weekday[0]?.toUpperCase()}${weekday.slice(1)}s`;

interface TypedSchedule extends TypedLimits {
  readonly kind: 'once' | 'weekly';
  readonly opensAt: string;
  readonly weekday: Weekday;
  readonly clock: string;
  readonly timeZone: string;
}

const kinds = [
  ['once', 'Once'],
  ['weekly', 'Each week'],
] as const;

const ownTimeZone = (): string => Intl.DateTimeFormat().resolvedOptions().timeZone;

const untyped = (): TypedSchedule => ({
  ...{ ...unlimited, time: 'other', minutes: '60', kind: 'once', opensAt: '' },
  ...{ weekday: 'sunday', clock: '02:00', timeZone: ownTimeZone() },
});

function sentOf(typed: TypedSchedule): object {
  const { kind, opensAt, weekday, clock, timeZone } = typed;
  const at = new Date(opensAt);
  const timing =
    kind === 'weekly'
      ? { weekly: { weekday, time: clock, timeZone: timeZone.trim() } }
      : { opensAt: Number.isNaN(at.getTime()) ? opensAt : at.toISOString() };
  return { ...timing, durationMs: durationOf(typed, 0), ...limitsOf(typed) };
}

function Timing({
  typed,
  set,
  faultOf,
}: {
  typed: TypedSchedule;
  set: (change: Partial<TypedSchedule>) => void;
  faultOf: (field: string) => string | undefined;
}): View {
  const input = (field: 'opensAt' | 'clock' | 'timeZone', type: string, more: object = {}) =>
    html`<input class="input" id="sched-${field}" type=${type} autocomplete="off" value=${typed[field]} aria-describedby="sched-${field}-h" onInput=${(event: InputEvent) => set({ [field]: (event.target as HTMLInputElement).value })} ...${more} />`;
  if (typed.kind === 'once')
    return html`<${Field} id="sched-opensAt" label="Opens at" hint=${`By the clock of this browser, ${ownTimeZone()}.`} fault=${faultOf('opensAt')}>${input('opensAt', 'datetime-local')}<//>`;
  return html`<div class="fields">
    <${Field} id="sched-weekday" label="On" fault=${faultOf('weekly/weekday')}><select class="input" id="sched-weekday" onChange=${(event: Event) => set({ weekday: (event.target as HTMLSelectElement).value as Weekday })}>${weekdays.map((day) => html`<option value=${day} selected=${typed.weekday === day}>${weekdayWords(day)}</option>`)}</select><//>
    <${Field} id="sched-clock" label="At" hint="By the clock on the wall there." fault=${faultOf('weekly/time')}>${input('clock', 'time')}<//>
    <${Field} id="sched-timeZone" label="Time zone" hint="Such as Europe/Berlin." fault=${faultOf('weekly/timeZone')}>${input('timeZone', 'text', { list: 'time-zones', spellcheck: false })}<//>
    <datalist id="time-zones">${Intl.supportedValuesOf('timeZone').map((zone) => html`<option value=${zone} />`)}</datalist>
  </div>`;
}

export function ScheduleDialog({ onClose }: { onClose: () => void }): View {
  const [typed, setTyped] = useState(untyped);
  const [changed, setChanged] = useState(false);
  const command = useCommand();
  const set = (change: Partial<TypedSchedule>) => {
    setTyped((before) => ({ ...before, ...change }));
    setChanged(true);
    command.clear();
  };
  const schedule = () => {
    if (command.busy) return;
    command.run(async () => {
      const { next } = await post<Schedule>(schedulesPath, sentOf(typed));
      announce('Scheduled');
      showToast({
        tone: 'good',
        text: `Scheduled. ${next === null ? '' : `It opens by itself at ${dateTime(next.from, nowMs())}.`}`,
      });
      onClose();
    });
  };
  const foot = html`<div class="buttons"><button type="button" class="button" data-kind="quiet" onClick=${onClose}>Cancel</button>
    <button type="button" class="button" data-kind="main" onClick=${schedule} disabled=${command.busy}>Schedule</button></div>`;
  return html`<${Dialog} narrow title="Open by itself" changed=${changed} onClose=${onClose} onConfirm=${schedule} foot=${foot}>
    <section aria-label="Schedule">
      <p class="soft">It opens only while you may unlock, and locks by itself. A window that is open at that time goes on as it is.</p>
      <${Segments} name="sched-kind" legend="How often" choices=${kinds} value=${typed.kind} set=${(kind: TypedSchedule['kind']) => set({ kind })} />
      <${Timing} typed=${typed} set=${set} faultOf=${command.faultOf} />
      <${LimitFields} typed=${typed} set=${set} faultOf=${command.faultOf} prefix="sched-" />
      <${FaultNotice} command=${command} />
    </section>
  <//>`;
}
