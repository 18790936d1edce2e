/** For how long, and who may ask: what is typed to unlock the registry now, or at a time ahead. */
import type { Window } from '../../api/output.ts';
import { html, type View } from '../app/html.ts';
import { Field } from '../parts/parts.ts';

const choices = [60_000, 300_000, 900_000] as const;
const dayMs = 86_400_000;
/** What the clock of this page may be off from the server's. */
const clockOffMsMax = 1_500;

export interface TypedLimits {
  /** Milliseconds that are offered; those that are typed; what the window has left. */
  readonly time: number | 'other' | 'left';
  readonly minutes: string;
  readonly names: string;
  readonly networks: string;
  readonly most: string;
  readonly note: string;
}

export const unlimited: TypedLimits = {
  time: 300_000,
  minutes: '30',
  names: '',
  networks: '',
  most: '100',
  note: '',
};

export const typedOf = (window: Window): TypedLimits => ({
  ...unlimited,
  time: 'left',
  names: window.usernamePattern ?? '',
  networks: window.sources.join(' '),
  most: String(window.maxRequests ?? 100),
  note: window.note ?? '',
});

/** What is left is never less than that, whatever the clocks say. */
export function durationOf({ time, minutes }: TypedLimits, leftMs: number): number {
  if (time === 'left') return Math.min(dayMs, Math.max(1, Math.ceil(leftMs + clockOffMsMax)));
  return time === 'other' ? Math.round(Number(minutes.replace(',', '.')) * 60_000) : time;
}

/** The limits as the API takes them, without the time. */
export function limitsOf(typed: TypedLimits): Record<string, unknown> {
  const sources = typed.networks.split(/[\s,]+/).filter(Boolean);
  return {
    maxRequests: Number(typed.most),
    ...(typed.names.trim() === '' ? {} : { usernamePattern: typed.names.trim() }),
    ...(sources.length === 0 ? {} : { sources }),
    ...(typed.note.trim() === '' ? {} : { note: typed.note.trim() }),
  };
}

type SetLimits = (change: Partial<TypedLimits>) => void;

export function TimeChoice({
  typed: { time },
  set,
  hasEnd = false,
}: {
  typed: TypedLimits;
  set: SetLimits;
  /** A window is open, and its end may stay. */
  hasEnd?: boolean;
}): View {
  const choice = (its: TypedLimits['time'], words: unknown) =>
    html`<label key=${its}><input type="radio" name="for" checked=${time === its} onChange=${() => set({ time: its })} />${words}</label>`;
  return html`<fieldset>
    <legend class="sr">Unlock for</legend>
    <div class="segments">
      ${hasEnd && choice('left', 'As it is')}
      ${choices.map((ms) => choice(ms, `${ms / 60_000} min`))}
      ${choice('other', 'Other')}
    </div>
  </fieldset>`;
}

export function LimitFields({
  typed,
  set,
  faultOf,
  prefix = '',
}: {
  typed: TypedLimits;
  set: SetLimits;
  faultOf: (field: string) => string | undefined;
  /** Of the ids, where the lock's own fields stand on the page, too. */
  prefix?: string;
}): View {
  const input = (name: Exclude<keyof TypedLimits, 'time'>, id: string, more: object) => html`<input
    class="input" id="${prefix}${id}" value=${typed[name]} aria-describedby="${prefix}${id}-h" autocomplete="off"
    onInput=${(event: InputEvent) => set({ [name]: (event.target as HTMLInputElement).value })} ...${more} />`;
  return html`<div class="fields">
    ${
      typed.time === 'other' &&
      html`<${Field} id="${prefix}minutes" label="Minutes" hint="At most 1,440, which is a day." fault=${faultOf('durationMs')}>
        ${input('minutes', 'minutes', { inputmode: 'decimal' })}
      <//>`
    }
    <${Field} id="${prefix}names" label="Names" hint="Empty: any name. * and ? stand for the rest." fault=${faultOf('usernamePattern')}>
      ${input('names', 'names', { 'data-mono': '', placeholder: 'press-*', spellcheck: false })}
    <//>
    <${Field} id="${prefix}nets" label="Networks" hint="Empty: any address. Several with a space between." fault=${faultOf('sources')}>
      ${input('networks', 'nets', { 'data-mono': '', placeholder: '10.4.0.0/16', spellcheck: false })}
    <//>
    <${Field} id="${prefix}max" label="Requests at most" hint="Others are turned away." fault=${faultOf('maxRequests')}>
      ${input('most', 'max', { inputmode: 'numeric' })}
    <//>
    <${Field} id="${prefix}note" label="Note for the log" hint="Why it is open." fault=${faultOf('note')}>
      ${input('note', 'note', { maxlength: 1000, placeholder: 'line 4, new presses' })}
    <//>
  </div>`;
}
