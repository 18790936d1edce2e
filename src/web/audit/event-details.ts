/** One event, opened: what the log has of it. */
import type { Event } from '../../api/output.ts';
import { reportPath } from '../app/api.ts';
import { html, type View } from '../app/html.ts';
import { Name, Said } from '../parts/parts.ts';
import { Proof } from './log-check.ts';
import { dataPairs } from './stories.ts';

export function EventDetails({ event }: { event: Event }): View {
  const report = reportPath(event.windowId);
  return html`<dl class="pairs well">
  <dt>Event</dt><dd>${event.type}</dd>
  <dt>By</dt><dd><${Name}>${event.actor.name}<//>, ${event.actor.kind}</dd>
  <dt>In the log</dt><dd>no. ${event.index.toLocaleString('en')}<${Proof} event=${event} /></dd>
  <dt>Stream</dt><dd><bdi>${event.stream}</bdi>, revision ${event.revision}</dd>
  ${dataPairs(event).map(
    ([name, value]) =>
      html`<dt>${name}</dt><dd>${name === 'credentialId' ? html`<code>${value.slice(0, 8)}</code>` : html`<${Said} text=${value} />`}</dd>`,
  )}
  ${report !== null && html`<dt>Window</dt><dd><a href=${report} target="_blank" rel="noopener">Its report<span class="sr"> (in a new tab)</span></a></dd>`}
</dl>`;
}
