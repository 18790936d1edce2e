/** One request in the list: who asks, how it conflicts, what it wants, and what came of it. */
import type { Request } from '../../api/output.ts';
import { may, nowMs } from '../app/api.ts';
import { html, type View } from '../app/html.ts';
import { state } from '../app/store.ts';
import {
  activationWords,
  contestedWords,
  counted,
  httpWords,
  replacementWords,
  wantsHttp,
  whereFrom,
} from '../app/words.ts';
import { Badge, Name, Notice, Pairing, Time } from '../parts/parts.ts';
import { askToRevoke, mayRevoke } from './decisions.ts';
import { otherNamesOf } from './other-names.ts';

const newForMs = 1_500;

/** Requests whose grant or denial is open in a dialog. */
export interface Deciding {
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

/** What became of a grant since, as far as this page heard; null: it holds. */
function sinceGranted({ status, username, activations }: Request) {
  if (status !== 'granted') return null;
  switch (state.userStatuses.get(username)) {
    case 'revoked':
      return ['Revoked', 'bad', 'cross', 'It is told so and stops asking, until it is reinstated.'];
    case 'suspended':
      return ['Suspended', 'wait', 'pause', 'It keeps its rights, and can do nothing.'];
    case 'expired':
      return ['Ended', '', 'clock', 'Its access had an end.'];
    case 'unknown':
      return ['No access', '', 'cross', 'It was taken back, and may ask again.'];
    case undefined: {
      const isOver = activations.every((activation) => activation.status === 'inactive');
      return activations.length > 0 && isOver
        ? ['No access', '', 'cross', activationWords({ activations, kind: 'new' })]
        : null;
    }
    default:
      return null;
  }
}

function Decided({ request }: { request: Request }): View {
  const { decision, status } = request;
  const since = sinceGranted(request);
  const [word, tone, icon] = since ?? outcomes[status as keyof typeof outcomes];
  const by =
    decision === null
      ? ''
      : decision.preauthorizationId !== null
        ? `by the rule ${decision.preauthorizationId.slice(0, 8)}`
        : decision.by === state.me?.username
          ? 'by you'
          : `by ${decision.by}`;
  const roles = decision?.roles ?? [];
  return html`
    <p class="pair"><${Badge} tone=${tone} icon=${icon}>${word}<//></p>
    <div class="who"><h3 id="r-${request.requestId}"><${Name}>${request.username}<//></h3>
      <p>${since === null ? '' : 'was granted '}${by}${roles.length > 0 ? `, ${roles.length === 1 ? 'role' : 'roles'} ${roles.join(', ')}` : ''}${decision !== null && html`, <${Time} at=${decision.at} ago />`}</p></div>
    <p class="wants" role="status">${since !== null ? since[3] : status === 'granted' ? activationWords(request) || 'No broker knows of it yet' : status === 'expired' ? 'It waited too long.' : ''}</p>
    ${
      status === 'granted' &&
      since === null &&
      mayRevoke(request.username) &&
      html`<div class="buttons"><button class="button" data-kind="quiet" onClick=${() => askToRevoke([request.username])}>Revoke…<span class="sr"> ${request.username}</span></button></div>`
    }`;
}

const saidMax = 4;
const saidCharactersMax = 60;
const shortened = (text: string): string =>
  text.length > saidCharactersMax ? `${text.slice(0, saidCharactersMax)}…` : text;

/** What a device says of itself, as far as a line goes: the dialog has it whole. */
function SaysOfItself({ context }: Pick<Request, 'context'>): View | null {
  const said = Object.entries(context ?? {});
  if (said.length === 0) return null;
  return html`<p class="clip">${said.slice(0, saidMax).map(([key, value], at) => html`${at > 0 ? ', ' : ''}<bdi>${shortened(key)}</bdi> <strong><bdi>${shortened(value)}</bdi></strong>`)}${said.length > saidMax ? ` and ${said.length - saidMax} more` : ''}</p>`;
}

interface RequestRowProps {
  readonly request: Request;
  readonly at: number;
  readonly count: number;
  readonly chosen: boolean;
  readonly choose: (request: Request) => void;
  readonly decide: (deciding: Deciding) => void;
}

export function RequestRow({ request, at, count, chosen, choose, decide }: RequestRowProps): View {
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
  const path = `/api/client-registry/requests/${request.requestId}`;
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
        ${otherNamesOf(request) !== undefined && html` <${Badge} tone="bad" icon="alert">Same key as others<//>`}
        ${request.kind === 'replacement' && html` <${Badge} tone="wait" icon="swap">Replacement<//>`}</h3>
      <p class="clip"><bdi>${whereFrom(request)}</bdi>${request.csr !== null && ', with a CSR'}</p>
      <${SaysOfItself} context=${request.context} />
    </div>
    <${Wants} request=${request} />
    <p class="age"><${Time} at=${request.requestedAt} /></p>
    <${Conflicts} request=${request} />
    <div class="buttons">
      <button class="button" data-kind="quiet" data-do="deny" disabled=${!may('write', `${path}/deny`)} onClick=${() => decide({ verb: 'deny', requests: [request] })}>Deny…<span class="sr"> ${request.username}</span></button>
      <button class="button" data-do="grant" disabled=${!may('write', `${path}/grant`)} onClick=${() => decide({ verb: 'grant', requests: [request] })}>Grant…<span class="sr"> ${request.username}</span></button>
    </div>
  </li>`;
}
