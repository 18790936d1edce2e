/** Revokes what was granted a moment ago: what it does is said before it is done. */
import { useState } from 'preact/hooks';
import { html, type View } from '../app/html.ts';
import { change, useStore } from '../app/store.ts';
import { Dialog } from '../parts/dialog.ts';
import { FaultNotice, Name, useCommand } from '../parts/parts.ts';
import { ReasonField, reasonField } from '../parts/reason.ts';
import { revokeAll } from './decisions.ts';

/** Whatever view is open: the one who granted may have gone on already. */
export function Revoking(): View | null {
  const { revoking } = useStore();
  return revoking === null
    ? null
    : html`<${RevokeDialog} key=${revoking.join(' ')} usernames=${revoking} />`;
}

function RevokeDialog({ usernames }: { usernames: readonly string[] }): View {
  const [reason, setReason] = useState('');
  const command = useCommand();
  const [first = ''] = usernames;
  const isOne = usernames.length === 1;
  const onClose = () => change({ revoking: null });
  const revoke = () => {
    if (command.busy) return;
    command.run(async () => {
      await revokeAll(usernames, reasonField(reason));
      onClose();
    });
  };
  const foot = html`<div class="buttons">
    <button type="button" class="button" data-kind="quiet" onClick=${onClose}>Cancel</button>
    <button type="button" class="button" data-kind="danger" onClick=${revoke} disabled=${command.busy}>Revoke</button>
  </div>`;
  const title = isOne
    ? html`Revoke the access of <${Name}>${first}<//>`
    : `Revoke the access of ${usernames.length}`;
  return html`<${Dialog} narrow title=${title} changed=${reason !== ''} onClose=${onClose} onConfirm=${revoke} foot=${foot}>
    <section aria-label="What revoking does">
      <p>${isOne ? 'It does not wait again' : 'They do not wait again'}: sessions are closed at once, and ${isOne ? 'the device is told that its access was revoked, and stops asking' : 'each device is told that its access was revoked, and stops asking'}. Nobody can ask for ${isOne ? 'this name until you reinstate it' : 'these names until you reinstate them'}; then somebody has to start ${isOne ? 'the device' : 'the devices'} anew.</p>
      ${!isOne && html`<p class="small soft"><bdi>${usernames.slice(0, 12).join(', ')}</bdi>${usernames.length > 12 ? ` and ${usernames.length - 12} more` : ''}</p>`}
      <${ReasonField} id="revoke-why" reason=${reason} set=${setReason} />
      <${FaultNotice} command=${command} />
    </section>
  <//>`;
}
