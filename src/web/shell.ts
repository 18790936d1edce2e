/** What stands around every view: the bar with the lock, navigation, messages, and the account. */
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { may } from './app/api.ts';
import { Brand, type Children, html, Icon, type View } from './app/html.ts';
import { tryNow } from './app/live.ts';
import { change, remember, showToast, state, useNow, useStore } from './app/store.ts';
import { clockTime } from './app/words.ts';
import { KeyList } from './keys.ts';
import { Name, Notice, Time, Tone } from './parts/parts.ts';
import { LockBadge } from './registry/lock-card.ts';
import { SignIn, signOut } from './session.ts';

const places = [
  { name: 'registry', href: '#/', label: 'Registry', icon: 'registry', less: false },
  { name: 'clients', href: '#/clients', label: 'Clients', icon: 'clients', less: false },
  { name: 'rules', href: '#/rules', label: 'Rules', icon: 'more', less: true },
  { name: 'roles', href: '#/roles', label: 'Roles', icon: 'more', less: true },
  { name: 'tokens', href: '#/tokens', label: 'Tokens', icon: 'more', less: true },
  { name: 'audit', href: '#/audit', label: 'Audit', icon: 'audit', less: false },
] as const;

const approvalsPlace = {
  ...{ name: 'approvals', href: '#/approvals', label: 'Approvals', icon: 'check', less: false },
} as const;

function Nav({ place }: { place: string }): View {
  const { requests, arrivals, proposals } = useStore();
  const unapproved = proposals.filter(({ status }) => status === 'waiting').length;
  // Where one person is enough, there is nothing to see.
  const shown = unapproved > 0 || place === 'approvals' ? [...places, approvalsPlace] : places;
  const asking = requests.filter(({ status }) => status === 'pending').length + arrivals.length;
  const counts: Readonly<Record<string, number>> = { registry: asking, approvals: unapproved };
  const inMore = ['rules', 'roles', 'tokens', 'more'].includes(place);
  return html`<nav class="nav" aria-label="Main"><ul>
    ${shown.map(
      ({ name, href, label, icon, less }) =>
        html`<li key=${name} class=${less ? 'less' : undefined}><a href=${href} aria-current=${place === name ? 'page' : undefined}><${Icon} name=${icon} />${label}${
          (counts[name] ?? 0) > 0 &&
          html`<span class="count">${counts[name]}<span class="sr"> waiting</span></span>`
        }</a></li>`,
    )}
    <li class="more"><a href="#/more" aria-current=${inMore ? 'page' : undefined}><${Icon} name="more" />More</a></li>
  </ul></nav>`;
}

function LiveSign(): View {
  const { connection } = useStore();
  if (connection.status === 'live') return html`<${Tone} tone="good" icon="dot">Live<//>`;
  return html`<${Tone} tone=${connection.status === 'lost' ? 'bad' : 'wait'} icon=${connection.status === 'lost' ? 'alert' : 'clock'}>${
    connection.status === 'lost'
      ? 'Offline'
      : connection.status === 'refused'
        ? 'Not live'
        : 'Connecting'
  }<//>`;
}

function Lost(): View | null {
  const { connection } = useStore();
  useNow();
  if (connection.status !== 'lost') return null;
  const seconds = Math.max(0, Math.ceil((connection.retryMs - Date.now()) / 1_000));
  return html`<${Notice} tone="bad">Connection lost at ${clockTime(new Date(connection.atMs).toISOString())}. What you see may be out of date. <span aria-hidden="true">Trying again in ${seconds} s.</span> <button class="link" onClick=${tryNow}>Try now</button><//>`;
}

/** Tells the rest of the page how much of its foot the message covers, so that nothing stays under it. */
function useRoomFor(isShown: boolean) {
  const element = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    const { style } = document.documentElement;
    const box = element.current;
    if (!isShown || box === null) return;
    const observer = new ResizeObserver(() =>
      style.setProperty('--toast', `${box.offsetHeight}px`),
    );
    observer.observe(box);
    return () => {
      observer.disconnect();
      style.removeProperty('--toast');
    };
  }, [isShown]);
  return element;
}

function ToastBox(): View {
  const { toast } = useStore();
  const room = useRoomFor(toast !== null);
  return html`<div role="status">${
    toast !== null &&
    html`<div class="toast" ref=${room} data-tone=${toast.tone}>
      <p><bdi>${toast.text}</bdi></p>
      ${
        toast.action !== undefined &&
        html`<button class="button" data-kind="quiet" onClick=${() => {
          const { action } = toast;
          showToast(null);
          action?.run();
        }}>${toast.action.label}</button>`
      }
      <button class="button" data-kind="quiet" onClick=${() => showToast(null)}><${Icon} name="cross" /><span class="sr">Close this message</span></button>
    </div>`
  }</div>`;
}

/** A session that ended: the view below stays as it was typed. */
function Over(): View {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    dialog.current?.showModal();
    return () => dialog.current?.close();
  }, []);
  return html`<dialog class="dialog over" ref=${dialog} aria-labelledby="signin" onCancel=${(event: Event) => event.preventDefault()}>
    <${SignIn} again=${state.me?.username ?? ''} />
  </dialog>`;
}

export function Shell({ place, children }: { place: string; children?: Children }): View {
  const { me, announcement, sessionOver } = useStore();
  return html`
    <a class="button skip" href="#main" onClick=${(event: Event) => {
      event.preventDefault();
      document.getElementById('main')?.focus();
    }}>Skip to content</a>
    <header class="bar">
      <a class="brand" href="#/"><${Brand} /><span>Gatebook</span></a>
      <${Nav} place=${place} />
      <div class="bar-end"><${LockBadge} /><span class="wide-only"><${LiveSign} /></span><a class="wide-only account" href="#/more"><${Name}>${me?.username}<//></a></div>
    </header>
    <main class="page" id="main" tabindex="-1"><${Lost} />${children}</main>
    <${ToastBox} />
    <p class="sr" aria-live="polite">${announcement}</p>
    ${sessionOver && html`<${Over} />`}`;
}

const themes = [
  ['', 'As the system'],
  ['light', 'Light'],
  ['dark', 'Dark'],
] as const;

export const applyTheme = (theme: string): void => {
  if (theme === '') delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
};

/** What a phone has under More, and a desk under one's name. */
export function More(): View {
  const { me, exactTimes, shortcuts, theme } = useStore();
  const [leaving, setLeaving] = useState(false);
  const choose = (name: 'exactTimes' | 'shortcuts', stored: string, on: boolean) => {
    remember(stored, on ? 'on' : 'off');
    change({ [name]: on });
  };
  return html`<div class="page-head"><h1 tabindex="-1"><${Name}>${me?.username}<//></h1>
      <div class="buttons"><button class="button" disabled=${leaving} onClick=${() => {
        setLeaving(true);
        void signOut();
      }}>Sign out</button></div>
      <p>Signed in until ${me != null && html`<${Time} at=${me.tokenExpiresAt} />`}. ${me != null && me.roles.length > 0 ? `With ${me.roles.length === 1 ? 'role' : 'roles'} ${me.roles.join(', ')}.` : ''}</p></div>
    <div class="split"><div>
      <section class="card narrow-nav" aria-labelledby="go"><h2 id="go">Go to</h2><ul class="lines">
        <li><a href="#/rules">Rules</a></li><li><a href="#/roles">Roles</a></li><li><a href="#/tokens">Tokens</a></li><li><a href="#/approvals">Approvals</a></li><li><a href=${`#/clients/${me?.username ?? ''}`}>My own access</a></li><li><a href="/docs">The API</a></li></ul></section>
      <section class="card" aria-labelledby="look"><h2 id="look">How this page looks</h2>
        <fieldset><legend>Colours</legend><div class="segments">${themes.map(
          ([name, words]) =>
            html`<label key=${name}><input type="radio" name="theme" checked=${theme === name} onChange=${() => {
              remember('theme', name);
              applyTheme(name);
              change({ theme: name });
            }} />${words}</label>`,
        )}</div></fieldset>
        <label class="choice"><input type="checkbox" checked=${exactTimes} onChange=${() => choose('exactTimes', 'exact-times', !exactTimes)} /><span>Exact times everywhere</span></label>
      </section>
    </div><div>
      <section class="aside" aria-labelledby="keys"><h2 id="keys">Short cuts</h2>
        <label class="choice"><input type="checkbox" checked=${shortcuts} onChange=${() => choose('shortcuts', 'shortcuts', !shortcuts)} /><span>Use single keys, in the list and on the lock</span></label>
        <${KeyList} />
      </section>
      ${!may('read', '/api/events') && html`<section class="aside"><p class="small soft">Nothing here comes by itself: that needs read on /api/events.</p></section>`}
    </div></div>`;
}
