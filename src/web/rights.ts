/** Choosing rights: roles to tick, permissions to add, and what they come to, topic by topic, name filled in. */
import { useId, useState } from 'preact/hooks';
import { compiled, effectivePermissions, mayPublish, mayRead } from '../../domain/matching.ts';
import type { Permission } from '../../domain/permission.ts';
import type { Role } from '../http/shapes.ts';
import { html, Icon, type View } from './html.ts';
import { Badge, Field, Said, TopicLine } from './parts.ts';
import { counted, operationWords, ownClientId, ownName } from './words.ts';

export interface TypedRights {
  readonly roles: readonly string[];
  readonly permissions: readonly Permission[];
  readonly mqttPublishPrefix: string;
  readonly mqttClientId: string;
  /** `2026-11-30`, or empty. */
  readonly ends: string;
  /** The end as it was, to the second: stays unless another day is chosen. */
  readonly endBefore?: string | null;
}
export const noRights: TypedRights = {
  roles: [],
  permissions: [],
  mqttPublishPrefix: '',
  mqttClientId: '',
  ends: '',
};

/** The end of the day that was chosen, where the person is. */
const endOf = (ends: string): string | null =>
  ends === '' ? null : new Date(`${ends}T23:59:59.000`).toISOString();

export const sentRights = (typed: TypedRights) => ({
  roles: typed.roles,
  permissions: typed.permissions.filter(({ resource }) => resource !== ''),
  mqttPublishPrefix: typed.mqttPublishPrefix === '' ? null : typed.mqttPublishPrefix,
  mqttClientId: typed.mqttClientId === '' ? null : typed.mqttClientId,
  expiresAt:
    typed.endBefore != null && typed.endBefore.slice(0, 10) === typed.ends
      ? typed.endBefore
      : endOf(typed.ends),
});

type SetRights = (change: Partial<TypedRights>) => void;
const shownRolesMax = 6;

function RoleChoice({
  role,
  asked,
  typed,
  set,
}: {
  role: Role;
  asked: boolean;
  typed: TypedRights;
  set: SetRights;
}): View {
  const chosen = typed.roles.includes(role.name);
  const toggle = () =>
    set({
      roles: chosen
        ? typed.roles.filter((name) => name !== role.name)
        : [...typed.roles, role.name],
    });
  return html`<label class="choice">
    <input type="checkbox" checked=${chosen} onChange=${toggle} />
    <span><strong>${role.name}</strong> ${asked && html`<${Badge} tone="info">asked for<//>`}<br />
      <span class="soft small">${role.description === null || role.description === '' ? counted(role.permissions.length, 'permission', 'permissions') : html`<${Said} text=${role.description} />`}</span>
    </span>
  </label>`;
}

function Roles({
  roles,
  asked,
  typed,
  set,
}: {
  roles: readonly Role[];
  asked: readonly string[] | null;
  typed: TypedRights;
  set: SetRights;
}): View {
  const [all, showAll] = useState(false);
  // What was asked for first, the built-in ones, which administer this registry, last.
  const rank = (role: Role) => (asked?.includes(role.name) ? 0 : role.builtIn ? 2 : 1);
  const sorted = [...roles].sort((a, b) => rank(a) - rank(b) || (a.name < b.name ? -1 : 1));
  const shown = all
    ? sorted
    : sorted.filter((role, at) => at < shownRolesMax || typed.roles.includes(role.name));
  const missing = (asked ?? []).filter((name) => !roles.some((role) => role.name === name));
  return html`<fieldset>
    <legend>Roles</legend>
    ${asked !== null && html`<p class="small soft">Nothing is ticked for you, not even what the device asked for.</p>`}
    ${shown.map((role) => html`<${RoleChoice} key=${role.name} role=${role} asked=${asked?.includes(role.name) === true} typed=${typed} set=${set} />`)}
    ${sorted.length > shown.length && html`<button type="button" class="link" onClick=${() => showAll(true)}>${counted(sorted.length - shown.length, 'more role', 'more roles')}</button>`}
    ${missing.length > 0 && html`<p class="small soft">Asked for, but there is no such role: <bdi>${missing.join(', ')}</bdi></p>`}
  </fieldset>`;
}

const may: readonly { value: Permission['operation']; context: Permission['context'] }[] = [
  { value: 'write', context: 'mqtt' },
  { value: 'read', context: 'mqtt' },
  { value: 'readWrite', context: 'mqtt' },
  { value: 'read', context: 'http' },
  { value: 'write', context: 'http' },
  { value: 'readWrite', context: 'http' },
];
const choiceWords = ({ value, context }: (typeof may)[number]) =>
  context === 'mqtt' ? operationWords(value, context) : `${operationWords(value, context)} by HTTP`;

export function PermissionRows({
  permissions,
  set,
}: {
  permissions: readonly Permission[];
  set: (permissions: Permission[]) => void;
}): View {
  const put = (at: number, permission: Permission) =>
    set(permissions.map((one, index) => (index === at ? permission : one)));
  return html`${permissions.map((permission, at) => {
    const choose = (event: Event) => {
      const chosen = may[Number((event.target as HTMLSelectElement).value)];
      if (chosen) put(at, { ...permission, operation: chosen.value, context: chosen.context });
    };
    const now = may.findIndex(
      ({ value, context }) => value === permission.operation && context === permission.context,
    );
    return html`<div class="permission" key=${at}>
      <select class="input" aria-label="May, permission ${at + 1}" value=${now} onChange=${choose}>
        ${may.map((choice, index) => html`<option value=${index} selected=${index === now} key=${index}>${choiceWords(choice)}</option>`)}
      </select>
      <input class="input" data-mono="" aria-label="${permission.context === 'mqtt' ? 'Topic' : 'Path'}, permission ${at + 1}" spellcheck=${false} autocomplete="off"
        placeholder=${permission.context === 'mqtt' ? `plant/${ownName}/#` : '/api/…'}
        value=${permission.resource} onInput=${(event: InputEvent) => put(at, { ...permission, resource: (event.target as HTMLInputElement).value })} />
      <button type="button" class="button" data-kind="quiet" onClick=${() => set(permissions.filter((_, index) => index !== at))}>
        <${Icon} name="cross" /><span class="sr">Remove permission ${at + 1}</span>
      </button>
    </div>`;
  })}`;
}

const same = (a: Permission) => (b: Permission) =>
  a.context === b.context && a.operation === b.operation && a.resource === b.resource;

function Further({
  asked,
  typed,
  set,
}: {
  asked: readonly Permission[];
  typed: TypedRights;
  set: SetRights;
}): View {
  const notGiven = asked.filter((permission) => !typed.permissions.some(same(permission)));
  const add = (permission: Permission) => set({ permissions: [...typed.permissions, permission] });
  return html`<fieldset class="stack">
    <legend>Further permissions</legend>
    <${PermissionRows} permissions=${typed.permissions} set=${(permissions: Permission[]) => set({ permissions })} />
    <p><button type="button" class="link small" onClick=${() => add({ context: 'mqtt', operation: 'write', resource: '' })}>Add a permission</button></p>
    ${
      notGiven.length > 0 &&
      html`<ul class="stack small" aria-label="Asked for, not given">${notGiven.map(
        (
          permission,
        ) => html`<li class="row"><span>Asked for, not given: ${operationWords(permission.operation, permission.context).toLowerCase()} <code><bdi>${permission.resource}</bdi></code></span>
          <button type="button" class="link" onClick=${() => add(permission)}>Give it<span class="sr">: ${permission.resource}</span></button></li>`,
      )}</ul>`
    }
  </fieldset>`;
}

export interface Preview {
  readonly permission: Permission;
  readonly from: string;
}

/** What rights come to for a name, each with where it is from. */
export function previewOf(username: string, typed: TypedRights, roles: readonly Role[]): Preview[] {
  const rights = sentRights(typed);
  const permissionsOf = (name: string) =>
    roles.find((role) => role.name === name)?.permissions ?? [];
  const of = (own: readonly Permission[], names: readonly string[]) =>
    effectivePermissions(
      { username, roles: names, permissions: own, mqttClientId: rights.mqttClientId },
      permissionsOf,
    );
  const found: Preview[] = of(rights.permissions, []).map((permission) => ({
    permission,
    from: 'added here',
  }));
  for (const name of typed.roles)
    for (const permission of of([], [name]))
      if (!found.some((one) => same(one.permission)(permission)))
        found.push({ permission, from: `role ${name}` });
  return found;
}

const shownTopicsMax = 40;

export function TopicPreview({
  username,
  previews,
  prefix,
}: {
  username: string;
  previews: readonly Preview[];
  prefix: string;
}): View {
  const mqtt = previews.filter(({ permission }) => permission.context === 'mqtt').length;
  const http = previews.length - mqtt;
  const id = useId();
  return html`<section class="stack" aria-labelledby=${id}>
    <p class="row"><strong id=${id}>What <bdi>${username}</bdi> will be able to do</strong>
      <span class="small soft">${counted(mqtt, 'topic', 'topics')}, ${http === 0 ? 'no access to this registry' : html`<${Badge} tone="wait" icon="alert">${counted(http, 'right', 'rights')} in this registry<//>`}</span></p>
    ${
      previews.length === 0
        ? html`<p class="well">Nothing yet: it may connect, and neither publish nor subscribe.</p>`
        : html`<ul class="topics lines">${previews
            .slice(0, shownTopicsMax)
            .map(
              ({ permission, from }) =>
                html`<${TopicLine} key=${`${permission.operation} ${permission.resource}`} permission=${permission} from=${from} mark=${username} />`,
            )}</ul>`
    }
    ${previews.length > shownTopicsMax && html`<p class="small soft">and ${previews.length - shownTopicsMax} more</p>`}
    <${TopicTester} username=${username} permissions=${previews.map(({ permission }) => permission)} prefix=${prefix} />
  </section>`;
}

/** "May X publish to Y?", answered by the rule that the broker goes by. */
export function TopicTester({
  username,
  permissions,
  prefix,
}: {
  username: string;
  permissions: readonly Permission[];
  prefix: string;
}): View {
  const [topic, setTopic] = useState('');
  const id = useId();
  const ready = compiled(permissions);
  const wildcards = /[+#]/.test(topic);
  const publish = !wildcards && mayPublish(ready, topic);
  const unprefixed = prefix !== '' && !wildcards && !publish && mayPublish(ready, prefix + topic);
  const read = mayRead(ready, topic);
  const words =
    publish && read
      ? 'publish and subscribe here'
      : publish
        ? 'publish here, not subscribe'
        : read
          ? 'subscribe here, not publish'
          : null;
  return html`<${Field} id=${id} label="Try a topic"
    hint=${
      topic === ''
        ? 'Type a topic, as the broker has it, to see whether it is allowed.'
        : html`<span role="status">${
            words === null
              ? html`<strong>No.</strong> <bdi>${username}</bdi> may ${wildcards ? 'not subscribe' : 'neither publish nor subscribe'} here.${unprefixed ? ` What it publishes as ${topic} goes to ${prefix}${topic}, which it may.` : ''}`
              : html`<strong>Yes.</strong> <bdi>${username}</bdi> may ${words}.`
          }</span>`
    }>
    <input class="input" id=${id} data-mono="" aria-describedby="${id}-h" spellcheck=${false} autocomplete="off" value=${topic} onInput=${(event: InputEvent) => setTopic((event.target as HTMLInputElement).value)} />
  <//>`;
}

export function RightsEditor({
  username,
  roles,
  typed,
  set,
  askedRoles = null,
  askedPermissions = [],
  faultOf = () => undefined,
}: {
  username: string;
  roles: readonly Role[];
  typed: TypedRights;
  set: SetRights;
  /** null: nobody asked. */
  askedRoles?: readonly string[] | null;
  askedPermissions?: readonly Permission[];
  faultOf?: (field: string) => string | undefined;
}): View {
  const text = (
    field: 'mqttPublishPrefix' | 'mqttClientId' | 'ends',
    more: object,
  ) => html`<input class="input" id=${field} aria-describedby="${field}-h"
    aria-invalid=${faultOf(field === 'ends' ? 'expiresAt' : field) !== undefined} value=${typed[field]} autocomplete="off"
    onInput=${(event: InputEvent) => set({ [field]: (event.target as HTMLInputElement).value })} ...${more} />`;
  const prefix = typed.mqttPublishPrefix;
  return html`
    <${Roles} roles=${roles} asked=${askedRoles} typed=${typed} set=${set} />
    <${Further} asked=${askedPermissions} typed=${typed} set=${set} />
    <div class="fields">
      <${Field} id="mqttPublishPrefix" label="Publish prefix" fault=${faultOf('mqttPublishPrefix')}
        hint=${prefix === '' ? 'Put in front of what it publishes, as it stands.' : html`It publishes <code>state</code>, others see <code>${prefix}state</code>.`}>
        ${text('mqttPublishPrefix', { 'data-mono': '', spellcheck: false })}
      <//>
      <${Field} id="ends" label="Ends" hint="The last day. Empty: until somebody ends it." fault=${faultOf('expiresAt')}>
        ${text('ends', { type: 'date' })}
      <//>
      <${Field} id="mqttClientId" label="Client id" hint=${`Empty: any. Fills ${ownClientId}.`} fault=${faultOf('mqttClientId')}>
        ${text('mqttClientId', { 'data-mono': '', spellcheck: false })}
      <//>
    </div>
    <${TopicPreview} username=${username} previews=${previewOf(username, typed, roles)} prefix=${prefix} />`;
}
