/** One client: what it may do, where it works, how it came to this, and what one can do about it. */
import { useEffect, useState } from 'preact/hooks';
import type { Event, Request, Session, User } from '../../api/output.ts';
import { get, getAll, may, nowMs, type PageOf } from '../app/api.ts';
import { html, type View } from '../app/html.ts';
import { useStore } from '../app/store.ts';
import { counted, dateTime, ownClientId, ownName } from '../app/words.ts';
import { EventDetails } from '../audit/event-details.ts';
import { capital, clientStory, givenWords, type Story } from '../audit/stories.ts';
import {
  Name,
  ReadFault,
  Said,
  SameKey,
  Stamp,
  Status,
  Time,
  Tone,
  TopicLine,
  useRead,
} from '../parts/parts.ts';
import { TopicTester } from '../rights/topic-preview.ts';
import { RulesMadeBy } from '../rules/made-by.ts';
import { type Action, ActionDialog, actionWords, RightsDialog } from './client-actions.ts';
import { RenewButton } from './renew.ts';

const eventsMax = 500;
const sessionsEveryMs = 15_000;

/** Whoever signs in at the identity provider has no password here, and the rights of their groups there. */
const isPerson = ({ origin }: User): boolean => origin === 'sso';

const actionsOf = (user: User): Action[] => {
  switch (user.status) {
    case 'active':
      return isPerson(user)
        ? ['suspend', 'revoke', 'erase']
        : ['suspend', 'revoke', 'rotate', 'erase'];
    case 'suspended':
      return ['resume', 'revoke', 'erase'];
    case 'revoked':
    case 'denied':
    case 'expired':
      return ['reinstate', 'erase'];
    default:
      return [];
  }
};

function Head({
  user,
  act,
  changed,
}: {
  user: User;
  act: (action: Action) => void;
  changed: () => void;
}): View {
  const path = `/api/users/${user.username}`;
  const has = user.status === 'active' || user.status === 'suspended';
  return html`<div class="page-head">
    <h1 tabindex="-1"><${Name}>${user.username}<//></h1>
    <${Status} status=${user.status} />
    <div class="buttons"><${RenewButton} user=${user} onDone=${changed} />${actionsOf(user)
      .filter((action) => may('write', `${path}/${action}`))
      .map(
        (action) =>
          html`<button class="button" key=${action} data-kind=${action === 'revoke' || action === 'erase' ? 'danger' : undefined} onClick=${() => act(action)}>${actionWords[action].button}…</button>`,
      )}</div>
    <p>${
      has
        ? html`${user.sessionCount === 0 ? 'No session now' : counted(user.sessionCount, 'session now', 'sessions now')}, ${user.sessionTotal} in all${user.lastSeenAt !== null && html`, last seen <${Time} at=${user.lastSeenAt} ago />`}. Access since ${dateTime(user.createdAt, nowMs())}, ${user.expiresAt === null ? 'without an end' : `until ${dateTime(user.expiresAt, nowMs())}`}.`
        : user.blockedUntil !== null
          ? `It may not ask again before ${dateTime(user.blockedUntil, nowMs())}.`
          : 'It has no access now.'
    }${user.reason !== null && user.reason !== '' && html` <span class="soft">The newest reason: <${Said} text=${user.reason} /></span>`}</p>
  </div>`;
}

function Rights({ user, change }: { user: User; change: () => void }): View {
  const { roles } = useStore();
  const fromOf = (resource: string): string => {
    const role = user.roles.find((name) =>
      roles
        .find((one) => one.name === name)
        ?.permissions.some(
          (one) =>
            one.resource
              .replaceAll(ownName, user.username)
              .replaceAll(ownClientId, user.mqttClientId ?? '') === resource,
        ),
    );
    return role === undefined ? 'its own' : `role ${role}`;
  };
  const http = user.effectivePermissions.filter(({ context }) => context === 'http').length;
  return html`<section class="card" aria-labelledby="rights">
    <div class="row"><h2 id="rights">What it may do</h2>${
      (user.status === 'active' || user.status === 'suspended') &&
      !isPerson(user) &&
      may('write', `/api/users/${user.username}/authorization`) &&
      html`<button class="button" onClick=${change}>Change rights…</button>`
    }</div>
    ${
      user.effectivePermissions.length === 0
        ? html`<p class="soft">Nothing: neither publish nor subscribe.</p>`
        : html`<ul class="topics lines">${user.effectivePermissions.slice(0, 60).map((permission) => html`<${TopicLine} permission=${permission} from=${fromOf(permission.resource)} mark=${user.username} />`)}</ul>`
    }
    ${isPerson(user) && html`<p class="small soft">A person of the identity provider: the roles are those of their groups there, at the last sign-in.</p>`}
    <dl class="facts small">
      <div><dt>Roles</dt><dd>${user.roles.length === 0 ? 'none' : user.roles.join(', ')}</dd></div>
      <div><dt>Publish prefix</dt><dd>${user.mqttPublishPrefix === null ? 'none' : html`<code><bdi>${user.mqttPublishPrefix}</bdi></code>`}</dd></div>
      <div><dt>Client id</dt><dd>${user.mqttClientId === null ? 'any' : html`<code><bdi>${user.mqttClientId}</bdi></code>`}</dd></div>
      <div><dt>This registry</dt><dd>${http === 0 ? 'no access' : counted(http, 'right', 'rights')}</dd></div>
    </dl>
    <${TopicTester} username=${user.username} permissions=${user.effectivePermissions} prefix=${user.mqttPublishPrefix ?? ''} />
  </section>`;
}

const phases: readonly Story['phase'][] = [
  'Request',
  'Window',
  'Decision',
  'Activation',
  'Changes',
];

function Timeline({ events }: { events: readonly Event[] }): View {
  const stories = clientStory(events);
  return html`<ol class="timeline">${phases.map((phase) => {
    const its = stories.filter(({ story }) => story.phase === phase);
    return (
      its.length > 0 &&
      html`<li key=${phase}><h3>${phase}</h3><ol>${its.map(
        ({
          event,
          story,
        }) => html`<li key=${event.eventId} data-tone=${story.tone || undefined}><details>
          <summary><strong>${capital(story.words)}</strong><${Stamp} at=${event.at} /><span><bdi>${story.more}</bdi></span></summary>
          ${givenWords(event) !== '' && html`<p class="given">“<${Said} text=${givenWords(event)} />”</p>`}
          <${EventDetails} event=${event} />
        </details></li>`,
      )}</ol></li>`
    );
  })}</ol>`;
}

async function storyFor(username: string, windowId: string | null): Promise<Event[]> {
  const path = '/api/audit/events';
  const own = await getAll<Event>(
    `${path}?order=asc&username=${encodeURIComponent(username)}`,
    eventsMax,
  );
  if (windowId === null) return own;
  const unlocked = await getAll<Event>(
    `${path}?windowId=${windowId}&type=RegistryUnlocked&order=asc`,
    eventsMax,
  );
  return [...unlocked, ...own].sort((a, b) => a.index - b.index);
}

const activationTones = {
  active: ['good', 'check'],
  waiting: ['wait', 'clock'],
  failed: ['bad', 'alert'],
  inactive: ['', 'cross'],
} as const;

function Activations({ activations }: Pick<User, 'activations'>): View {
  return html`<section class="aside" aria-labelledby="works"><h2 id="works">Where it works</h2>
    ${
      activations.length === 0
        ? html`<p class="small soft">Nowhere.</p>`
        : html`<ul class="lines small">${activations.map(
            ({
              broker,
              status,
              at,
              detail,
            }) => html`<li key=${broker}><p class="row"><strong>${broker}</strong><${Tone} tone=${activationTones[status][0]} icon=${activationTones[status][1]}>${capital(status)}<//></p>
              <p class="soft">${
                at !== null
                  ? html`since <${Stamp} at=${at} />`
                  : status === 'waiting'
                    ? 'Granted, but this broker has not answered yet. It is asked again by itself.'
                    : ''
              }${detail !== null && html` <${Said} text=${detail} />`}</p></li>`,
          )}</ul>`
    }
  </section>`;
}

function Sessions({ sessions }: { sessions: readonly Session[] }): View {
  return html`<section class="aside" aria-labelledby="sess"><h2 id="sess">Sessions now</h2>
    ${
      sessions.length === 0
        ? html`<p class="small soft">None.</p>`
        : html`<ul class="lines small">${sessions.map(
            (
              session,
            ) => html`<li><p class="row"><strong><${Said} text=${session.clientId ?? 'client id not shown'} /></strong><span class="soft">${session.protocol}</span></p>
              <p class="soft">from ${session.source ?? 'an address not shown'}, since <${Time} at=${session.since} ago />, at ${session.broker}</p></li>`,
          )}</ul>`
    }
  </section>`;
}

function Credentials({ credentials }: Pick<User, 'credentials'>): View {
  return html`<section class="aside" aria-labelledby="cred"><h2 id="cred">Credentials</h2>
    ${
      credentials.length === 0
        ? html`<p class="small soft">None that opens anything.</p>`
        : html`<ul class="lines small">${credentials.map(
            ({
              credentialId,
              kind,
              createdAt,
              expiresAt,
              otherNames,
            }) => html`<li><p class="row"><strong>${capital(kind)}</strong><code class="soft">${credentialId.slice(0, 8)}</code></p>
              <p class="soft">since ${dateTime(createdAt, nowMs())}, ${expiresAt === null ? 'no end' : `until ${dateTime(expiresAt, nowMs())}`}</p><${SameKey} names=${otherNames} /></li>`,
          )}</ul><p class="small soft">Shown by number only. Neither this page nor the log has the password.</p>`
    }
  </section>`;
}

function FromRequest({ request }: { request: Request }): View {
  const context = Object.entries(request.context ?? {});
  return html`<section class="aside" aria-labelledby="about"><h2 id="about">From its request</h2>
    <dl class="pairs small"><dt>Address</dt><dd>${request.source ?? 'not shown, or erased'}</dd>
      ${request.clientId !== null && html`<dt>Client id</dt><dd><${Said} text=${request.clientId} /></dd>`}
      ${request.pairingId !== null && html`<dt>Pairing ID</dt><dd><code>${request.pairingId}</code></dd>`}
      ${request.csr !== null && html`<dt>Key</dt><dd>${request.csr.publicKeyAlgorithm}, SHA-256 <code class="wrap">${request.csr.fingerprint}</code></dd>`}
      ${context.map(([key, value]) => html`<dt><bdi>${key}</bdi></dt><dd><${Said} text=${value} /></dd>`)}</dl>
    <p class="small soft">Encrypted for this client in the log.</p></section>`;
}

export function ClientPage({ username }: { username: string }): View {
  const { userChanges } = useStore();
  const [action, setAction] = useState<Action | 'rights' | null>(null);
  const [beat, setBeat] = useState(0);
  const key = `${username} ${userChanges.get(username) ?? 0}`;
  const path = `/api/users/${encodeURIComponent(username)}`;
  const user = useRead(`${key} ${beat}`, () => get<User>(path));
  const sessions = useRead(`${key} ${beat} sessions`, () =>
    get<PageOf<Session>>(`${path}/sessions`),
  );
  const requestId = user.value?.requestId ?? null;
  const request = useRead(`${key} ${requestId}`, async () =>
    requestId === null || !may('read', `/api/client-registry/requests/${requestId}`)
      ? null
      : await get<Request>(`/api/client-registry/requests/${requestId}`),
  );
  const windowId = request.value?.windowId ?? null;
  const mayRead = may('read', '/api/audit/events');
  const story = useRead(`${key} ${windowId} story`, async () =>
    mayRead ? await storyFor(username, windowId) : [],
  );
  useEffect(() => {
    // Sessions come and go without an event.
    const timer = setInterval(() => setBeat((count) => count + 1), sessionsEveryMs);
    return () => clearInterval(timer);
  }, []);
  const now = user.value;
  if (now === null)
    return html`<div class="page-head"><h1 tabindex="-1"><${Name}>${username}<//></h1></div>
      ${user.fault?.status === 404 ? html`<p class="card">Nobody of this name was ever known here. <a href="#/clients">All clients</a></p>` : html`<${ReadFault} fault=${user.fault} again=${user.again} />`}`;
  const again = () => setBeat((count) => count + 1);
  return html`<${Head} user=${now} act=${setAction} changed=${again} />
    <div class="split"><div>
      <${RulesMadeBy} key=${now.status} username=${username} isGone=${['revoked', 'expired', 'denied'].includes(now.status)} />
      <${Rights} user=${now} change=${() => setAction('rights')} />
      <section class="card" aria-labelledby="story">
        <div class="row"><h2 id="story">How it came to this</h2>${mayRead && html`<a class="small" href="#/audit?username=${encodeURIComponent(username)}">Open in Audit</a>`}</div>
        ${mayRead ? html`<${Timeline} events=${story.value ?? []} /><${ReadFault} fault=${story.fault} again=${story.again} />` : html`<p class="soft">You may not read the history. That needs read on /api/audit/events.</p>`}
      </section>
    </div><div>
      <${Activations} activations=${now.activations} />
      <${Sessions} sessions=${sessions.value?.items ?? []} />
      <${Credentials} credentials=${now.credentials} />
      ${request.value !== null && html`<${FromRequest} request=${request.value} />`}
    </div></div>
    ${action === 'rights' && html`<${RightsDialog} user=${now} onClose=${() => setAction(null)} onDone=${again} />`}
    ${action !== null && action !== 'rights' && html`<${ActionDialog} key=${action} user=${now} action=${action} onClose=${() => setAction(null)} onDone=${again} />`}`;
}
