/** A client made by an administrator, without a request: a person, or an app that never asks. */
import { useState } from 'preact/hooks';
import type { User } from '../../api/output.ts';
import { post } from '../app/api.ts';
import { html, type View } from '../app/html.ts';
import { useFreshRoles } from '../app/live.ts';
import { useStore } from '../app/store.ts';
import { FaultNotice, Field, Name, useCommand } from '../parts/parts.ts';
import { ReasonField, reasonField } from '../parts/reason.ts';
import { RightsEditor } from '../rights/rights.ts';
import { noRights, sentRights, type TypedRights } from '../rights/typed-rights.ts';
import { OnceShown } from './client-actions.ts';
import { clientLink } from './clients.ts';

export function NewClient(): View {
  const { roles } = useStore();
  useFreshRoles();
  const [username, setUsername] = useState('');
  const [reason, setReason] = useState('');
  const [typed, setTyped] = useState<TypedRights>(noRights);
  const [made, setMade] = useState<(User & { password: string | null }) | null>(null);
  const command = useCommand();
  const create = (event: Event) => {
    event.preventDefault();
    command.run(async () => {
      setMade(
        await post('/api/users', {
          username: username.trim(),
          ...sentRights(typed),
          ...reasonField(reason),
        }),
      );
    });
  };
  if (made !== null)
    return html`<div class="page-head"><h1 tabindex="-1"><${Name}>${made.username}<//> has access</h1></div>
      <section class="card" aria-label="Password">${made.password !== null && html`<${OnceShown} label="Its password" text=${made.password} />`}<p><a href=${clientLink(made.username)}>Open <${Name}>${made.username}<//></a></p></section>`;
  return html`<div class="page-head"><h1 tabindex="-1">New client</h1><p>Without a request. A password is made, and shown once. To let a device ask by itself, <a href="#/">unlock the registry</a>.</p></div>
    <form class="card" onSubmit=${create}>
      <${Field} id="username" label="Name" hint="3 to 128 of letters, digits, . _ @ : -" fault=${command.faultOf('username')}><input class="input" id="username" autocomplete="off" spellcheck=${false} aria-describedby="username-h" value=${username} onInput=${(event: InputEvent) => setUsername((event.target as HTMLInputElement).value)} /><//>
      <${RightsEditor} username=${username.trim() === '' ? 'it' : username.trim()} roles=${roles} typed=${typed} set=${(change: Partial<TypedRights>) => setTyped((before) => ({ ...before, ...change }))} faultOf=${command.faultOf} />
      <${ReasonField} id="new-why" reason=${reason} set=${setReason} />
      <${FaultNotice} command=${command} />
      <div class="buttons"><button class="button" data-kind="main" disabled=${command.busy || username.trim() === ''}>Make client</button><a class="button" data-kind="quiet" href="#/clients">Cancel</a></div>
    </form>`;
}
