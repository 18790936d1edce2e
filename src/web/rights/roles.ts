/** Roles: named sets of permissions, and what one would allow whom. */
import { useState } from 'preact/hooks';
import { effectivePermissions } from '../../../domain/matching.ts';
import type { Permission } from '../../../domain/permission.ts';
import type { Role } from '../../api/output.ts';
import { call, may } from '../app/api.ts';
import { html, type View } from '../app/html.ts';
import { readRoles, useFreshRoles } from '../app/live.ts';
import { showToast, useStore } from '../app/store.ts';
import { counted, ownName } from '../app/words.ts';
import { Dialog } from '../parts/dialog.ts';
import { Badge, FaultNotice, Field, Name, Said, TopicLine, useCommand } from '../parts/parts.ts';
import { PermissionRows } from './rights.ts';
import { TopicTester } from './topic-preview.ts';

const pathOf = (name: string): string => `/api/roles/${encodeURIComponent(name)}`;

function RoleDialog({ role, onClose }: { role: Role | null; onClose: () => void }): View {
  const [name, setName] = useState(role?.name ?? '');
  const [description, setDescription] = useState(role?.description ?? '');
  const [permissions, setPermissions] = useState<readonly Permission[]>(
    role?.permissions ?? [{ context: 'mqtt', operation: 'write', resource: `plant/${ownName}/#` }],
  );
  const [who, setWho] = useState('press-17');
  const [changed, setChanged] = useState(false);
  const command = useCommand();
  const given = permissions.filter(({ resource }) => resource !== '');
  const save = () => {
    if (command.busy) return;
    command.run(async () => {
      await call<Role>('PUT', pathOf(name), {
        permissions: given,
        ...(description === '' ? {} : { description }),
      });
      await readRoles();
      showToast({
        tone: 'good',
        text: `Role ${name} is kept. ${role === null || role.userCount === 0 ? 'Nobody has it yet.' : `In force at once for ${counted(role.userCount, 'client', 'clients')}.`}`,
      });
      onClose();
    });
  };
  const touched =
    <T>(set: (value: T) => void) =>
    (value: T) => {
      set(value);
      setChanged(true);
    };
  const filled = effectivePermissions(
    { username: who, roles: [], permissions: given, mqttClientId: null },
    () => [],
  );
  const foot = html`<p class="small soft wide-only">${role !== null && role.userCount > 0 ? `${counted(role.userCount, 'client has', 'clients have')} this role: live sessions obey at once.` : ''}</p>
    <div class="buttons"><button type="button" class="button" data-kind="quiet" onClick=${onClose}>Cancel</button>
    <button type="button" class="button" data-kind="main" onClick=${save} disabled=${command.busy || !changed}>Keep role</button></div>`;
  return html`<${Dialog} narrow title=${role === null ? 'New role' : html`Role <${Name}>${role.name}<//>`} changed=${changed} onClose=${onClose} onConfirm=${save} foot=${foot}>
    <section aria-label="Role">
      ${role === null && html`<${Field} id="role-name" label="Name" hint="At most 64 of letters, digits, . _ -" fault=${command.faultOf('name')}><input class="input" id="role-name" autocomplete="off" spellcheck=${false} aria-describedby="role-name-h" value=${name} onInput=${(event: InputEvent) => touched(setName)((event.target as HTMLInputElement).value)} /><//>`}
      <${Field} id="role-text" label="What it is for" hint="Shown where it is ticked." fault=${command.faultOf('description')}><input class="input" id="role-text" maxlength="1000" autocomplete="off" aria-describedby="role-text-h" value=${description} onInput=${(event: InputEvent) => touched(setDescription)((event.target as HTMLInputElement).value)} /><//>
      <fieldset class="stack"><legend>Permissions</legend>
        <p class="small soft"><code>+</code> is one level, <code>#</code> the rest, <code>${ownName}</code> the client’s own name.</p>
        <${PermissionRows} permissions=${permissions} set=${touched(setPermissions)} />
        <p><button type="button" class="link small" onClick=${() => touched(setPermissions)([...permissions, { context: 'mqtt', operation: 'read', resource: '' }])}>Add a permission</button></p>
      </fieldset>
      <section class="stack" aria-labelledby="tester"><h3 id="tester">What it allows</h3>
        <${Field} id="who-for" label="To a client named"><input class="input" id="who-for" autocomplete="off" spellcheck=${false} value=${who} onInput=${(event: InputEvent) => setWho((event.target as HTMLInputElement).value)} /><//>
        ${filled.length > 0 && html`<ul class="topics lines">${filled.slice(0, 40).map((permission) => html`<${TopicLine} permission=${permission} mark=${who} />`)}</ul>`}
        <${TopicTester} username=${who} permissions=${filled} prefix="" />
      </section>
      <${FaultNotice} command=${command} />
    </section>
  <//>`;
}

function RemoveDialog({ role, onClose }: { role: Role; onClose: () => void }): View {
  const command = useCommand();
  const remove = () =>
    command.run(async () => {
      await call('DELETE', pathOf(role.name));
      await readRoles();
      showToast({ tone: 'good', text: `Role ${role.name} is removed.` });
      onClose();
    });
  const used = role.userCount > 0;
  const foot = html`<div class="buttons"><button type="button" class="button" data-kind="quiet" onClick=${onClose}>Cancel</button>
    <button type="button" class="button" data-kind="danger" onClick=${remove} disabled=${command.busy || used}>Remove role</button></div>`;
  return html`<${Dialog} narrow title=${html`Remove the role <${Name}>${role.name}<//>`} onClose=${onClose} foot=${foot}>
    <section aria-label="Removal"><p>${used ? `${counted(role.userCount, 'client has', 'clients have')} it. Take it from them first.` : 'Nobody has it. The history keeps what it was.'}</p><${FaultNotice} command=${command} /></section>
  <//>`;
}

type OpenDialog = { readonly what: 'edit' | 'remove'; readonly role: Role | null } | null;

export function Roles(): View {
  const { roles } = useStore();
  useFreshRoles();
  const [open, setOpen] = useState<OpenDialog>(null);
  const close = () => setOpen(null);
  const editable = may('write', '/api/roles/x');
  return html`<div class="page-head"><h1 tabindex="-1">Roles</h1>
      ${editable && html`<div class="buttons"><button class="button" data-kind="main" onClick=${() => setOpen({ what: 'edit', role: null })}>New role…</button></div>`}
      <p>A role is a named set of permissions. Change it, and everybody who has it obeys at once.</p></div>
    <ul class="stack cards">${roles.map(
      (role) => html`<li class="card" key=${role.name}>
        <div class="row"><div class="buttons"><h2>${role.name}</h2>${role.builtIn && html`<${Badge}>built in<//>`}<span class="soft small">${counted(role.userCount, 'client', 'clients')}</span></div>
          ${
            !role.builtIn &&
            editable &&
            html`<div class="buttons"><button class="button" onClick=${() => setOpen({ what: 'edit', role })}>Change…<span class="sr"> ${role.name}</span></button><button class="button" data-kind="quiet" onClick=${() => setOpen({ what: 'remove', role })}>Remove…<span class="sr"> ${role.name}</span></button></div>`
          }</div>
        ${role.description !== null && role.description !== '' && html`<p class="soft"><${Said} text=${role.description} /></p>`}
        <ul class="topics lines">${role.permissions.slice(0, 30).map((permission) => html`<${TopicLine} permission=${permission} mark=${ownName} />`)}</ul>
        ${role.permissions.length === 0 && html`<p class="soft small">Allows nothing.</p>`}
      </li>`,
    )}</ul>
    ${roles.every(({ builtIn }) => builtIn) && html`<p class="card">No role of your own yet. Make one for each kind of device: what a press may publish, what a display may read.</p>`}
    ${open?.what === 'edit' && html`<${RoleDialog} key=${open.role?.name ?? ''} role=${open.role} onClose=${close} />`}
    ${open?.what === 'remove' && open.role !== null && html`<${RemoveDialog} role=${open.role} onClose=${close} />`}`;
}
