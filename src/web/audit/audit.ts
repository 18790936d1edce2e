/** The history, found by client, kind, person and time; and questions to it, each behind its tab. */
import { useRef, useState } from 'preact/hooks';
import type { Event } from '../../api/output.ts';
import { may, nowMs } from '../app/api.ts';
import { html, Icon, type View } from '../app/html.ts';
import { counted, dateTime } from '../app/words.ts';
import { clientLink } from '../clients/clients.ts';
import { Name, ReadFault, Said, Stamp } from '../parts/parts.ts';
import { Tabs } from '../parts/tabs.ts';
import { useActivity } from './activity.ts';
import { AsOf, instantOf } from './as-of.ts';
import { Chart, type ChartSpan } from './chart.ts';
import { EventDetails } from './event-details.ts';
import { useHistory } from './history.ts';
import { LogCheck } from './log-check.ts';
import { givenWords, storyOf } from './stories.ts';
import { TopicAccess } from './topic-access.ts';
import { WhatIf } from './what-if.ts';

/** Pixels that the list may be scrolled and still take new events at its top. */
const scrolledMax = 40;

/** One type each, since the history is asked for one. */
const kinds: readonly (readonly [type: string, words: string])[] = [
  ['', 'Everything'],
  ['RegistrationRequested', 'Requests'],
  ['RegistrationContested', 'Contested names'],
  ['RegistrationGranted', 'Grants'],
  ['RegistrationDenied', 'Denials'],
  ['ReplacementGranted', 'Replacements'],
  ['CredentialActivated', 'Activations'],
  ['AuthorizationChanged', 'Changes of rights'],
  ['AdministratorReset', 'Administrators reset'],
  ['AccessSuspended', 'Suspensions'],
  ['AccessRevoked', 'Revocations'],
  ['RegistryUnlocked', 'The lock opened'],
  ['RegistryLocked', 'The lock closed'],
  ['TokenIssued', 'Tokens and sign-ins'],
  ['RoleDefined', 'Roles'],
];

interface Filter {
  readonly username: string;
  readonly q: string;
  readonly type: string;
  readonly actor: string;
  readonly since: string;
  readonly until: string;
}

const local = (time: number): string => {
  const date = new Date(time - new Date(time).getTimezoneOffset() * 60_000);
  return date.toISOString().slice(0, 19);
};

function queryOf(filter: Filter): URLSearchParams {
  const query = new URLSearchParams();
  for (const field of ['username', 'type', 'actor', 'q'] as const)
    if (filter[field].trim() !== '') query.set(field, filter[field].trim());
  for (const field of ['since', 'until'] as const) {
    const at = instantOf(filter[field]);
    if (at !== null) query.set(field, at);
  }
  return query;
}

function Line({ event }: { event: Event }): View {
  const [open, setOpen] = useState(false);
  const { words, more } = storyOf(event);
  const given = givenWords(event);
  return html`<tr>
      <td class="soft wide-only">${event.index.toLocaleString('en')}</td>
      <td><${Stamp} at=${event.at} /></td>
      <td class="grow">${event.username !== null && html`<a class="wrap" href=${clientLink(event.username)}><strong><${Name}>${event.username}<//></strong></a> `}<bdi>${words}</bdi>${given !== '' && html`: “<${Said} text=${given} />”`}<br />
        <span class="soft small">${event.type}${more !== '' && html`, <bdi>${more}</bdi>`}<span class="narrow-only"> by ${event.actor.name}</span></span></td>
      <td class="wide-only"><${Name}>${event.actor.name}<//></td>
      <td class="end"><button class="link" aria-expanded=${open} onClick=${() => setOpen(!open)}>${open ? 'Close' : 'Open'}<span class="sr"> event ${event.index}</span></button></td>
    </tr>
    ${open && html`<tr class="opened"><td colspan="5"><${EventDetails} event=${event} /></td></tr>`}`;
}

type SetFilter = (change: Partial<Filter>) => void;

function FilterForm({ filter, set }: { filter: Filter; set: SetFilter }): View {
  const input = (
    field: keyof Filter,
    label: string,
    type: string,
  ) => html`<div class="field"><label for="f-${field}">${label}</label>
    <input class="input" id="f-${field}" type=${type} step="1" autocomplete="off" value=${filter[field]} onInput=${(event: InputEvent) => set({ [field]: (event.target as HTMLInputElement).value })} /></div>`;
  return html`<form class="fields thirds" role="search" aria-label="Filter the history" onSubmit=${(event: globalThis.Event) => event.preventDefault()}>
  ${input('username', 'Client, whole name', 'search')}
  ${input('q', 'Part of a name or kind', 'search')}
  <div class="field"><label for="f-type">What</label><select class="input" id="f-type" onChange=${(event: globalThis.Event) => set({ type: (event.target as HTMLSelectElement).value })}>${kinds.map(([type, words]) => html`<option value=${type} selected=${type === filter.type}>${words}</option>`)}</select></div>
  ${input('actor', 'By', 'search')}
  ${input('since', 'From', 'datetime-local')}
  ${input('until', 'To', 'datetime-local')}
</form>`;
}

/** How much happened in the last day; drawing over it chooses a time. */
function Activity({
  chosen,
  choose,
}: {
  chosen: ChartSpan | null;
  choose: (span: ChartSpan | null) => void;
}): View {
  const activity = useActivity();
  return html`<section class="card" aria-labelledby="act">
  <div class="row"><h2 id="act">The last 24 hours</h2>
    <p class="small">${chosen === null ? html`<span class="soft">Drag over it to choose a time, or type it below.</span>` : html`Chosen: ${dateTime(new Date(chosen.since).toISOString(), nowMs())} to ${dateTime(new Date(chosen.until).toISOString(), nowMs())}. <button class="link" onClick=${() => choose(null)}>Clear<span class="sr"> the chosen time</span></button>`}</p></div>
  <${Chart} activity=${activity} chosen=${chosen} choose=${choose} />
</section>`;
}

interface FilteredHistory {
  readonly filter: Filter;
  readonly set: SetFilter;
}

function History({ filter, set }: FilteredHistory): View {
  const list = useRef<HTMLElement>(null);
  /** Somebody reads or opens rows: nothing may move under them. */
  const isHeld = () =>
    list.current?.querySelector('table')?.contains(document.activeElement) === true ||
    (list.current?.getBoundingClientRect().top ?? 0) < -scrolledMax;
  const { items, freshCount, more, loading, fault, next, again, showFresh } = useHistory(
    String(queryOf(filter)),
    filter.until === '',
    isHeld,
  );
  return html`<section class="card" aria-labelledby="hist" ref=${list}>
    <div class="row"><h2 id="hist">History</h2><p class="small soft" role="status">${loading ? 'Reading…' : `${items.length}${more ? ' newest' : ''} shown`}</p></div>
    <${FilterForm} filter=${filter} set=${set} />
    <${ReadFault} fault=${fault} again=${again} />
    ${freshCount > 0 && html`<div class="row arrivals"><button class="button" onClick=${showFresh}><${Icon} name="down" />${counted(freshCount, 'new event', 'new events')}</button></div>`}
    ${
      !loading && items.length === 0
        ? html`<p>Nothing fits. Take a longer time, or fewer words.</p>`
        : html`<table>
            <thead><tr><th scope="col" class="wide-only">No.</th><th scope="col">Time</th><th scope="col">What happened</th><th scope="col" class="wide-only">By</th><th scope="col"><span class="sr">Open</span></th></tr></thead>
            <tbody>${items.map((event) => html`<${Line} key=${event.eventId} event=${event} />`)}</tbody>
          </table>`
    }
    ${more && html`<p><button class="button" onClick=${next} disabled=${loading}>Show more</button></p>`}
  </section>`;
}

/** Keeps the tab in the address, so that a reload and a link come back to it. */
function useTab(query: URLSearchParams): [string, (name: string) => void] {
  const [tab, setTab] = useState(query.get('tab') ?? 'history');
  return [
    tab,
    (name) => {
      setTab(name);
      const now = new URLSearchParams(query);
      if (name === 'history') now.delete('tab');
      else now.set('tab', name);
      history.replaceState(null, '', `#/audit${now.size === 0 ? '' : `?${now}`}`);
    },
  ];
}

function historyPanel({ filter, set }: FilteredHistory, chosen: ChartSpan | null, choose: Choose) {
  return html`
    ${may('read', '/api/audit/activity') && html`<${Activity} chosen=${chosen} choose=${choose} />`}
    <${History} filter=${filter} set=${set} />`;
}

type Choose = (span: ChartSpan | null) => void;

export function Audit({ query }: { query: URLSearchParams }): View {
  const [filter, setFilter] = useState<Filter>({
    ...{ username: query.get('username') ?? '', q: '', type: '', actor: '', since: '', until: '' },
  });
  const [asOf, setAsOf] = useState('');
  const [chosen, setChosen] = useState<ChartSpan | null>(null);
  const [tab, setTab] = useTab(query);
  if (!may('read', '/api/audit/events'))
    return html`<div class="page-head"><h1 tabindex="-1">Audit</h1></div><p class="card">You may not read the history. That needs read on /api/audit/events; an administrator can give it.</p>`;
  const set: SetFilter = (change) => setFilter((before) => ({ ...before, ...change }));
  const choose: Choose = (next) => {
    setChosen(next);
    set({
      since: next === null ? '' : local(next.since),
      until: next === null ? '' : local(next.until),
    });
  };
  const panels = [
    { name: 'history', words: 'History', panel: historyPanel({ filter, set }, chosen, choose) },
    may('read', '/api/audit/access') && {
      ...{ name: 'topic', words: 'Who reaches a topic' },
      panel: html`<${TopicAccess} at=${instantOf(asOf)} />`,
    },
    may('read', '/api/audit/what-if') && {
      ...{ name: 'what-if', words: 'What if' },
      panel: html`<${WhatIf} />`,
    },
  ].filter((one) => one !== false);
  return html`<div class="page-head"><h1 tabindex="-1">Audit</h1><p>Everything that was recorded, in order. Whether it was changed since shows beside a checkpoint that was kept.</p></div>
    ${
      may('read', '/api/audit/state') &&
      html`<${AsOf} local=${asOf} set=${(local: string) => {
        setAsOf(local);
        set({ until: local });
      }} />`
    }
    <div class="split aside-first"><div>
      <${Tabs} label="Questions to the log" tabs=${panels} chosen=${panels.some(({ name }) => name === tab) ? tab : 'history'} choose=${setTab} />
    </div><div>${may('read', '/api/audit/checkpoint') && html`<${LogCheck} />`}</div></div>`;
}
