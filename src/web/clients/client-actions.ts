/** What one can do to a client, each with what it will do before it is done. */
import { useState } from 'preact/hooks';
import type { User } from '../../api/output.ts';
import { call, get, post } from '../app/api.ts';
import { html, type View } from '../app/html.ts';
import { useFreshRoles } from '../app/live.ts';
import { showToast, useStore } from '../app/store.ts';
import { counted } from '../app/words.ts';
import { Dialog } from '../parts/dialog.ts';
import { FaultNotice, Field, Name, Notice, useCommand } from '../parts/parts.ts';
import { ReasonField, reasonField } from '../parts/reason.ts';
import { RightsEditor } from '../rights/rights.ts';
import { heldRights, sentRights, type TypedRights } from '../rights/typed-rights.ts';

export type Action = 'suspend' | 'resume' | 'revoke' | 'reinstate' | 'rotate' | 'erase';

interface Words {
  readonly title: string;
  readonly button: string;
  readonly kind: 'main' | 'danger';
  readonly will: (user: User) => string;
  readonly done: string;
}

const sessions = (user: User): string =>
  user.sessionCount === 0
    ? 'It has no session now.'
    : `${counted(user.sessionCount, 'session is', 'sessions are')} closed at once.`;

export const actionWords: Readonly<Record<Action, Words>> = {
  suspend: {
    title: 'Suspend',
    button: 'Suspend',
    kind: 'danger',
    will: (user) =>
      `It can do nothing until somebody resumes it; it keeps its rights and its password. ${sessions(user)}`,
    done: 'Suspended.',
  },
  resume: {
    title: 'Resume',
    button: 'Resume',
    kind: 'main',
    will: () => 'It has its rights again at once, with the same password.',
    done: 'Resumed.',
  },
  revoke: {
    title: 'Revoke the access of',
    button: 'Revoke',
    kind: 'danger',
    will: (user) =>
      `Its password and tokens open nothing any more. ${sessions(user)} Nobody can ask for this name until you reinstate it.`,
    done: 'Revoked. Nobody can ask for this name until you reinstate it.',
  },
  reinstate: {
    title: 'Reinstate',
    button: 'Reinstate',
    kind: 'main',
    will: () =>
      'It has no access yet, but may ask again when the registry is unlocked. A block ends too.',
    done: 'Reinstated. It may ask again when the registry is unlocked.',
  },
  rotate: {
    title: 'New password for',
    button: 'Make a new password',
    kind: 'danger',
    will: (user) =>
      `The old password ends at once, and so do sign-ins. ${sessions(user)} The new one is shown once, here.`,
    done: 'The password is a new one.',
  },
  erase: {
    title: 'Erase what is personal of',
    button: 'Erase',
    kind: 'danger',
    will: (user) =>
      `Its addresses, client ids and what it said of itself become unreadable for ever, its password is forgotten, and it has no access. ${sessions(user)} The history stays whole. This cannot be undone.`,
    done: 'Erased. The history stays, without what was personal.',
  },
};

export function ActionDialog({
  user,
  action,
  onClose,
  onDone,
}: {
  user: User;
  action: Action;
  onClose: () => void;
  onDone: () => void;
}): View {
  const words = actionWords[action];
  const [reason, setReason] = useState('');
  const [endTokens, setEndTokens] = useState(false);
  const [password, setPassword] = useState<string | null>(null);
  const command = useCommand();
  const act = () => {
    if (command.busy || password !== null) return;
    command.run(async () => {
      const after = await post<User & { password?: string | null }>(
        `/api/users/${encodeURIComponent(user.username)}/${action}`,
        { ...reasonField(reason), ...(endTokens ? { endTokens } : {}) },
      );
      onDone();
      if (after.password) {
        setPassword(after.password);
        return;
      }
      showToast({ tone: 'good', text: `${user.username}: ${words.done}` });
      onClose();
    });
  };
  const foot =
    password !== null
      ? html`<div class="buttons"><button type="button" class="button" data-kind="main" onClick=${onClose}>I have it</button></div>`
      : html`<div class="buttons">
          <button type="button" class="button" data-kind="quiet" onClick=${onClose}>Cancel</button>
          <button type="button" class="button" data-kind=${words.kind} onClick=${act} disabled=${command.busy}>${words.button}</button>
        </div>`;
  return html`<${Dialog} narrow title=${html`${words.title} <${Name}>${user.username}<//>`} changed=${password === null && reason !== ''} onClose=${onClose} onConfirm=${act} foot=${foot}>
    <section aria-label=${words.title}>
      ${
        password !== null
          ? html`<${OnceShown} label="The new password" text=${password} />`
          : html`<p>${words.will(user)}</p>
            ${action === 'rotate' && html`<label class="choice"><input type="checkbox" checked=${endTokens} onChange=${() => setEndTokens(!endTokens)} /><span>End its named tokens too. <span class="soft">Without this, who holds one goes on.</span></span></label>`}
            <${ReasonField} id="act-why" reason=${reason} set=${setReason} />`
      }
      <${FaultNotice} command=${command} />
    </section>
  <//>`;
}

/** A secret that was just made: here, once, and nowhere else. */
export function OnceShown({ label, text }: { label: string; text: string }): View {
  const [copied, setCopied] = useState(false);
  const copy = () =>
    navigator.clipboard?.writeText(text).then(
      () => setCopied(true),
      () => setCopied(false),
    );
  return html`<div class="stack">
    <${Notice} tone="wait">Shown only now. Keep it where only its owner reads it.<//>
    <${Field} id="once" label=${label}><textarea class="input once" id="once" data-mono="" readonly rows="3" onFocus=${(event: FocusEvent) => (event.target as HTMLTextAreaElement).select()}>${text}</textarea><//>
    ${'clipboard' in navigator && html`<p><button type="button" class="button" onClick=${copy}>${copied ? 'Copied' : 'Copy'}</button></p>`}
  </div>`;
}

export function RightsDialog({
  user,
  onClose,
  onDone,
}: {
  user: User;
  onClose: () => void;
  onDone: () => void;
}): View {
  const { roles } = useStore();
  useFreshRoles();
  const [typed, setTyped] = useState(heldRights(user));
  const [reason, setReason] = useState('');
  const [changed, setChanged] = useState(false);
  const command = useCommand();
  const path = `/api/users/${encodeURIComponent(user.username)}`;
  const put = (rights: object) => call<User>('PUT', `${path}/authorization`, rights);
  const save = () => {
    if (command.busy) return;
    command.run(async () => {
      const {
        roles: names,
        permissions,
        mqttPublishPrefix,
        mqttClientId,
        expiresAt,
      } = await get<User>(path);
      await put({
        ...sentRights(typed),
        ...reasonField(reason),
      });
      const before = { roles: names, permissions, mqttPublishPrefix, mqttClientId, expiresAt };
      onDone();
      onClose();
      showToast({
        tone: 'good',
        text: `${user.username}: rights changed, in force at once.`,
        action: {
          label: 'Undo',
          run: () => void put({ ...before, reason: 'Undone at the page' }).then(onDone),
        },
      });
    });
  };
  const foot = html`<p class="small soft wide-only">Live sessions obey at once.</p><div class="buttons">
    <button type="button" class="button" data-kind="quiet" onClick=${onClose}>Cancel</button>
    <button type="button" class="button" data-kind="main" onClick=${save} disabled=${command.busy || !changed}>Change rights</button>
  </div>`;
  const set = (change: Partial<TypedRights>) => {
    setTyped((before) => ({ ...before, ...change }));
    setChanged(true);
  };
  return html`<${Dialog} narrow title=${html`Rights of <${Name}>${user.username}<//>`} changed=${changed} onClose=${onClose} onConfirm=${save} foot=${foot}>
    <section aria-label="Rights">
      <${RightsEditor} username=${user.username} roles=${roles} typed=${typed} set=${set} faultOf=${command.faultOf} />
      <${ReasonField} id="rights-why" reason=${reason} set=${setReason} />
      <${FaultNotice} command=${command} />
    </section>
  <//>`;
}
