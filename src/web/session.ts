/** Signing in and out, and what happens when a session ends by itself. */
import { useState } from 'preact/hooks';
import type { Self } from '../api/output.ts';
import { call, get, holdRights, post, whenSessionIsOver } from './app/api.ts';
import { Brand, html, type View } from './app/html.ts';
import { startLive, stopLive } from './app/live.ts';
import { returnToPlace } from './app/place.ts';
import { change, fresh, state } from './app/store.ts';
import { FaultNotice, Field, Name, Notice, useCommand } from './parts/parts.ts';
import { SignOnButton, useOffer } from './sign-on.ts';

async function readMe(): Promise<void> {
  const me = await get<Self>('/api/whoami');
  const another = state.me != null && state.me.username !== me.username;
  holdRights(me);
  returnToPlace();
  change({ ...(another ? fresh() : {}), me, sessionOver: false });
  void startLive(!another && state.requestsLoaded);
}

/** At the start: is somebody signed in already? */
export async function begin(): Promise<void> {
  whenSessionIsOver(() => {
    stopLive(false);
    if (state.me == null) change({ me: null });
    else change({ sessionOver: true });
  });
  try {
    await readMe();
  } catch {
    if (state.me === undefined) change({ me: null });
  }
}

export async function signOut(): Promise<void> {
  stopLive();
  try {
    await call('DELETE', '/page/session');
  } catch {
    // Whatever the service says, nothing of it stays here.
  }
  holdRights(null);
  change({ ...fresh(), me: null, sessionOver: false, toast: null });
}

/** The whole page, or above it where a session has just ended. */
export function SignIn({ again }: { again: string | null }): View {
  const [username, setUsername] = useState(again ?? '');
  const [password, setPassword] = useState('');
  const command = useCommand();
  const offer = useOffer();
  const hasSignOn = offer?.url != null;
  const signIn = (event: Event) => {
    event.preventDefault();
    command.run(async () => {
      await post('/page/session', { username: username.trim(), password });
      setPassword('');
      await readMe();
    });
  };
  return html`<form class="card signin" onSubmit=${signIn} aria-labelledby="signin">
    <p class="brand"><${Brand} />Gatebook</p>
    <h1 id="signin">${again === null ? 'Sign in' : 'Signed out'}</h1>
    ${again !== null && html`<${Notice} tone="wait" icon="clock" role="alert">The session of <${Name}>${again}<//> is over. Sign in to go on; nothing you typed is lost.<//>`}
    <${SignOnButton} offer=${offer} />
    <${Field} id="user" label="Name"><input class="input" id="user" name="username" autocomplete="username" autocapitalize="none" spellcheck=${false} required value=${username} onInput=${(event: InputEvent) => setUsername((event.target as HTMLInputElement).value)} /><//>
    <${Field} id="pass" label="Password"><input class="input" id="pass" name="password" type="password" autocomplete="current-password" required value=${password} onInput=${(event: InputEvent) => setPassword((event.target as HTMLInputElement).value)} /><//>
    ${command.fault !== null && html`<${SignInFault} command=${command} />`}
    <button class="button" data-kind=${hasSignOn ? undefined : 'main'} disabled=${command.busy}>${command.busy ? 'Signing in…' : 'Sign in'}</button>
    ${again === null && !hasSignOn && html`<p class="small soft">The first administrator’s name is admin; its password was shown, or filed, at the first start.</p>`}
  </form>`;
}

const SignInFault = ({ command }: { command: ReturnType<typeof useCommand> }): View | null =>
  command.fault?.status === 401
    ? html`<${Notice} tone="bad" role="alert">This name and password do not fit together, or may not sign in. Check both.<//>`
    : (html`<${FaultNotice} command=${command} />` as View);
