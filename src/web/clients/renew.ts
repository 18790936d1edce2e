/** One click gives a client as long again as its access was given for; another takes that back. */
import type { User } from '../../api/output.ts';
import { may, nowMs, post } from '../app/api.ts';
import { html, type View } from '../app/html.ts';
import { showToast } from '../app/store.ts';
import { dateTime } from '../app/words.ts';
import { FaultNotice, useCommand } from '../parts/parts.ts';

export function RenewButton({ user, onDone }: { user: User; onDone: () => void }): View {
  const command = useCommand();
  const { username, expiresAt, status } = user;
  const path = `/api/users/${encodeURIComponent(username)}/renew`;
  const has = status === 'active' || status === 'suspended';
  // Whose end a sign-in sets.
  const isPerson = user.origin === 'sso';
  if (expiresAt === null || !has || isPerson || !may('write', `/api/users/${username}/renew`))
    return html``;
  const renew = () =>
    command.run(async () => {
      const after = await post<User>(path, {});
      onDone();
      showToast({
        tone: 'good',
        text: `${username}: access until ${dateTime(after.expiresAt ?? expiresAt, nowMs())}.`,
        action: {
          label: 'Undo',
          run: () => void post(path, { expiresAt, reason: 'Undone at the page' }).then(onDone),
        },
      });
    });
  return html`<button type="button" class="button" onClick=${renew} disabled=${command.busy}>Renew</button><${FaultNotice} command=${command} />`;
}
