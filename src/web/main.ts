/** Starts the page: which view the address names. */
import { render } from 'preact';
import { useEffect, useLayoutEffect, useState } from 'preact/hooks';
import { html, type View } from './app/html.ts';
import { lazily } from './app/lazily.ts';
import { restWhileHidden } from './app/live.ts';
import { requestLinkOf } from './app/place.ts';
import { state, useStore } from './app/store.ts';
import { Clients } from './clients/clients.ts';
import { KeyHelp, onKey } from './keys.ts';
import { titleOf } from './registry/lock-card.ts';
import { Registry } from './registry/registry.ts';
import { Revoking } from './registry/revoke-dialog.ts';
import { begin, SignIn } from './session.ts';
import { applyTheme, More, Shell } from './shell.ts';

const Audit = lazily(async () => (await import('./audit/audit.ts')).Audit);
const Approvals = lazily(async () => (await import('./approvals/approvals.ts')).Approvals);
const ClientPage = lazily(async () => (await import('./clients/client.ts')).ClientPage);
const NewClient = lazily(async () => (await import('./clients/new-client.ts')).NewClient);
const Roles = lazily(async () => (await import('./rights/roles.ts')).Roles);
const Tokens = lazily(async () => (await import('./rights/tokens.ts')).Tokens);
const Rules = lazily(async () => (await import('./rules/rules.ts')).Rules);

interface PagePlace {
  readonly name: string;
  readonly title: string;
  readonly view: () => View;
}

const decoded = (text: string): string => {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
};

function placeOf(hash: string): PagePlace {
  const [path = '', search = ''] = hash.replace(/^#\/?/, '').split('?');
  const [first = '', second] = path.split('/');
  const query = new URLSearchParams(search);
  const username = second === undefined ? '' : decoded(second);
  if (first === 'clients' && username !== '')
    return {
      name: 'clients',
      title: username,
      view: () => html`<${ClientPage} key=${username} username=${username} />`,
    };
  const places: Readonly<Record<string, PagePlace>> = {
    clients: { name: 'clients', title: 'Clients', view: () => html`<${Clients} />` },
    'new-client': { name: 'clients', title: 'New client', view: () => html`<${NewClient} />` },
    roles: { name: 'roles', title: 'Roles', view: () => html`<${Roles} />` },
    rules: { name: 'rules', title: 'Rules', view: () => html`<${Rules} />` },
    tokens: { name: 'tokens', title: 'Tokens', view: () => html`<${Tokens} />` },
    audit: {
      name: 'audit',
      title: 'Audit',
      view: () => html`<${Audit} key=${search} query=${query} />`,
    },
    approvals: { name: 'approvals', title: 'Approvals', view: () => html`<${Approvals} />` },
    more: { name: 'more', title: 'Account', view: () => html`<${More} />` },
  };
  return (
    (Object.hasOwn(places, first) ? places[first] : undefined) ?? {
      name: 'registry',
      title: '',
      view: () =>
        html`<${Registry} key=${search} link=${first === 'requests' ? requestLinkOf(query) : null} />`,
    }
  );
}

function App(): View {
  const { me } = useStore();
  const [hash, setHash] = useState(location.hash);
  useLayoutEffect(() => {
    const moved = () => {
      setHash(location.hash);
      scrollTo({ top: 0 });
      // Whoever reads by ear or by keys starts at the new view's heading.
      requestAnimationFrame(() => document.querySelector<HTMLElement>('main h1')?.focus());
    };
    addEventListener('hashchange', moved);
    addEventListener('keydown', onKey);
    return () => {
      removeEventListener('hashchange', moved);
      removeEventListener('keydown', onKey);
    };
  }, []);
  const place = placeOf(hash);
  const title = me == null ? 'Gatebook' : titleOf(place.title);
  useEffect(() => {
    document.title = title;
  }, [title]);
  if (me === undefined)
    return html`<main class="page"><p class="soft">Looking who you are…</p></main>`;
  if (me === null) return html`<main class="page"><${SignIn} again=${null} /></main>`;
  return html`<${Shell} place=${place.name}>${place.view()}<${Revoking} /><${KeyHelp} /><//>`;
}

applyTheme(state.theme);
restWhileHidden();
const root = document.getElementById('root');
if (root !== null) {
  root.replaceChildren();
  render(html`<${App} />`, root);
}
void begin();
