/** What is done to several clients at once, after it was said to how many. */
import { useState } from 'preact/hooks';
import type { User } from '../../api/output.ts';
import { asFault, faultWords, may, post, waitsCode } from '../app/api.ts';
import { html, type View } from '../app/html.ts';
import { announce, showToast, state } from '../app/store.ts';
import { counted } from '../app/words.ts';
import { Dialog } from '../parts/dialog.ts';
import { FaultNotice, Notice, useCommand } from '../parts/parts.ts';
import { ReasonField, reasonField } from '../parts/reason.ts';
import { askToRevoke, mayRevoke } from '../registry/decisions.ts';

type ManyAction = 'suspend' | 'resume' | 'revoke';

interface ActionWords {
  readonly button: string;
  readonly done: string;
  readonly will: string;
  /** Of whom it can be done. */
  readonly of: readonly User['status'][];
}

const actions: Readonly<Record<ManyAction, ActionWords>> = {
  suspend: {
    button: 'Suspend',
    done: 'suspended',
    will: 'They can do nothing until somebody resumes them; they keep their rights and passwords. Their sessions are closed at once.',
    of: ['active'],
  },
  resume: {
    button: 'Resume',
    done: 'resumed',
    will: 'They have their rights again at once, with the same passwords.',
    of: ['suspended'],
  },
  revoke: { button: 'Revoke', done: 'revoked', will: '', of: ['active', 'suspended'] },
};

/** Nobody locks themselves out by a list. */
const reached = (action: ManyAction, chosen: readonly User[]): User[] =>
  chosen.filter(
    ({ username, status }) =>
      actions[action].of.includes(status) &&
      (action === 'resume' || username !== state.me?.username),
  );

/** One after the other; what could not be done is told. */
async function doAll(
  action: ManyAction,
  users: readonly User[],
  said: object,
  onStep: (done: number) => void,
): Promise<void> {
  const failed: string[] = [];
  let waiting = 0;
  for (const [at, { username }] of users.entries()) {
    try {
      await post(`/api/users/${encodeURIComponent(username)}/${action}`, said);
    } catch (error) {
      const fault = asFault(error);
      if (fault.code === waitsCode) waiting++;
      else failed.push(`${username}: ${faultWords(fault)}`);
    }
    onStep(at + 1);
  }
  const doneCount = users.length - failed.length - waiting;
  const text = [
    `${counted(doneCount, 'client', 'clients')} ${actions[action].done}.`,
    waiting > 0 ? `${waiting} wait for other people: see Approvals.` : '',
    failed.length > 0 ? `Not done: ${failed.join(' ')}` : '',
  ];
  const words = text.filter(Boolean).join(' ');
  announce(words);
  showToast({ tone: failed.length > 0 ? 'bad' : waiting > 0 ? 'wait' : 'good', text: words });
}

const namesShownMax = 12;

function ManyDialog({
  action,
  users,
  left,
  onClose,
  onDone,
}: {
  action: ManyAction;
  users: readonly User[];
  left: number;
  onClose: () => void;
  onDone: () => void;
}): View {
  const [reason, setReason] = useState('');
  const [done, setDone] = useState(0);
  const command = useCommand();
  const { button, will } = actions[action];
  const act = () => {
    if (command.busy) return;
    command.run(async () => {
      await doAll(action, users, reasonField(reason), setDone);
      onDone();
      onClose();
    });
  };
  const names = users.slice(0, namesShownMax).map(({ username }) => username);
  const foot = html`<div class="buttons">
    <button type="button" class="button" data-kind="quiet" onClick=${onClose} disabled=${command.busy}>Cancel</button>
    <button type="button" class="button" data-kind=${action === 'resume' ? 'main' : 'danger'} onClick=${act} disabled=${command.busy}>${command.busy ? `${done} of ${users.length}…` : `${button} ${users.length}`}</button>
  </div>`;
  return html`<${Dialog} narrow title=${`${button} ${counted(users.length, 'client', 'clients')}`} changed=${reason !== ''} onClose=${onClose} onConfirm=${act} foot=${foot}>
    <section aria-label=${button}>
      <p>${will}</p>
      <p class="small soft"><bdi>${names.join(', ')}</bdi>${users.length > names.length && ` and ${users.length - names.length} more`}</p>
      ${left > 0 && html`<${Notice} tone="wait">${counted(left, 'is', 'are')} left alone: in another state, or yourself.<//>`}
      <${ReasonField} id="many-why" reason=${reason} set=${setReason} />
      <${FaultNotice} command=${command} />
    </section>
  <//>`;
}

export function ManyClients({
  chosen,
  clear,
  again,
}: {
  chosen: readonly User[];
  clear: () => void;
  again: () => void;
}): View {
  const [asking, setAsking] = useState<ManyAction | null>(null);
  const button = (action: ManyAction) => {
    const users = reached(action, chosen);
    const isAllowed = action === 'revoke' ? mayRevoke('x') : may('write', `/api/users/x/${action}`);
    const ask = () =>
      action === 'revoke' ? askToRevoke(users.map(({ username }) => username)) : setAsking(action);
    if (users.length === 0) return html``;
    return html`<button class="button" data-kind=${action === 'revoke' ? 'danger' : undefined} disabled=${!isAllowed} onClick=${ask}>${actions[action].button} ${users.length}…</button>`;
  };
  return html`<div class="row bulk many">
    <p><strong>${chosen.length} selected.</strong></p>
    <div class="buttons"><button class="button" data-kind="quiet" onClick=${clear}>Clear</button>${button('resume')}${button('suspend')}${button('revoke')}</div>
    ${
      asking !== null &&
      html`<${ManyDialog} key=${asking} action=${asking} users=${reached(asking, chosen)} left=${chosen.length - reached(asking, chosen).length} onClose=${() => setAsking(null)}
        onDone=${() => {
          clear();
          again();
        }} />`
    }
  </div>`;
}
