/** Everybody who ever had access: found by name, state and role. */
import { useEffect, useState } from 'preact/hooks';
import type { User } from '../../api/output.ts';
import { get, may, nowMs, type PageOf } from '../app/api.ts';
import { html, type View } from '../app/html.ts';
import { useFreshRoles } from '../app/live.ts';
import { useStore } from '../app/store.ts';
import { counted, dateTime } from '../app/words.ts';
import { Name, ReadFault, Status, Time, Tone, useRead } from '../parts/parts.ts';
import { RenewButton } from './renew.ts';

export const clientLink = (username: string): string => `#/clients/${encodeURIComponent(username)}`;

const statusChoices: readonly (readonly [User['status'] | '', string])[] = [
  ['', 'Everybody who had access'],
  ['active', 'Active'],
  ['suspended', 'Suspended'],
  ['pending', 'Waiting'],
  ['denied', 'Denied'],
  ['revoked', 'Revoked'],
  ['expired', 'Ended'],
];

const endChoices: readonly (readonly [days: string, string])[] = [
  ['', 'Any or none'],
  ['7', 'Ends within 7 days'],
  ['30', 'Ends within 30 days'],
  ['90', 'Ends within 90 days'],
];

const unseenChoices: readonly (readonly [days: string, string])[] = [
  ['', 'Any time'],
  ['7', 'Not for 7 days'],
  ['30', 'Not for 30 days'],
  ['90', 'Not for 90 days'],
];

/** When the last of its certificates ends, or when that was. */
function CertificateEnd({ user: { credentials } }: { user: User }): View {
  const ends = credentials.flatMap(({ kind, expiresAt }) =>
    kind === 'certificate' && expiresAt !== null ? [expiresAt] : [],
  );
  const end = ends.sort().at(-1);
  if (end === undefined) return html`<span class="soft">none</span>`;
  const isOver = Date.parse(end) <= nowMs();
  return html`<${Tone} tone=${isOver ? 'bad' : 'wait'} icon=${isOver ? 'alert' : 'clock'}>${isOver ? 'ended' : 'ends'} ${dateTime(end, nowMs())}<//>`;
}

/** When its access ends by itself, and one click to renew it. */
function AccessEnd({ user, again }: { user: User; again: () => void }): View {
  if (user.expiresAt === null) return html`<span class="soft">without an end</span>`;
  return html`<${Tone} tone="wait" icon="clock">ends ${dateTime(user.expiresAt, nowMs())}<//> <${RenewButton} user=${user} onDone=${again} />`;
}

const useLater = (text: string): string => {
  const [late, setLate] = useState(text);
  useEffect(() => {
    const timer = setTimeout(() => setLate(text), 200);
    return () => clearTimeout(timer);
  }, [text]);
  return late;
};

const rightsLine = ({ roles, permissions, effectivePermissions }: User): string => {
  const own =
    permissions.length > 0 ? counted(permissions.length, 'own permission', 'own permissions') : '';
  return (
    [roles.join(', '), own].filter(Boolean).join(', ') ||
    (effectivePermissions.length === 0 ? 'no rights' : '')
  );
};

export function Clients(): View {
  const { userChanges, roles } = useStore();
  useFreshRoles();
  const [q, setQ] = useState('');
  const [status, setStatus] = useState('');
  const [role, setRole] = useState('');
  const [days, setDays] = useState('');
  const [ends, setEnds] = useState('');
  const [unseen, setUnseen] = useState('');
  const [limit, setLimit] = useState(100);
  const word = useLater(q);
  const query = new URLSearchParams({ limit: String(limit) });
  if (word.trim() !== '') query.set('q', word.trim().slice(0, 128));
  if (status !== '') query.set('status', status);
  if (role !== '') query.set('role', role);
  if (unseen !== '') query.set('unseenForDays', unseen);
  if (ends !== '') query.set('endsWithinDays', ends);
  if (days !== '') query.set('certificateEndsWithinDays', days);
  const changes = [...userChanges.values()].reduce((sum, count) => sum + count, 0);
  const settled = useLater(String(changes));
  const { value, fault, again } = useRead(`${query} ${settled}`, () =>
    get<PageOf<User>>(`/api/users?${query}`),
  );
  const items = value?.items ?? [];
  const filtered =
    word !== '' || status !== '' || role !== '' || days !== '' || ends !== '' || unseen !== '';
  return html`<div class="page-head"><h1 tabindex="-1">Clients</h1>
      ${may('write', '/api/users') && html`<div class="buttons"><a class="button" href="#/new-client">New client…</a></div>`}
      <p>Devices, apps and people alike. A name stays here for ever, whatever becomes of it.</p></div>
    <section class="card" aria-labelledby="list">
      <h2 id="list" class="sr">List</h2>
      <form class="fields" role="search" aria-label="Find clients" onSubmit=${(event: globalThis.Event) => event.preventDefault()}>
        <div class="field"><label for="q">Name</label><input class="input" id="q" type="search" autocomplete="off" value=${q} onInput=${(event: InputEvent) => setQ((event.target as HTMLInputElement).value)} /></div>
        <div class="field"><label for="status">State</label><select class="input" id="status" onChange=${(event: globalThis.Event) => setStatus((event.target as HTMLSelectElement).value)}>${statusChoices.map(([name, words]) => html`<option value=${name} selected=${status === name}>${words}</option>`)}</select></div>
        <div class="field"><label for="role">Role</label><select class="input" id="role" onChange=${(event: globalThis.Event) => setRole((event.target as HTMLSelectElement).value)}><option value="">Any</option>${roles.map(({ name }) => html`<option value=${name} selected=${role === name}>${name}</option>`)}</select></div>
        <div class="field"><label for="unseen">Last seen</label><select class="input" id="unseen" onChange=${(event: globalThis.Event) => setUnseen((event.target as HTMLSelectElement).value)}>${unseenChoices.map(([value, words]) => html`<option value=${value} selected=${unseen === value}>${words}</option>`)}</select></div>
        <div class="field"><label for="access-ends">Access</label><select class="input" id="access-ends" onChange=${(event: globalThis.Event) => setEnds((event.target as HTMLSelectElement).value)}>${endChoices.map(([value, words]) => html`<option value=${value} selected=${ends === value}>${words}</option>`)}</select></div>
        <div class="field"><label for="ends">Certificate</label><select class="input" id="ends" onChange=${(event: globalThis.Event) => setDays((event.target as HTMLSelectElement).value)}>${endChoices.map(([value, words]) => html`<option value=${value} selected=${days === value}>${words}</option>`)}</select></div>
      </form>
      <${ReadFault} fault=${fault} again=${again} />
      ${
        value !== null && items.length === 0
          ? html`<p>${filtered ? 'Nobody fits. Take a part of the name, or another state.' : html`Nobody has access yet. <a href="#/">Unlock the registry</a> and let a device ask.`}</p>`
          : html`<table>
              <thead><tr><th scope="col">Name</th><th scope="col">State</th>${ends !== '' && html`<th scope="col">Access</th>`}${days !== '' && html`<th scope="col">Certificate</th>`}<th scope="col" class="wide-only">Rights</th><th scope="col" class="wide-only">Sessions</th><th scope="col" class="wide-only">Last seen</th></tr></thead>
              <tbody>${items.map(
                (user) => html`<tr key=${user.username}>
                  <td class="grow"><a class="wrap" href=${clientLink(user.username)}><${Name}>${user.username}<//></a></td>
                  <td><${Status} status=${user.status} /></td>
                  ${ends !== '' && html`<td><${AccessEnd} user=${user} again=${again} /></td>`}
                  ${days !== '' && html`<td><${CertificateEnd} user=${user} /></td>`}
                  <td class="wide-only soft">${rightsLine(user)}</td>
                  <td class="wide-only">${user.sessionCount === 0 ? html`<span class="soft">none</span>` : user.sessionCount}</td>
                  <td class="wide-only">${user.lastSeenAt === null ? html`<span class="soft">never</span>` : html`<${Time} at=${user.lastSeenAt} ago />`}</td>
                </tr>`,
              )}</tbody>
            </table>`
      }
      ${value !== null && value.nextCursor !== null && limit < 1_000 && html`<p><button class="button" onClick=${() => setLimit(Math.min(1_000, limit + 300))}>Show more</button></p>`}
      ${value !== null && value.nextCursor !== null && limit >= 1_000 && html`<p class="soft small">These are the newest 1,000. Type a part of the name to find others.</p>`}
    </section>`;
}
