/** Everybody who ever had access: found, put in order, and many of them changed at once. */
import { useEffect, useState } from 'preact/hooks';
import type { User } from '../../api/output.ts';
import { get, may, nowMs, type PageOf } from '../app/api.ts';
import { html, type View } from '../app/html.ts';
import { useFreshRoles } from '../app/live.ts';
import { useStore } from '../app/store.ts';
import { counted, dateTime } from '../app/words.ts';
import { Name, ReadFault, Status, Time, Tone, useRead } from '../parts/parts.ts';
import {
  anyClient,
  type ClientFilter,
  ClientFilters,
  isAnyClient,
  queryOf,
} from './client-filter.ts';
import { ManyClients } from './many-clients.ts';
import { RenewButton } from './renew.ts';

export const clientLink = (username: string): string => `#/clients/${encodeURIComponent(username)}`;

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

function Row({
  user,
  filter,
  again,
  ticked,
  tick,
}: {
  user: User;
  filter: ClientFilter;
  again: () => void;
  ticked: boolean;
  tick: () => void;
}): View {
  return html`<tr>
    <td class="narrowest"><label class="tick"><input type="checkbox" checked=${ticked} onChange=${tick} /><span class="sr">Select ${user.username}</span></label></td>
    <td><a class="wrap" href=${clientLink(user.username)}><${Name}>${user.username}<//></a></td>
    <td><${Status} status=${user.status} /></td>
    ${filter.ends !== '' && html`<td><${AccessEnd} user=${user} again=${again} /></td>`}
    ${filter.days !== '' && html`<td><${CertificateEnd} user=${user} /></td>`}
    <td class="wide-only soft">${rightsLine(user)}</td>
    <td class="wide-only">${user.sessionCount === 0 ? html`<span class="soft">none</span>` : html`<${Tone} tone="good" icon="dot">${user.sessionCount}<//>`}</td>
    <td class="wide-only">${user.lastSeenAt === null ? html`<span class="soft">never</span>` : html`<${Time} at=${user.lastSeenAt} ago />`}</td>
  </tr>`;
}

interface UsersPage extends PageOf<User> {
  readonly total?: number | null;
}

const totalWords = ({ items, nextCursor, total }: UsersPage): string => {
  const all = nextCursor === null ? items.length : total;
  if (all === items.length) return counted(all, 'client', 'clients');
  const shown = items.length.toLocaleString('en');
  return all == null
    ? `${shown} shown, and more`
    : `${shown} of ${counted(all, 'client', 'clients')}`;
};

/** The clients that the filter wants, kept fresh. */
function useClients(filter: ClientFilter, limit: number) {
  const { userChanges } = useStore();
  const word = useLater(filter.q);
  const query = queryOf({ ...filter, q: word });
  query.set('limit', String(limit));
  query.set('total', 'true');
  const changes = [...userChanges.values()].reduce((sum, count) => sum + count, 0);
  const settled = useLater(String(changes));
  return useRead(`${query} ${settled}`, () => get<UsersPage>(`/api/users?${query}`));
}

export function Clients(): View {
  useFreshRoles();
  const [filter, setFilter] = useState(anyClient);
  const [limit, setLimit] = useState(100);
  const [ticked, setTicked] = useState<ReadonlySet<string>>(new Set());
  const { value, fault, again } = useClients(filter, limit);
  const items = value?.items ?? [];
  const chosen = items.filter(({ username }) => ticked.has(username));
  const isAll = chosen.length === items.length;
  const tick = (username: string) => {
    const next = new Set(ticked);
    if (!next.delete(username)) next.add(username);
    setTicked(next);
  };
  const tickAll = () => setTicked(new Set(isAll ? [] : items.map(({ username }) => username)));
  return html`<div class="page-head"><h1 tabindex="-1">Clients</h1>
      ${may('write', '/api/users') && html`<div class="buttons"><a class="button" href="#/new-client">New client…</a></div>`}
      <p>Devices, apps and people alike. A name stays here for ever, whatever becomes of it.</p></div>
    <section class="card clients" aria-labelledby="list">
      <${ClientFilters} filter=${filter} set=${(change: Partial<ClientFilter>) => setFilter({ ...filter, ...change })} />
      <div role="status"><h2 id="list">${value === null ? 'Reading…' : totalWords(value)}</h2></div>
      <${ReadFault} fault=${fault} again=${again} />
      ${
        value !== null && items.length === 0
          ? html`<p>${isAnyClient(filter) ? html`Nobody has access yet. <a href="#/">Unlock the registry</a> and let a device ask.` : 'Nobody fits. Take a part of the name, or another state.'}</p>`
          : html`<table>
              <thead><tr><th scope="col" class="narrowest"><label class="tick"><input type="checkbox" checked=${items.length > 0 && isAll} onChange=${tickAll} /><span class="sr">Select all ${items.length}</span></label></th><th scope="col">Name</th><th scope="col">State</th>${filter.ends !== '' && html`<th scope="col">Access</th>`}${filter.days !== '' && html`<th scope="col">Certificate</th>`}<th scope="col" class="wide-only">Rights</th><th scope="col" class="wide-only">Sessions</th><th scope="col" class="wide-only">Last seen</th></tr></thead>
              <tbody>${items.map(
                (user) =>
                  html`<${Row} key=${user.username} user=${user} filter=${filter} again=${again} ticked=${ticked.has(user.username)} tick=${() => tick(user.username)} />`,
              )}</tbody>
            </table>`
      }
      ${value !== null && value.nextCursor !== null && limit < 1_000 && html`<p><button class="button" onClick=${() => setLimit(Math.min(1_000, limit + 300))}>Show more</button></p>`}
      ${value !== null && value.nextCursor !== null && limit >= 1_000 && html`<p class="soft small">These are the first 1,000. Type a part of the name to find others.</p>`}
      ${chosen.length > 0 && html`<${ManyClients} chosen=${chosen} clear=${() => setTicked(new Set())} again=${again} />`}
    </section>`;
}
