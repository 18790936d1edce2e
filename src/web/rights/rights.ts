/** Choosing rights: roles to tick, permissions to add, a prefix, a client id and an end. */
import { useState } from 'preact/hooks';
import type { Permission } from '../../../domain/permission.ts';
import type { Role } from '../../api/output.ts';
import { html, Icon, type View } from '../app/html.ts';
import { counted, operationWords, ownClientId, ownName } from '../app/words.ts';
import { Badge, Field, Said } from '../parts/parts.ts';
import { previewOf, TopicPreview } from './topic-preview.ts';
import { samePermission, type TypedRights } from './typed-rights.ts';

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

function Further({
  asked,
  typed,
  set,
}: {
  asked: readonly Permission[];
  typed: TypedRights;
  set: SetRights;
}): View {
  const notGiven = asked.filter(
    (permission) => !typed.permissions.some(samePermission(permission)),
  );
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
