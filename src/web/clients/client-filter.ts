/** Which clients are listed, and in which order. */
import type { User } from '../../api/output.ts';
import { html, type View } from '../app/html.ts';
import { useStore } from '../app/store.ts';

export interface ClientFilter {
  readonly q: string;
  readonly status: User['status'] | '';
  readonly role: string;
  readonly connected: 'true' | '';
  /** Days, of which each leads by an order of its own. */
  readonly unseen: string;
  readonly ends: string;
  readonly days: string;
  readonly sort: 'newest' | 'oldest' | 'name';
}

export const anyClient: ClientFilter = {
  ...{ q: '', status: '', role: '', connected: '', unseen: '', ends: '', days: '', sort: 'newest' },
};

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

const connectedChoices: readonly (readonly [ClientFilter['connected'], string])[] = [
  ['', 'Any or none'],
  ['true', 'Online now'],
];

const sortChoices: readonly (readonly [ClientFilter['sort'], string])[] = [
  ['newest', 'Newest first'],
  ['oldest', 'Oldest first'],
  ['name', 'By name'],
];

export const isAnyClient = ({ sort: _, ...filter }: ClientFilter): boolean =>
  Object.values(filter).every((value) => value.trim() === '');

/** Why the list has an order already; null: it has none. */
function ownOrder({ connected, unseen, ends, days }: ClientFilter): string | null {
  if (connected !== '') return 'By name';
  if (unseen !== '') return 'Longest unseen first';
  return ends !== '' || days !== '' ? 'First to end first' : null;
}

export function queryOf(filter: ClientFilter): URLSearchParams {
  const { q, status, role, connected, unseen, ends, days, sort } = filter;
  const query = new URLSearchParams();
  const named = { status, role, connected, unseenForDays: unseen, endsWithinDays: ends };
  if (q.trim() !== '') query.set('q', q.trim().slice(0, 128));
  for (const [name, value] of Object.entries({ ...named, certificateEndsWithinDays: days }))
    if (value !== '') query.set(name, value);
  if (ownOrder(filter) === null && sort !== 'newest') query.set('sort', sort);
  return query;
}

export function ClientFilters({
  filter,
  set,
}: {
  filter: ClientFilter;
  set: (change: Partial<ClientFilter>) => void;
}): View {
  const { roles } = useStore();
  const order = ownOrder(filter);
  const select = <Name extends keyof ClientFilter>(
    name: Name,
    id: string,
    label: string,
    choices: readonly (readonly [string, string])[],
  ) =>
    html`<div class="field"><label for=${id}>${label}</label><select class="input" id=${id} onChange=${(event: Event) => set({ [name]: (event.target as HTMLSelectElement).value })}>${choices.map(([value, words]) => html`<option value=${value} selected=${filter[name] === value}>${words}</option>`)}</select></div>`;
  const ofRoles = roles.map(({ name }) => [name, name] as const);
  return html`<form class="fields quarters" role="search" aria-label="Find clients" onSubmit=${(event: Event) => event.preventDefault()}>
    <div class="field"><label for="q">Name</label><input class="input" id="q" type="search" autocomplete="off" value=${filter.q} onInput=${(event: InputEvent) => set({ q: (event.target as HTMLInputElement).value })} /></div>
    ${select('status', 'status', 'State', statusChoices)}
    ${select('role', 'role', 'Role', [['', 'Any'], ...ofRoles])}
    ${select('connected', 'connected', 'Sessions', connectedChoices)}
    ${select('unseen', 'unseen', 'Last seen', unseenChoices)}
    ${select('ends', 'access-ends', 'Access', endChoices)}
    ${select('days', 'ends', 'Certificate', endChoices)}
    ${
      order === null
        ? select('sort', 'sort', 'Order', sortChoices)
        : html`<div class="field"><label for="sort">Order</label><select class="input" id="sort" disabled><option>${order}</option></select></div>`
    }
  </form>`;
}
