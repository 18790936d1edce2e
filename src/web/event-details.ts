/** One event, opened: what the log has of it. */
import type { Event } from '../http/shapes.ts';
import { html, type View } from './html.ts';
import { Proof } from './log-check.ts';
import { Name, Said } from './parts.ts';
import { dataPairs } from './stories.ts';

export const EventDetails = ({ event }: { event: Event }): View => html`<dl class="pairs well">
  <dt>Event</dt><dd>${event.type}</dd>
  <dt>By</dt><dd><${Name}>${event.actor.name}<//>, ${event.actor.kind}</dd>
  <dt>In the log</dt><dd>no. ${event.index.toLocaleString('en')}<${Proof} event=${event} /></dd>
  <dt>Stream</dt><dd><bdi>${event.stream}</bdi>, revision ${event.revision}</dd>
  ${dataPairs(event).map(
    ([name, value]) =>
      html`<dt>${name}</dt><dd>${name === 'credentialId' ? html`<code>${value.slice(0, 8)}</code>` : html`<${Said} text=${value} />`}</dd>`,
  )}
</dl>`;
