/** Tokens: long-lived ones for programs, and the sign-ins of people. */
import { useState } from 'preact/hooks';
import type { Token } from '../../api/output.ts';
import { call, get, may, type PageOf, post } from '../app/api.ts';
import { html, type View } from '../app/html.ts';
import { showToast, state, useNow } from '../app/store.ts';
import { OnceShown } from '../clients/client-actions.ts';
import { Dialog } from '../parts/dialog.ts';
import {
  Badge,
  FaultNotice,
  Field,
  Name,
  ReadFault,
  Said,
  Time,
  useCommand,
  useRead,
} from '../parts/parts.ts';

const lives: readonly (readonly [hours: number, words: string])[] = [
  [24, '1 day'],
  [720, '30 days'],
  [8_760, '1 year'],
  [87_600, '10 years'],
];

function IssueDialog({
  username,
  onClose,
  onDone,
}: {
  username: string;
  onClose: () => void;
  onDone: () => void;
}): View {
  const [label, setLabel] = useState('');
  const [hours, setHours] = useState(8_760);
  const [token, setToken] = useState<string | null>(null);
  const command = useCommand();
  const issue = () => {
    if (command.busy || token !== null) return;
    command.run(async () => {
      const own = username === state.me?.username;
      const made = await post<Token & { token: string }>('/api/tokens', {
        label,
        expireTimeInHours: hours,
        ...(own ? {} : { username }),
      });
      setToken(made.token);
      onDone();
    });
  };
  const foot =
    token !== null
      ? html`<div class="buttons"><button type="button" class="button" data-kind="main" onClick=${onClose}>I have it</button></div>`
      : html`<div class="buttons"><button type="button" class="button" data-kind="quiet" onClick=${onClose}>Cancel</button><button type="button" class="button" data-kind="main" onClick=${issue} disabled=${command.busy}>Issue token</button></div>`;
  return html`<${Dialog} narrow title=${html`New token for <${Name}>${username}<//>`} changed=${token === null && label !== ''} onClose=${onClose} onConfirm=${issue} foot=${foot}>
    <section aria-label="Token">
      ${
        token !== null
          ? html`<${OnceShown} label="The token" text=${token} />`
          : html`<p>Whoever has it may do what <${Name}>${username}<//> may, until it ends or you end it.</p>
            <${Field} id="label" label="What it is for" fault=${command.fault?.errors.find(({ pointer }) => pointer === '#/label')?.detail}><input class="input" id="label" autocomplete="off" value=${label} onInput=${(event: InputEvent) => setLabel((event.target as HTMLInputElement).value)} /><//>
            <${Field} id="hours" label="Good for"><select class="input" id="hours" onChange=${(event: Event) => setHours(Number((event.target as HTMLSelectElement).value))}>${lives.map(([value, words]) => html`<option value=${value} selected=${value === hours}>${words}</option>`)}</select><//>`
      }
      <${FaultNotice} command=${command} />
    </section>
  <//>`;
}

export function Tokens(): View {
  const [typed, setTyped] = useState(state.me?.username ?? '');
  const [username, setUsername] = useState(state.me?.username ?? '');
  const [count, setCount] = useState(0);
  const [issuing, setIssuing] = useState(false);
  const now = useNow();
  const command = useCommand();
  const { value, fault, again } = useRead(`${username} ${count}`, () =>
    get<PageOf<Token>>(`/api/tokens?limit=200&username=${encodeURIComponent(username)}`),
  );
  const reload = () => setCount((before) => before + 1);
  const over = (token: Token) => token.revokedAt !== null || Date.parse(token.expiresAt) <= now;
  const end = (token: Token) =>
    command.run(async () => {
      await call('DELETE', `/api/tokens/${token.tokenId}`);
      showToast({ tone: 'good', text: `${token.label ?? 'The token'} is good no more.` });
      reload();
    });
  const items = value?.items ?? [];
  return html`<div class="page-head"><h1 tabindex="-1">Tokens</h1>
      <div class="buttons"><button class="button" data-kind="main" onClick=${() => setIssuing(true)}>New token…</button></div>
      <p>For programs that use the API, or connect by MQTT with a token as their password.</p></div>
    <section class="card" aria-labelledby="tokens"><h2 id="tokens">Tokens of <${Name}>${username}<//></h2>
      ${
        may('read', '/api/tokens') &&
        html`<form class="join" role="search" aria-label="Another user" onSubmit=${(
          event: Event,
        ) => {
          event.preventDefault();
          if (typed.trim() !== '') setUsername(typed.trim());
        }}><${Field} id="token-user" label="User"><input class="input" id="token-user" autocomplete="off" value=${typed} onInput=${(event: InputEvent) => setTyped((event.target as HTMLInputElement).value)} /><//><button class="button">Show</button></form>`
      }
      <${ReadFault} fault=${fault} again=${again} /><${FaultNotice} command=${command} />
      ${
        value !== null && items.length === 0
          ? html`<p>No token yet. Make one for each program, so that each can be ended by itself.</p>`
          : html`<table><thead><tr><th scope="col">For</th><th scope="col" class="wide-only">Issued</th><th scope="col">Ends</th><th scope="col"><span class="sr">End it</span></th></tr></thead>
            <tbody>${items.map(
              (token) => html`<tr key=${token.tokenId}>
                <td class="grow"><${Said} text=${token.label ?? 'no label'} /> ${token.kind === 'login' && html`<${Badge}>sign-in<//>`} ${token.tokenId === state.me?.tokenId && html`<${Badge} tone="info">this page<//>`}</td>
                <td class="wide-only soft"><${Time} at=${token.issuedAt} ago /> by <${Name}>${token.issuedBy}<//></td>
                <td>${token.revokedAt !== null ? html`<span class="soft">ended <${Time} at=${token.revokedAt} ago /></span>` : html`<${Time} at=${token.expiresAt} />`}</td>
                <td class="end">${!over(token) && token.tokenId !== state.me?.tokenId && html`<button class="button" data-kind="quiet" onClick=${() => end(token)} disabled=${command.busy}>End<span class="sr"> ${token.label ?? token.tokenId.slice(0, 8)}</span></button>`}</td>
              </tr>`,
            )}</tbody></table>`
      }
    </section>
    ${issuing && html`<${IssueDialog} username=${username} onClose=${() => setIssuing(false)} onDone=${reload} />`}`;
}
