/** Who waits for a decision: contested ones first, pairing ID large, conflicts in words, several at once. */
import { useEffect, useRef, useState } from 'preact/hooks';
import type { Request } from '../../api/output.ts';
import { may, nowMs } from '../app/api.ts';
import { html, Icon, type View } from '../app/html.ts';
import { letArrivalsIn, whenListIsHeld } from '../app/live.ts';
import type { RequestLink } from '../app/place.ts';
import { change, state, useNow, useStore } from '../app/store.ts';
import { counted } from '../app/words.ts';
import { VirtualList } from '../parts/virtual-list.ts';
import { grantableTogether } from './decisions.ts';
import { DenyDialog, GrantDialog } from './grant-dialog.ts';
import { useLinkedRequest } from './linked-request.ts';
import { useChosen, useFound, useOrdered } from './listed-requests.ts';
import { everyRequest, isEvery } from './request-choice.ts';
import { RequestFilter } from './request-filter.ts';
import { type Deciding, RequestRow } from './request-row.ts';

const base = '/api/client-registry/requests';
const decidedStaysMs = 4_000;
/** A mouse that lies still this long points at nothing. */
const pointerRestsMs = 10_000;

/** The single-key short cuts, which act only while focus is in the list. */
function onKey(event: KeyboardEvent, list: HTMLElement): void {
  if (!state.shortcuts || event.ctrlKey || event.metaKey || event.altKey) return;
  const target = event.target as HTMLElement;
  if (target instanceof HTMLInputElement && target.type === 'search') return;
  const row = target.closest<HTMLElement>('.request');
  const rows = [...list.querySelectorAll<HTMLElement>('.request')];
  const go = (step: number) => {
    const next = rows[row === null ? 0 : rows.indexOf(row) + step];
    next?.querySelector<HTMLElement>('[data-do=grant], input, button')?.focus();
    next?.scrollIntoView({ block: 'nearest' });
  };
  const press = (selector: string) => row?.querySelector<HTMLElement>(selector)?.click();
  const actions: Record<string, () => void> = {
    j: () => go(1),
    k: () => go(-1),
    x: () => press('.tick input'),
    g: () => press('[data-do=grant]'),
    d: () => press('[data-do=deny]'),
  };
  const action = actions[event.key];
  if (action === undefined) return;
  event.preventDefault();
  action();
}

/** Rows that were decided go when nobody is at the list any more. */
function sweep(held: boolean): void {
  if (held || state.decidedMs.size === 0) return;
  const over = (id: string) =>
    nowMs() - (state.decidedMs.get(id) ?? Number.POSITIVE_INFINITY) > decidedStaysMs;
  const stays = state.requests.filter(
    ({ requestId, status }) => status === 'pending' || !over(requestId),
  );
  if (stays.length === state.requests.length) return;
  const ids = new Set(stays.map(({ requestId }) => requestId));
  for (const id of [...state.decidedMs.keys()]) if (!ids.has(id)) state.decidedMs.delete(id);
  change({ requests: stays });
}

/** Lets new requests in and decided ones go, unless somebody is at the list; returns the handlers that notice a mouse. */
function useArrivals(section: { readonly current: HTMLElement | null }) {
  const { arrivals } = useStore();
  const now = useNow();
  /** When the mouse last moved in the list; 0: it is elsewhere. */
  const pointerMs = useRef(0);
  const held = () => {
    const element = section.current;
    if (element === null || !state.requests.some(({ status }) => status === 'pending'))
      return false;
    return (
      Date.now() - pointerMs.current < pointerRestsMs ||
      element.contains(document.activeElement) ||
      document.querySelector('dialog[open]') !== null ||
      element.getBoundingClientRect().top < -40
    );
  };
  useEffect(() => {
    whenListIsHeld(held);
    return () => whenListIsHeld(() => false);
  }, []);
  useEffect(() => {
    const isHeld = held();
    sweep(isHeld);
    if (!isHeld && arrivals.length > 0) letArrivalsIn();
  }, [now]);
  return {
    held,
    onPointerMove: (event: PointerEvent) => {
      if (event.pointerType === 'mouse') pointerMs.current = Date.now();
    },
    onPointerLeave: () => {
      pointerMs.current = 0;
    },
  };
}

/** Focuses the next row's Grant, once a dialog has given focus back to what opened it. */
function focusNext(section: { readonly current: HTMLElement | null }): void {
  requestAnimationFrame(() => {
    if (document.activeElement !== document.body && document.activeElement?.isConnected) return;
    (
      section.current?.querySelector<HTMLElement>('[data-do=grant]') ??
      document.getElementById('pending')
    )?.focus();
  });
}

function headingOf(waitingCount: number, isPart: boolean): string {
  if (isPart)
    return waitingCount === 0 && state.requestsLoaded
      ? 'Nothing found'
      : counted(waitingCount, 'found', 'found');
  return waitingCount === 0 && state.requestsLoaded
    ? 'Nobody waits for a decision'
    : counted(waitingCount, 'waits for a decision', 'wait for a decision');
}

/** What can be done to all that are selected. */
function Bulk({
  selected,
  decide,
  clear,
}: {
  selected: readonly Request[];
  decide: (deciding: Deciding) => void;
  clear: () => void;
}): View {
  const together = selected.length === 1 ? 1 : grantableTogether(selected).length;
  const left = selected.length - together;
  return html`<div class="row bulk">
    <p><strong>${selected.length} selected.</strong>${left > 0 && ` ${counted(left, 'is', 'are')} contested or a replacement: granted one by one.`}</p>
    <div class="buttons">
      <button class="button" data-kind="quiet" onClick=${clear}>Clear</button>
      <button class="button" disabled=${!may('write', `${base}/deny`)} onClick=${() => decide({ verb: 'deny', requests: selected })}>Deny ${selected.length}…</button>
      <button class="button" disabled=${together === 0 || !may('write', `${base}/grant`)} onClick=${() => decide({ verb: 'grant', requests: selected })}>Grant ${together}…</button>
    </div>
  </div>`;
}

export function RequestList({ link }: { link: RequestLink | null }): View {
  const { requests, arrivals, requestsLoaded } = useStore();
  const section = useRef<HTMLElement>(null);
  const { held, ...pointer } = useArrivals(section);
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const [deciding, setDeciding] = useState<Deciding | null>(null);
  const [typed, type] = useState(link?.q ?? '');
  const [choice, choose] = useState(everyRequest);
  const found = useFound(typed);
  const linked = useLinkedRequest(typed === link?.q ? link : null, found, (request) => {
    if (may('write', `${base}/${request.requestId}/grant`))
      setDeciding({ verb: 'grant', requests: [request] });
  });

  const isPart = found !== null || !isEvery(choice);
  const listed = useOrdered(useChosen(found ?? requests, choice), choice.sort, held);
  const waiting = listed.filter(({ status }) => status === 'pending');
  const selected = waiting.filter(({ requestId }) => chosen.has(requestId));
  const chooseAll = () =>
    setChosen(
      new Set(selected.length === waiting.length ? [] : waiting.map(({ requestId }) => requestId)),
    );
  const tick = ({ requestId }: Request) => {
    const next = new Set(chosen);
    if (!next.delete(requestId)) next.add(requestId);
    setChosen(next);
  };
  const close = () => {
    setDeciding(null);
    setChosen(new Set());
    focusNext(section);
  };
  return html`<section class="card requests" aria-labelledby="pending" ref=${section} ...${pointer}
    onKeyDown=${(event: KeyboardEvent) => section.current && deciding === null && onKey(event, section.current)}>
    <div class="row">
      <div class="buttons">
        ${waiting.length > 0 && html`<label class="tick"><input type="checkbox" checked=${selected.length === waiting.length} onChange=${chooseAll} /><span class="sr">Select all ${waiting.length}</span></label>`}
        <h2 id="pending" tabindex="-1">${headingOf(waiting.length, isPart)}</h2>
      </div>
      ${(requests.length > 0 || typed !== '') && html`<label><span class="sr">Find by name or pairing ID</span><input class="input" id="find" type="search" placeholder="Name or pairing ID" autocomplete="off" value=${typed} onInput=${(event: InputEvent) => type((event.target as HTMLInputElement).value)} /></label>`}
    </div>
    ${(requests.length > 1 || !isEvery(choice)) && html`<${RequestFilter} choice=${choice} choose=${choose} />`}
    ${linked !== null && html`<div class="row">${linked}</div>`}
    ${arrivals.length > 0 && found === null && html`<div class="row arrivals"><button class="button" onClick=${letArrivalsIn}><${Icon} name="down" />${counted(arrivals.length, 'new request', 'new requests')}</button></div>`}
    ${
      listed.length > 0
        ? html`<${VirtualList} items=${listed} keyOf=${({ requestId }: Request) => requestId} estimate=${76}
            row=${(request: Request, at: number) => html`<${RequestRow} key=${request.requestId} request=${request} at=${at} count=${listed.length} chosen=${chosen.has(request.requestId)} choose=${tick} decide=${setDeciding} />`} />`
        : !isPart && requestsLoaded && html`<${Steps} />`
    }
    ${selected.length > 0 && html`<${Bulk} selected=${selected} decide=${setDeciding} clear=${() => setChosen(new Set())} />`}
    ${deciding?.verb === 'grant' && html`<${GrantDialog} key=${deciding.requests[0]?.requestId} requests=${deciding.requests} onClose=${close} onDeny=${() => setDeciding({ ...deciding, verb: 'deny' })} />`}
    ${deciding?.verb === 'deny' && html`<${DenyDialog} requests=${deciding.requests} onClose=${close} />`}
  </section>`;
}

function Steps(): View {
  const host = location.hostname;
  return html`<div class="steps-box">
    <ol class="steps fields">
      <li><h3>Unlock for a few minutes</h3><p class="soft">When you are ready to look at who asks. It locks by itself.</p></li>
      <li><h3>Let the device ask</h3><p class="soft">It connects by MQTT with a new name and its own password, or sends a REST request.</p></li>
      <li><h3>Compare, then grant</h3><p class="soft">Does the pairing ID match the device? Choose what it may do. Its password works at once.</p></li>
    </ol>
    <details><summary>Try it from a terminal</summary>
      <pre class="well">mosquitto_pub -h ${host} -u press-17 -P "$(uuidgen)" -t hello -m hi</pre></details>
  </div>`;
}
