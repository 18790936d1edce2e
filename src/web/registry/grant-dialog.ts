/** The decision: everything known about who asks, the rights it gets, and what they come to. */
import { useEffect, useState } from 'preact/hooks';
import type { Request, User } from '../../api/output.ts';
import { get, may, nowMs } from '../app/api.ts';
import { html, Icon, type View } from '../app/html.ts';
import { useFreshRoles } from '../app/live.ts';
import { useStore } from '../app/store.ts';
import {
  clockTime,
  contestedWords,
  counted,
  dateTime,
  doorWords,
  httpWords,
  replacementWords,
  wantsHttp,
} from '../app/words.ts';
import { Dialog } from '../parts/dialog.ts';
import {
  FaultNotice,
  Field,
  Name,
  Notice,
  Pairing,
  Said,
  SameKey,
  Time,
  useCommand,
  useRead,
} from '../parts/parts.ts';
import { ReasonField, reasonField } from '../parts/reason.ts';
import { RightsEditor } from '../rights/rights.ts';
import { heldRights, noRights, sentRights, type TypedRights } from '../rights/typed-rights.ts';
import { decideMany, denyOne, grantableTogether, grantOne } from './decisions.ts';
import { otherNamesOf } from './other-names.ts';

function Evidence({ request }: { request: Request }): View {
  const context = Object.entries(request.context ?? {});
  return html`<section aria-labelledby="who">
    <div class="stack">
      <h3 id="who">Does the device show this?</h3>
      ${
        request.pairingId === null
          ? html`<p>No pairing ID: plain MQTT connect. Check the address and the client id at the device.</p>`
          : html`<${Pairing} id=${request.pairingId} size="l" /><p class="small soft">A match helps to tell devices apart. It proves nothing.</p>`
      }
    </div>
    <dl class="pairs small">
      <dt>Asked</dt><dd><${Time} at=${request.requestedAt} ago />, at ${clockTime(request.requestedAt)}</dd>
      <dt>How</dt><dd>${doorWords(request.door)}, with a ${request.csr === null ? 'password' : 'key (CSR)'}</dd>
      ${request.csr !== null && html`<dt>Key</dt><dd>${request.csr.publicKeyAlgorithm}, SHA-256 <code class="wrap">${request.csr.fingerprint}</code><${SameKey} names=${otherNamesOf(request)} /></dd>`}
      <dt>From</dt><dd>${request.source ?? 'not shown to you, or erased'}</dd>
      ${request.clientId !== null && html`<dt>Client id</dt><dd><${Said} text=${request.clientId} /></dd>`}
      <dt>Name</dt><dd>${request.kind === 'new' ? 'new' : 'has access already'}</dd>
      <dt>Conflicts</dt><dd>${request.conflictCount === 0 ? 'none' : `another credential asked too${request.conflictCount > 1 ? `, in ${request.conflictCount} windows` : ''}`}</dd>
      <dt>Waits until</dt><dd>${dateTime(request.expiresAt, nowMs())}</dd>
      <dt>Credential</dt><dd><code>${request.credentialId.slice(0, 8)}</code></dd>
    </dl>
    <div class="stack">
      <h3>What it says of itself</h3>
      ${
        context.length === 0
          ? html`<p class="small soft">Nothing.</p>`
          : html`<dl class="pairs small">${context.map(([key, value]) => html`<dt><bdi>${key}</bdi></dt><dd><${Said} text=${value} /></dd>`)}</dl>
            <p class="small soft">Unchecked. Anybody can write this.</p>`
      }
    </div>
  </section>`;
}

/** What happened to the request while one looked at it. */
function Overtaken({ request }: { request: Request }): View {
  const by = request.decision?.by ?? 'somebody';
  const what =
    request.status === 'granted'
      ? `${by} granted this`
      : request.status === 'denied'
        ? `${by} denied this`
        : 'It waited too long and ended';
  const roles = request.decision?.roles ?? [];
  return html`<${Notice} tone="bad" role="alert">${what}${
    request.decision !== null && html` <${Time} at=${request.decision.at} ago />`
  }${roles.length > 0 ? `, with ${roles.length === 1 ? 'role' : 'roles'} ${roles.join(', ')}` : ''}. Your choice was not applied.<//>`;
}

/** The rights as they are typed; those of the one whose credential is replaced, until one says otherwise. */
function useTypedRights(replaces: string | null) {
  const [typed, setTyped] = useState<TypedRights>(noRights);
  const [changed, setChanged] = useState(false);
  const held = useRead(`held ${replaces}`, async () =>
    replaces !== null && may('read', `/api/users/${replaces}`)
      ? await get<User>(`/api/users/${replaces}`)
      : null,
  );
  useEffect(() => {
    if (held.value !== null && !changed) setTyped(heldRights(held.value));
  }, [held.value]);
  const set = (change: Partial<TypedRights>) => {
    setTyped((before) => ({ ...before, ...change }));
    setChanged(true);
  };
  return { typed, changed, set };
}

/** What one should know before a grant; a contested request asks to be compared first. */
function Warnings({
  request,
  contested,
  compared,
  compare,
}: {
  request: Request;
  contested: boolean;
  compared: boolean;
  compare: () => void;
}): View {
  return html`
    ${request.kind === 'replacement' && html`<${Notice} tone="wait" icon="swap">${replacementWords(request.username)}<//>`}
    ${wantsHttp(request) && html`<${Notice} tone="wait">${httpWords}<//>`}
    ${
      contested &&
      html`<div class="stack"><${Notice} tone="bad">${contestedWords(Math.max(1, request.conflictCount))}<//>
        <label class="choice"><input type="checkbox" checked=${compared} onChange=${compare} /><span>I compared it at the device.</span></label></div>`
    }`;
}

export function GrantDialog({
  requests,
  onClose,
  onDeny,
}: {
  requests: readonly Request[];
  onClose: () => void;
  onDeny: () => void;
}): View {
  const { roles, requests: known } = useStore();
  useFreshRoles();
  const [reason, setReason] = useState('');
  const [compared, setCompared] = useState(false);
  const command = useCommand();
  const now = new Map(known.map((request) => [request.requestId, request]));
  const chosen = requests.map((request) => now.get(request.requestId) ?? request);
  const together = grantableTogether(chosen);
  const one = chosen.length === 1 ? chosen[0] : undefined;
  const replaces = one?.kind === 'replacement' ? one.username : null;
  const { typed, changed, set } = useTypedRights(replaces);
  const overtaken = one !== undefined && one.status !== 'pending' && !command.busy;
  const contested = one?.contested === true || command.fault?.code === 'request-contested';
  const isAny = one !== undefined || together.length > 0;
  const ready = isAny && !overtaken && !command.busy && (!contested || compared);
  const grant = () => {
    if (!ready) return;
    command.run(async () => {
      const rights = replaces !== null && !changed ? {} : sentRights(typed);
      const body = { ...rights, ...reasonField(reason) };
      if (one === undefined) await decideMany('grant', chosen, body);
      else await grantOne(one, contested ? { ...body, confirmContested: true } : body);
      onClose();
    });
  };
  const title =
    one !== undefined
      ? html`Grant access to <${Name}>${one.username}<//>`
      : `Grant access to ${together.length}${together.length < chosen.length ? ` of ${chosen.length}` : ''}`;
  const foot = html`<p class="small soft wide-only">Its own password works at once.</p>
    <div class="buttons">
      <button type="button" class="button wide-only" data-kind="quiet" onClick=${onClose}>Cancel</button>
      <button type="button" class="button" data-kind="danger" onClick=${onDeny} disabled=${overtaken}>Deny…</button>
      <button type="button" class="button" data-kind="main" onClick=${grant} disabled=${!ready}>${one === undefined ? `Grant ${together.length}` : replaces !== null ? 'Replace the credential' : 'Grant access'}</button>
    </div>`;
  return html`<${Dialog} title=${title} changed=${(changed || reason !== '') && !overtaken} onClose=${onClose} onConfirm=${grant} foot=${foot}>
    ${one !== undefined ? html`<${Evidence} request=${one} />` : html`<${Chosen} together=${together} left=${chosen.filter((request) => !together.includes(request))} />`}
    <section aria-label="What it may do">
      ${overtaken && one !== undefined && html`<${Overtaken} request=${one} />`}
      ${one !== undefined && html`<${Warnings} request=${one} contested=${contested} compared=${compared} compare=${() => setCompared(!compared)} />`}
      <${RightsEditor} username=${one?.username ?? together[0]?.username ?? ''} roles=${roles} typed=${typed} set=${set} faultOf=${command.faultOf}
        askedRoles=${one?.requestedRoles ?? []} askedPermissions=${one?.requestedPermissions ?? []} />
      <${ReasonField} id="why" reason=${reason} set=${setReason} fault=${command.faultOf('reason')} />
      <${FaultNotice} command=${command} />
    </section>
  <//>`;
}

const listedMax = 50;

const Listed = ({ requests }: { requests: readonly Request[] }): View =>
  html`<ul class="lines small">${requests
    .slice(0, listedMax)
    .map(
      (request) =>
        html`<li class="row" key=${request.requestId}><${Name}>${request.username}<//> ${request.pairingId !== null && html`<code>${request.pairingId}</code>`}</li>`,
    )}</ul>
    ${requests.length > listedMax && html`<p class="small soft">and ${requests.length - listedMax} more</p>`}`;

/** Whom a grant to many reaches, and whom it leaves alone. */
function Chosen({
  together,
  left,
}: {
  together: readonly Request[];
  left: readonly Request[];
}): View {
  return html`<section aria-labelledby="chosen">
    <div class="stack">
      <h3 id="chosen">${counted(together.length, 'request', 'requests')}, all alike</h3>
      <${Listed} requests=${together} />
      <p class="small soft">The preview shows the first name.</p>
    </div>
    ${
      left.length > 0 &&
      html`<div class="stack"><h3>${left.length} left alone</h3>
        <p class="small soft">Contested, a replacement, or decided meanwhile: look at each by itself.</p>
        <${Listed} requests=${left} /></div>`
    }
  </section>`;
}

export function DenyDialog({
  requests,
  onClose,
}: {
  requests: readonly Request[];
  onClose: () => void;
}): View {
  const [reason, setReason] = useState('');
  const [block, setBlock] = useState('');
  const command = useCommand();
  const [first] = requests;
  const one = requests.length === 1 ? first : undefined;
  const deny = () => {
    if (command.busy) return;
    command.run(async () => {
      const body = {
        ...reasonField(reason),
        ...(block === '' ? {} : { blockedUntil: new Date(block).toISOString() }),
      };
      if (one !== undefined) await denyOne(one, body);
      else await decideMany('deny', requests, body);
      onClose();
    });
  };
  const foot = html`<div class="buttons">
    <button type="button" class="button" data-kind="quiet" onClick=${onClose}>Cancel</button>
    <button type="button" class="button" data-kind="danger" onClick=${deny} disabled=${command.busy}><${Icon} name="cross" />${one === undefined ? `Deny ${requests.length}` : 'Deny'}</button>
  </div>`;
  return html`<${Dialog} narrow title=${one !== undefined ? html`Deny <${Name}>${one.username}<//>` : `Deny ${requests.length}`} changed=${reason !== '' || block !== ''} onClose=${onClose} onConfirm=${deny} foot=${foot}>
    <section aria-label="Denial">
      <p>${one?.kind === 'replacement' ? 'The client that has access keeps it.' : 'It may ask again when the registry is next unlocked, unless you block it.'}</p>
      <${ReasonField} id="deny-why" label="Reason" hint="Told to the device, and kept in the log." reason=${reason} set=${setReason} fault=${command.faultOf('reason')} />
      <${Field} id="block" label="Block until" hint="Empty: not blocked." fault=${command.faultOf('blockedUntil')}>
        <input class="input" id="block" type="datetime-local" aria-describedby="block-h" value=${block} onInput=${(event: InputEvent) => setBlock((event.target as HTMLInputElement).value)} />
      <//>
      <${FaultNotice} command=${command} />
    </section>
  <//>`;
}
