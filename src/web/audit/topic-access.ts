/** Who could reach a topic at a moment: what people decided, and what the broker had acknowledged. */
import { useState } from 'preact/hooks';
import type { AccessThen } from '../../api/audit.ts';
import { get, nowMs, type PageOf } from '../app/api.ts';
import { html, type View } from '../app/html.ts';
import { counted, operationWords } from '../app/words.ts';
import { clientLink } from '../clients/clients.ts';
import { Field, Name, ReadFault, Stamp, useRead } from '../parts/parts.ts';

const shownMax = 100;

const Span = ({ from, to }: { from: string; to: string | null }): View =>
  html`<${Stamp} at=${from} />${to !== null && html` to <${Stamp} at=${to} />`}`;

/** @param at ISO instant; null: now */
export function TopicAccess({ at }: { at: string | null }): View {
  const [typed, setTyped] = useState('');
  const [topic, setTopic] = useState('');
  const { value, fault, again } = useRead(`${at} ${topic}`, async () => {
    if (topic === '') return null;
    const query = new URLSearchParams({
      at: at ?? new Date(nowMs()).toISOString(),
      topic,
      limit: String(shownMax),
    });
    return await get<PageOf<AccessThen>>(`/api/audit/access?${query}`);
  });
  const items = value?.items ?? [];
  const clients = new Set(items.map(({ username }) => username)).size;
  return html`<section class="card" aria-labelledby="access">
    <h2 id="access">Who can reach a topic</h2>
    <form class="join" aria-label="Topic" onSubmit=${(event: Event) => {
      event.preventDefault();
      setTopic(typed.trim());
    }}>
      <${Field} id="reach" label="Topic"><input class="input" id="reach" data-mono="" autocomplete="off" spellcheck=${false} value=${typed} onInput=${(event: InputEvent) => setTyped((event.target as HTMLInputElement).value)} /><//>
      <button class="button">Show</button>
    </form>
    <${ReadFault} fault=${fault} again=${again} />
    ${
      value !== null &&
      html`<p class="small soft" role="status">${counted(clients, 'client', 'clients')} ${at === null ? 'now' : html`at <${Stamp} at=${at} />`}. Decided is what people granted, in effect what the broker had acknowledged.</p>
      ${
        items.length > 0 &&
        html`<table><thead><tr><th scope="col">Client</th><th scope="col">May</th><th scope="col" class="wide-only">Decided</th><th scope="col">In effect</th></tr></thead>
          <tbody>${items.map(
            (one) => html`<tr>
              <td><a class="wrap" href=${clientLink(one.username)}><${Name}>${one.username}<//></a><br /><span class="soft small">${one.via === 'own' ? 'its own' : `role ${one.via}`}</span></td>
              <td>${operationWords(one.operation, 'mqtt')}<br /><code class="soft"><bdi>${one.resource}</bdi></code></td>
              <td class="wide-only"><${Span} ...${one.intended} /></td>
              <td>${one.effective === null ? html`<span class="soft">nowhere yet</span>` : html`${one.broker} <${Span} ...${one.effective} />`}</td>
            </tr>`,
          )}</tbody></table>`
      }
      ${value.nextCursor !== null && html`<p class="small soft">These are the first ${shownMax}.</p>`}`
    }
  </section>`;
}
