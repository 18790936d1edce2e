/** A real identity provider for a test (npm's oidc-provider), whose people, groups and words can be changed as it runs. */
import { generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

type Claims = Record<string, unknown>;

/** What of `oidc-provider`, which has no types of its own, is used here. */
interface OidcProvider {
  callback(): (request: IncomingMessage, response: ServerResponse) => void;
  use(step: (ctx: Context, next: () => Promise<void>) => Promise<void>): void;
}
interface Context {
  readonly path: string;
  body: Claims;
  readonly oidc: {
    readonly client: { readonly clientId: string };
    readonly session: { readonly accountId: string };
    readonly provider: {
      readonly Grant: new (
        of: object,
      ) => { addOIDCScope(scope: string): void; save(): Promise<string> };
    };
  };
}

const { Provider } = (await import('oidc-provider' as string)) as {
  Provider: new (issuer: string, configuration: object) => OidcProvider;
};

export interface IdentityProvider {
  readonly issuer: string;
  readonly clientId: string;
  readonly clientSecret: string;
  /** By what they type as their login; what is not there is unknown to the provider. */
  readonly people: Map<string, Claims>;
  /** Changes the ID token before it leaves: its claims, or what it is signed with. */
  tamper: ((claims: Claims) => { claims?: Claims; key?: KeyObject; alg?: string }) | null;
  /** Answers a question in the provider's place, or passes it on, now or later. */
  interfere:
    | ((request: IncomingMessage, response: ServerResponse, passOn: () => void) => void)
    | null;
  readonly key: KeyObject;
  /** The settings of a registry that signs its people in here. */
  environment(port: number, roles?: object): Record<string, string>;
  /** Takes it away, and brings it back on the same port. */
  away(): Promise<void>;
  back(): Promise<void>;
  stop(): Promise<void>;
}

const base64url = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');

/** A JWT as an attacker, or the provider itself, would write it. */
export function jwt(claims: Claims, key: KeyObject | null, alg = 'ES256'): string {
  const said = `${base64url({ alg, kid: 'test', typ: 'JWT' })}.${base64url(claims)}`;
  const signature =
    key === null
      ? ''
      : sign('sha256', Buffer.from(said), { key, dsaEncoding: 'ieee-p1363' }).toString('base64url');
  return `${said}.${signature}`;
}

export const newKey = (): KeyObject =>
  generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;

/** @param origin the registry’s, which people come back to */
export async function startIdentityProvider(
  port: number,
  origin = `http://127.0.0.1:${port}`,
): Promise<IdentityProvider> {
  const key = newKey();
  const people = new Map<string, Claims>();
  const clientSecret = randomBytes(16).toString('hex');
  let server: Server = await listening(createServer(), 0);
  const { port: own } = server.address() as AddressInfo;
  const issuer = `http://localhost:${own}`;
  const provider = new Provider(issuer, {
    jwks: { keys: [{ ...key.export({ format: 'jwk' }), kid: 'test', alg: 'ES256', use: 'sig' }] },
    clients: [
      {
        client_id: 'gatebook',
        client_secret: clientSecret,
        redirect_uris: [`${origin}/page/sso/callback`],
        grant_types: ['authorization_code', 'urn:ietf:params:oauth:grant-type:device_code'],
        id_token_signed_response_alg: 'ES256',
      },
    ],
    ttl: {
      Interaction: 600,
      Grant: 600,
      Session: 600,
      AccessToken: 600,
      IdToken: 600,
      DeviceCode: 600,
    },
    cookies: { keys: [randomBytes(16).toString('hex')] },
    claims: { openid: ['sub'], profile: ['preferred_username'], groups: ['groups'] },
    features: { deviceFlow: { enabled: true }, devInteractions: { enabled: true } },
    findAccount: (_ctx: unknown, id: string) => {
      const claims = people.get(id);
      return claims && { accountId: id, claims: () => ({ sub: id, ...claims }) };
    },
    // Whoever signs in has agreed to what is asked for.
    async loadExistingGrant({ oidc }: Context) {
      const grant = new oidc.provider.Grant({
        clientId: oidc.client.clientId,
        accountId: oidc.session.accountId,
      });
      grant.addOIDCScope('openid profile groups');
      await grant.save();
      return grant;
    },
  });
  const it: IdentityProvider = {
    ...{ issuer, clientId: 'gatebook', clientSecret, people, tamper: null, interfere: null, key },
    environment: (at, roles = { 'plant-admins': ['administrator'], shift: ['registrar'] }) => ({
      GATEBOOK_HTTP_PORT: String(at),
      GATEBOOK_HTTPS_PORT: 'off',
      GATEBOOK_PUBLIC_URL: `http://127.0.0.1:${at}`,
      GATEBOOK_OIDC_ISSUER: issuer,
      GATEBOOK_OIDC_CLIENT_ID: 'gatebook',
      GATEBOOK_OIDC_CLIENT_SECRET: clientSecret,
      GATEBOOK_OIDC_NAME: 'Plant Identity',
      GATEBOOK_OIDC_ROLES: JSON.stringify({ claim: 'groups', roles }),
    }),
    away: () => closed(server),
    async back() {
      const answer = provider.callback();
      const answering = createServer((request, response) => {
        const passOn = () => answer(request, response);
        if (it.interfere === null) passOn();
        else it.interfere(request, response, passOn);
      });
      server = await listening(answering, own);
    },
    stop: () => closed(server),
  };
  provider.use(async (ctx, next) => {
    await next();
    const { id_token: token } = (ctx.body ?? {}) as { id_token?: string };
    if (ctx.path !== '/token' || token === undefined || it.tamper === null) return;
    const claims = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString());
    const changed = it.tamper(claims);
    const signing = changed.alg === 'none' ? null : (changed.key ?? key);
    ctx.body.id_token = jwt(changed.claims ?? claims, signing, changed.alg);
  });
  await closed(server);
  await it.back();
  return it;
}

const listening = (server: Server, port: number) =>
  new Promise<Server>((resolve, reject) => {
    server.once('error', reject).listen(port, '127.0.0.1', () => resolve(server));
  });

const closed = (server: Server) =>
  new Promise<void>((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });

/** A browser’s cookies, by origin. */
export type Jar = Map<string, Map<string, string>>;

function noteCookies(jar: Jar, { origin }: URL, headers: Headers): void {
  const mine = jar.get(origin) ?? new Map<string, string>();
  jar.set(origin, mine);
  for (const line of headers.getSetCookie()) {
    const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
    if (value === '' || /max-age=0|expires=thu, 01 jan 1970/i.test(line)) mine.delete(name);
    else mine.set(name, value);
  }
}

/** One request of a browser that follows nothing by itself. */
export async function request(jar: Jar, url: URL | string, form?: Record<string, string>) {
  const at = new URL(url);
  const cookies = [...(jar.get(at.origin) ?? [])].map(([name, value]) => `${name}=${value}`);
  const response = await fetch(at, {
    method: form === undefined ? 'GET' : 'POST',
    redirect: 'manual',
    headers: { Accept: 'text/html', ...(cookies.length > 0 && { Cookie: cookies.join('; ') }) },
    ...(form === undefined ? {} : { body: new URLSearchParams(form) }),
  });
  noteCookies(jar, at, response.headers);
  const text = await response.text();
  const location = response.headers.get('location');
  return { status: response.status, text, to: location === null ? null : new URL(location, at) };
}

/** Follows the provider’s ways, and signs in there as somebody, until it leads back to `until`. */
export async function signInThere(
  jar: Jar,
  start: URL | string,
  login: string,
  until: string,
): Promise<URL> {
  let at = new URL(start);
  for (let step = 0; step < 12; step++) {
    if (at.href.startsWith(until)) return at;
    const got = await request(jar, at);
    if (got.to !== null) {
      at = got.to;
      continue;
    }
    const [, action] = /action="([^"]+)"/.exec(got.text) ?? [];
    if (action === undefined) throw new Error(`${at} leads nowhere: ${got.text.slice(0, 600)}`);
    const posted = await request(jar, new URL(action, at), {
      prompt: 'login',
      login,
      password: 'x',
    });
    if (posted.to === null) throw new Error(`no way on from ${action}: ${posted.status}`);
    at = posted.to;
  }
  throw new Error(`it goes on and on at ${at}`);
}

/** Enters the code at the provider, as somebody. */
export async function enterCode(verificationUri: string, userCode: string, login: string) {
  const jar: Jar = new Map();
  const form = await request(jar, verificationUri);
  const xsrf = /name="xsrf" value="([^"]+)"/.exec(form.text)?.[1] ?? '';
  const confirm = await request(jar, verificationUri, { xsrf, user_code: userCode });
  const again = /name="xsrf" value="([^"]+)"/.exec(confirm.text)?.[1] ?? xsrf;
  const sent = { xsrf: again, user_code: userCode, confirm: 'yes' };
  const confirmed = await request(jar, verificationUri, sent);
  if (confirmed.to === null) throw new Error(`the code was not taken: ${confirmed.text}`);
  // It ends at a page that says so, from which nothing leads on.
  await signInThere(jar, confirmed.to, login, 'nowhere:').catch((error: Error) => {
    if (!error.message.includes('Sign-in Success')) throw error;
  });
}
