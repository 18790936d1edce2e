/** Who waits for a decision: the newest first, pairing ID large, conflicts in words, several at once. */
import { useEffect, useRef, useState } from 'preact/hooks';
import type { Request } from '../../api/output.ts';
import { get, may, nowMs, type PageOf } from '../app/api.ts';
import { html, Icon, type View } from '../app/html.ts';
import { letArrivalsIn, whenListIsHeld } from '../app/live.ts';
import { change, state, useNow, useStore } from '../app/store.ts';
import {
  activationWords,
  contestedWords,
  counted,
  httpWords,
  replacementWords,
  searchText,
  wantsHttp,
  whereFrom,
} from '../app/words.ts';
import { Badge, Name, Notice, Pairing, Time } from '../parts/parts.ts';
import { VirtualList } from '../parts/virtual-list.ts';
import { mayUndo, undo } from './decisions.ts';
import { DenyDialog, GrantDialog } from './grant-dialog.ts';

const base = '/api/client-registry/requests';
const decidedStaysMs = 4_000;
const newForMs = 1_500;
/** A mouse that lies still this long points at nothing. */
const pointerRestsMs = 10_000;

interface Deciding {
  readonly verb: 'grant' | 'deny';
  readonly requests: readonly Request[];
}

const listed = (names: readonly string[]): unknown =>
  names.map((name, at) => html`${at > 0 ? ', ' : ''}<strong><bdi>${name}</bdi></strong>`);

function Wants({ request }: { request: Request }): View {
  const { requestedRoles: roles, requestedPermissions: permissions } = request;
  const parts: unknown[] = [];
  if (roles.length > 0)
    parts.push(
      html`${roles.length === 1 ? 'role' : 'roles'} ${listed(roles.slice(0, 4))}${roles.length > 4 ? ` and ${roles.length - 4} more` : ''}`,
    );
  if (permissions.length > 0) parts.push(counted(permissions.length, 'permission', 'permissions'));
  if (parts.length === 0)
    return html`<p class="wants">${request.kind === 'replacement' ? 'Would keep what it has' : 'Asks for nothing'}</p>`;
  return html`<p class="wants">Asks for ${parts.map((part, at) => html`${at > 0 ? ', and ' : ''}${part}`)}</p>`;
}

function Conflicts({ request }: { request: Request }): View | null {
  if (request.contested)
    return html`<${Notice} tone="bad">${contestedWords(request.conflictCount)}<//>`;
  if (request.kind === 'replacement')
    return html`<${Notice} tone="wait" icon="swap">${replacementWords(request.username)}<//>`;
  return wantsHttp(request) ? html`<${Notice} tone="wait">${httpWords}<//>` : null;
}

const outcomes: Readonly<
  Record<Exclude<Request['status'], 'pending'>, readonly [string, string, string]>
> = {
  granted: ['Granted', 'good', 'check'],
  denied: ['Denied', '', 'cross'],
  expired: ['Ended', '', 'clock'],
};

function Decided({ request }: { request: Request }): View {
  const { decision, status } = request;
  const [word, tone, icon] = outcomes[status as keyof typeof outcomes];
  const by =
    decision === null ? '' : decision.by === state.me?.username ? 'by you' : `by ${decision.by}`;
  const roles = decision?.roles ?? [];
  return html`
    <p class="pair"><${Badge} tone=${tone} icon=${icon}>${word}<//></p>
    <div class="who"><h3 id="r-${request.requestId}"><${Name}>${request.username}<//></h3>
      <p>${by}${roles.length > 0 ? `, ${roles.length === 1 ? 'role' : 'roles'} ${roles.join(', ')}` : ''}${decision !== null && html`, <${Time} at=${decision.at} ago />`}</p></div>
    <p class="wants" role="status">${status === 'granted' ? activationWords(request) || 'No broker knows of it yet' : status === 'expired' ? 'It waited too long.' : ''}</p>
    ${
      status === 'granted' &&
      mayUndo(request.username) &&
      html`<div class="buttons"><button class="button" data-kind="quiet" onClick=${() => undo([request.username])}>Undo<span class="sr">: revoke ${request.username}</span></button></div>`
    }`;
}

interface RowProps {
  readonly request: Request;
  readonly at: number;
  readonly count: number;
  readonly chosen: boolean;
  readonly choose: (request: Request) => void;
  readonly decide: (deciding: Deciding) => void;
}

function Row({ request, at, count, chosen, choose, decide }: RowProps): View {
  const id = `r-${request.requestId}`;
  const arrived = state.arrivedMs.get(request.requestId) ?? 0;
  const shared = {
    'aria-labelledby': id,
    'aria-setsize': count,
    'aria-posinset': at + 1,
    'data-key': request.requestId,
  };
  if (request.status !== 'pending')
    return html`<li class="request" key=${request.requestId} data-state="decided" ...${shared}><${Decided} request=${request} /></li>`;
  const path = `${base}/${request.requestId}`;
  return html`<li class="request" key=${request.requestId} data-contested=${request.contested ? '' : undefined} data-new=${nowMs() - arrived < newForMs ? '' : undefined} ...${shared}>
    <label class="tick"><input type="checkbox" checked=${chosen} onChange=${() => choose(request)} /><span class="sr">Select ${request.username}</span></label>
    ${
      request.pairingId === null
        ? html`<p class="pair">No pairing ID:<br />plain MQTT connect</p>`
        : html`<div class="pair"><${Pairing} id=${request.pairingId} /></div>`
    }
    <div class="who">
      <h3 id=${id}><${Name}>${request.username}<//>
        ${request.contested && html` <${Badge} tone="bad" icon="alert">Contested<//>`}
        ${request.kind === 'replacement' && html` <${Badge} tone="wait" icon="swap">Replacement<//>`}</h3>
      <p class="clip"><bdi>${whereFrom(request)}</bdi>${request.csr !== null && ', with a CSR'}</p>
    </div>
    <${Wants} request=${request} />
    <p class="age"><${Time} at=${request.requestedAt} /></p>
    <${Conflicts} request=${request} />
    <div class="buttons">
      <button class="button" data-do="grant" disabled=${!may('write', `${path}/grant`)} onClick=${() => decide({ verb: 'grant', requests: [request] })}>Grant…<span class="sr"> ${request.username}</span></button>
      <button class="button" data-kind="quiet" data-do="deny" disabled=${!may('write', `${path}/deny`)} onClick=${() => decide({ verb: 'deny', requests: [request] })}>Deny…<span class="sr"> ${request.username}</span></button>
    </div>
  </li>`;
}

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

/** What the find field asks the server, a moment after the last key. */
function useSearch(): { typed: string; type: (text: string) => void; found: Request[] | null } {
  const [typed, type] = useState('');
  const [found, setFound] = useState<Request[] | null>(null);
  const { requests } = useStore();
  useEffect(() => {
    if (typed.trim() === '') {
      setFound(null);
      return;
    }
    const timer = setTimeout(() => {
      get<PageOf<Request>>(
        `${base}?status=pending&limit=200&q=${encodeURIComponent(searchText(typed).slice(0, 128))}`,
      )
        .then(({ items }) => setFound(items))
        .catch(() => setFound([]));
    }, 200);
    return () => clearTimeout(timer);
  }, [typed]);
  const now = new Map(requests.map((request) => [request.requestId, request]));
  return {
    typed,
    type,
    found: found?.map((request) => now.get(request.requestId) ?? request) ?? null,
  };
}

export function RequestList(): View {
  const { requests, arrivals, requestsLoaded } = useStore();
  const now = useNow();
  const section = useRef<HTMLElement>(null);
  /** When the mouse last moved in the list; 0: it is elsewhere. */
  const pointerMs = useRef(0);
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const [deciding, setDeciding] = useState<Deciding | null>(null);
  const { typed, type, found } = useSearch();

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

  const shown = found ?? requests;
  const waiting = shown.filter(({ status }) => status === 'pending');
  const selected = waiting.filter(({ requestId }) => chosen.has(requestId));
  const choose = ({ requestId }: Request) => {
    const next = new Set(chosen);
    if (!next.delete(requestId)) next.add(requestId);
    setChosen(next);
  };
  const close = () => {
    setDeciding(null);
    setChosen(new Set());
    // To the next row's Grant, once the dialog has given focus back to what opened it.
    requestAnimationFrame(() => {
      if (document.activeElement !== document.body && document.activeElement?.isConnected) return;
      (
        section.current?.querySelector<HTMLElement>('[data-do=grant]') ??
        document.getElementById('pending')
      )?.focus();
    });
  };
  const heading =
    waiting.length === 0 && requestsLoaded
      ? found === null
        ? 'Nobody waits for a decision'
        : 'Nothing found'
      : found === null
        ? counted(waiting.length, 'waits for a decision', 'wait for a decision')
        : counted(waiting.length, 'found', 'found');
  return html`<section class="card requests" aria-labelledby="pending" ref=${section}
    onPointerMove=${(event: PointerEvent) => {
      if (event.pointerType === 'mouse') pointerMs.current = Date.now();
    }}
    onPointerLeave=${() => {
      pointerMs.current = 0;
    }}
    onKeyDown=${(event: KeyboardEvent) => section.current && deciding === null && onKey(event, section.current)}>
    <div class="row">
      <div class="buttons">
        ${waiting.length > 0 && html`<label class="tick"><input type="checkbox" checked=${selected.length === waiting.length} onChange=${() => setChosen(new Set(selected.length === waiting.length ? [] : waiting.map(({ requestId }) => requestId)))} /><span class="sr">Select all ${waiting.length}</span></label>`}
        <h2 id="pending" tabindex="-1">${heading}</h2>
      </div>
      ${(requests.length > 0 || typed !== '') && html`<label><span class="sr">Find by name or pairing ID</span><input class="input" id="find" type="search" placeholder="Name or pairing ID" autocomplete="off" value=${typed} onInput=${(event: InputEvent) => type((event.target as HTMLInputElement).value)} /></label>`}
    </div>
    ${arrivals.length > 0 && found === null && html`<div class="row arrivals"><button class="button" onClick=${letArrivalsIn}><${Icon} name="down" />${counted(arrivals.length, 'new request', 'new requests')}</button></div>`}
    ${
      shown.length > 0
        ? html`<${VirtualList} items=${shown} keyOf=${({ requestId }: Request) => requestId} estimate=${76}
            row=${(request: Request, at: number) => html`<${Row} key=${request.requestId} request=${request} at=${at} count=${shown.length} chosen=${chosen.has(request.requestId)} choose=${choose} decide=${setDeciding} />`} />`
        : found === null && requestsLoaded && html`<${Steps} />`
    }
    ${
      selected.length > 0 &&
      html`<div class="row bulk">
        <p><strong>${selected.length} selected.</strong> <span class="wide-only">Contested ones and replacements are granted one by one.</span></p>
        <div class="buttons">
          <button class="button" disabled=${!may('write', `${base}/grant`)} onClick=${() => setDeciding({ verb: 'grant', requests: selected })}>Grant ${selected.length}…</button>
          <button class="button" disabled=${!may('write', `${base}/deny`)} onClick=${() => setDeciding({ verb: 'deny', requests: selected })}>Deny ${selected.length}…</button>
          <button class="button" data-kind="quiet" onClick=${() => setChosen(new Set())}>Clear</button>
        </div>
      </div>`
    }
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
