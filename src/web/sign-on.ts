/** Signing in at the identity provider, as the sign-in form offers it, and why somebody came back without a session. */
import { useEffect, useState } from 'preact/hooks';
import type { SignInOffer } from '../api/output.ts';
import { get } from './app/api.ts';
import { html, type View } from './app/html.ts';
import { keepPlace } from './app/place.ts';
import { Notice } from './parts/parts.ts';

const words: Readonly<Record<string, string>> = {
  'sso-not-permitted':
    'The identity provider knows you, but nothing that it says of you gives access here. Ask who runs this registry.',
  'sso-username-taken':
    'The name that the identity provider gives you belongs to somebody else here. Ask who runs it for another name.',
  'sso-unavailable':
    'The identity provider does not answer. Wait and try again, or sign in with a local account.',
  'credentials-invalid':
    'The identity provider does not vouch for this sign-in: it was broken off, took too long, or was used before. Begin it anew.',
  'login-throttled':
    'Too many sign-ins failed from this address, or too many of yours came in a minute. Wait and try again.',
};

/** Why somebody came back without a session; null: nobody did. Anybody can write this into a link: only words of ours show. */
function refusalIn(hash: string): string | null {
  const [, code] = /^#\/sign-in\?refused=(.+)$/.exec(hash) ?? [];
  if (code === undefined) return null;
  return Object.hasOwn(words, code)
    ? (words[code] as string)
    : 'That sign-in did not work. Begin it anew.';
}

/** Null until it is known; a service that does not say offers none. */
export function useOffer(): SignInOffer | null {
  const [offer, setOffer] = useState<SignInOffer | null>(null);
  useEffect(() => {
    get<SignInOffer>('/page/sso').then(setOffer, () => setOffer({ name: null, url: null }));
  }, []);
  return offer;
}

export function SignOnButton({ offer }: { offer: SignInOffer | null }): View | null {
  const [refusal] = useState(() => refusalIn(location.hash));
  useEffect(() => {
    if (refusalIn(location.hash) !== null) history.replaceState(null, '', '#/');
  }, []);
  if (offer?.url == null) return null;
  return html`${refusal !== null && html`<${Notice} tone="bad" role="alert">${refusal}<//>`}
    <a class="button" data-kind="main" href=${offer.url} onClick=${keepPlace}>Sign in with <bdi>${offer.name}</bdi></a>
    <p class="small soft or">Or with an account of this registry:</p>`;
}
