/** Time travel: the registry as it was at a moment, said in a band, since it is not now. */
import type { Window } from '../../api/output.ts';
import { get } from '../app/api.ts';
import { html, type View } from '../app/html.ts';
import { counted } from '../app/words.ts';
import { ReadFault, useRead } from '../parts/parts.ts';

interface Then {
  readonly window: Window;
  readonly counts: Readonly<Record<string, number>>;
}

/** What was typed as an ISO instant; null: nothing, so now. */
export const instantOf = (local: string): string | null => {
  const time = Date.parse(local);
  return local === '' || Number.isNaN(time) ? null : new Date(time).toISOString();
};

export function AsOf({ local, set }: { local: string; set: (local: string) => void }): View {
  const at = instantOf(local);
  const { value, fault, again } = useRead(`as of ${at}`, async () =>
    at === null ? null : await get<Then>(`/api/audit/state?at=${encodeURIComponent(at)}`),
  );
  const counts = value?.counts ?? {};
  return html`<form class=${at === null ? 'card row past' : 'card row past asof'} aria-label="Time travel" onSubmit=${(event: Event) => event.preventDefault()}>
    <div class="field"><label for="asof">As of</label><input class="input" id="asof" type="datetime-local" step="1" value=${local} onInput=${(event: InputEvent) => set((event.target as HTMLInputElement).value)} /></div>
    ${
      at === null
        ? html`<p class="soft">Empty: now. Choose a moment to see what was, and who could reach a topic then.</p>`
        : html`<p role="status"><strong>You see the past.</strong> ${value !== null && `${value.window.status === 'unlocked' ? 'Unlocked' : 'Locked'}, ${counts.pending ?? 0} waiting, ${counted(counts.active ?? 0, 'client', 'clients')} with access, ${counted(counts.events ?? 0, 'event', 'events')} so far.`}</p>
          <div class="buttons"><button type="button" class="button" data-kind="main" onClick=${() => set('')}>Back to now</button></div>`
    }
    <${ReadFault} fault=${fault} again=${again} />
  </form>`;
}
