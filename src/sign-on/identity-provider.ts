/** The identity provider (OpenID Connect): a person is sent there and comes back proven, or enters a code there. */
import * as oidc from 'openid-client';
import type { SsoConfig } from '../config/sso.ts';
import { ssoMetadataFreshMs, ssoProviderRestMs, ssoRequestTimeoutMs } from '../limits/sign-on.ts';
import { type ProvenPerson, provenPerson } from './claims.ts';
import { createProviderFetch, ProviderUnavailable } from './provider-fetch.ts';

/** The provider does not vouch for whoever came, or what came is not its word. */
export class NotProven extends Error {
  override name = 'NotProven';
}

/** What only who went there has: compared when they come back. */
interface PageFlow {
  readonly state: string;
  readonly nonce: string;
  readonly verifier: string;
}

interface DeviceCode {
  readonly code: string;
  readonly userCode: string;
  readonly verificationUri: string;
  readonly intervalS: number;
  readonly expiresInS: number;
}

export interface IdentityProvider {
  /** Where to send a person, and what they come back with. @throws ProviderUnavailable */
  begin(): Promise<{ readonly url: string; readonly flow: PageFlow }>;
  /** @param query as the person came back with it @throws NotProven, ProviderUnavailable */
  finish(query: string, flow: PageFlow): Promise<ProvenPerson>;
  /** @throws ProviderUnavailable, also where the provider knows no device grant */
  beginDevice(): Promise<DeviceCode>;
  /** Asked once; a text: it goes on, or more slowly. @throws NotProven, ProviderUnavailable */
  askDevice(code: string): Promise<ProvenPerson | 'waiting' | 'slow-down'>;
}

const deviceGrant = 'urn:ietf:params:oauth:grant-type:device_code';

/** HTTP Basic, which every server takes (RFC 6749, section 2.3.1), unless this one says that it does not. */
function clientSecret(secret: string): oidc.ClientAuth {
  const [basic, post] = [oidc.ClientSecretBasic(secret), oidc.ClientSecretPost(secret)];
  return (server, ...request) => {
    const methods = server.token_endpoint_auth_methods_supported ?? ['client_secret_basic'];
    const isPost =
      !methods.includes('client_secret_basic') && methods.includes('client_secret_post');
    return (isPost ? post : basic)(server, ...request);
  };
}

const sameUrl = (one: string, other: string) =>
  URL.canParse(one) && new URL(one).href === new URL(other).href;

/** What is asked for: who they are, and their groups where those are a scope of their own. */
function scopeOf({ rolesClaim, usernameClaim }: SsoConfig, config: oidc.Configuration): string {
  const known = config.serverMetadata().scopes_supported ?? [];
  const more = [rolesClaim, ...(usernameClaim === 'email' ? ['email'] : [])];
  return ['openid', 'profile', ...more.filter((scope) => known.includes(scope))].join(' ');
}

/** Acts at the provider, once it is known. @throws NotProven, ProviderUnavailable */
type AskProvider = <Result>(
  act: (config: oidc.Configuration) => Promise<Result>,
) => Promise<Result>;

/** @param onFault is told why somebody was not proven, or nobody can be; never of what was said */
export function createIdentityProvider(
  sso: SsoConfig,
  onFault: (reason: string) => void,
): IdentityProvider {
  const redirectUri = `${sso.publicUrl}/page/sso/callback`;
  const provider = discovered(sso);

  /** Says what an error means, and tells it. */
  const told = (error: unknown): Error => {
    const known = meaningOf(error);
    onFault(known.message);
    return known;
  };
  const attempt: AskProvider = async (act) => {
    try {
      return await act(await provider());
    } catch (error) {
      throw told(error);
    }
  };
  return {
    begin: () =>
      attempt(async (config) => {
        const flow = {
          state: oidc.randomState(),
          nonce: oidc.randomNonce(),
          verifier: oidc.randomPKCECodeVerifier(),
        };
        const url = oidc.buildAuthorizationUrl(config, {
          ...{ redirect_uri: redirectUri, scope: scopeOf(sso, config) },
          ...{ state: flow.state, nonce: flow.nonce, code_challenge_method: 'S256' },
          code_challenge: await oidc.calculatePKCECodeChallenge(flow.verifier),
        });
        return { url: url.href, flow };
      }),

    finish: (query, { state, nonce, verifier }) =>
      attempt(async (config) => {
        const came = new URL(redirectUri);
        came.search = query;
        const checks = { expectedState: state, expectedNonce: nonce, pkceCodeVerifier: verifier };
        const tokens = await oidc.authorizationCodeGrant(config, came, checks);
        return await personOf(config, tokens, sso);
      }),

    ...byCode(attempt, sso),
  };
}

/** Somebody who enters a code at the provider, on whatever they have at hand (RFC 8628). */
const byCode = (
  attempt: AskProvider,
  sso: SsoConfig,
): Pick<IdentityProvider, 'beginDevice' | 'askDevice'> => ({
  beginDevice: () =>
    attempt(async (config) => {
      if (config.serverMetadata().device_authorization_endpoint === undefined)
        throw new ProviderUnavailable('it knows no sign-in for devices (RFC 8628)');
      const begun = await oidc.initiateDeviceAuthorization(config, { scope: scopeOf(sso, config) });
      return {
        code: begun.device_code,
        userCode: begun.user_code,
        verificationUri: begun.verification_uri,
        intervalS: begun.interval ?? 5,
        expiresInS: begun.expires_in,
      };
    }),

  askDevice: (code) =>
    attempt(async (config) => {
      try {
        const tokens = await oidc.genericGrantRequest(config, deviceGrant, { device_code: code });
        return await personOf(config, tokens, sso);
      } catch (error) {
        if (!(error instanceof oidc.ResponseBodyError)) throw error;
        if (error.error === 'authorization_pending') return 'waiting';
        if (error.error === 'slow_down') return 'slow-down';
        throw error;
      }
    }),
});

/** What the provider says of itself, asked at the first use and anew each hour; the word of before stands meanwhile. */
function discovered(sso: SsoConfig): () => Promise<oidc.Configuration> {
  let known: { config: oidc.Configuration; atMs: number } | undefined;
  let asking: Promise<oidc.Configuration> | undefined;
  let rests: { error: unknown; untilMs: number } | undefined;
  const fetchIt = createProviderFetch();

  const ask = async () => {
    const issuer = new URL(sso.issuer);
    const config = await oidc.discovery(
      ...([issuer, sso.clientId, undefined, clientSecret(sso.clientSecret)] as const),
      {
        [oidc.customFetch]: fetchIt as oidc.CustomFetch,
        timeout: ssoRequestTimeoutMs / 1_000,
        execute: [
          oidc.enableNonRepudiationChecks,
          ...(issuer.protocol === 'http:' ? [oidc.allowInsecureRequests] : []),
        ],
      },
    );
    // The library lets a provider of many tenants name another: then any of them would be let in.
    if (!sameUrl(config.serverMetadata().issuer, sso.issuer))
      throw new ProviderUnavailable('it calls itself by another name than GATEBOOK_OIDC_ISSUER');
    known = { config, atMs: performance.now() };
    return config;
  };

  return async () => {
    const nowMs = performance.now();
    if (known !== undefined && nowMs - known.atMs < ssoMetadataFreshMs) return known.config;
    if (rests !== undefined && nowMs < rests.untilMs) {
      if (known !== undefined) return known.config;
      throw rests.error;
    }
    asking ??= ask().finally(() => {
      asking = undefined;
    });
    try {
      return await asking;
    } catch (error) {
      rests = { error, untilMs: performance.now() + ssoProviderRestMs };
      if (known !== undefined) return known.config;
      throw error;
    }
  };
}

/** The claims of the ID token, and from the provider's own answer those that it lacks. */
async function personOf(
  config: oidc.Configuration,
  tokens: oidc.TokenEndpointResponse & oidc.TokenEndpointResponseHelpers,
  sso: SsoConfig,
): Promise<ProvenPerson> {
  const claims = tokens.claims();
  if (claims === undefined || claims.sub === '')
    throw new NotProven('no ID token came that says who it is');
  const lacks = [sso.usernameClaim, sso.rolesClaim].some((name) => !Object.hasOwn(claims, name));
  const more =
    lacks && config.serverMetadata().userinfo_endpoint !== undefined
      ? await oidc.fetchUserInfo(config, tokens.access_token, claims.sub)
      : {};
  const person = provenPerson({ ...more, ...claims }, sso);
  if (person === null) throw new NotProven('the subject is none that can be one');
  return person;
}

/** Our own settings are wrong there: nobody can sign in, whoever they are. */
const ofSettings = ['invalid_client', 'unauthorized_client', 'invalid_scope'];

const noAnswers = [
  ...['OAUTH_TIMEOUT', 'OAUTH_RESPONSE_IS_NOT_CONFORM', 'OAUTH_RESPONSE_IS_NOT_JSON'],
  'OAUTH_PARSE_ERROR',
];

/** What came is no answer to what was asked, such as a page that tells of maintenance: it says nothing of the person. */
function isNoAnswer({ code, cause }: oidc.ClientError): boolean {
  if (noAnswers.includes(code ?? '')) return true;
  // The library tells what it cannot take: the whole body of an answer, or the claims or parameters of somebody.
  const untaken = cause instanceof Error ? cause.cause : undefined;
  return code === 'OAUTH_INVALID_RESPONSE' && untaken instanceof Object && 'body' in untaken;
}

function meaningOf(error: unknown): NotProven | ProviderUnavailable {
  if (error instanceof NotProven || error instanceof ProviderUnavailable) return error;
  if (error instanceof oidc.ResponseBodyError || error instanceof oidc.AuthorizationResponseError)
    return ofSettings.includes(error.error)
      ? new ProviderUnavailable(`it answers ${error.error}: its settings and ours differ`)
      : new NotProven('the provider refuses');
  // It takes back what it gave for a code that was shown twice (RFC 6749, section 4.1.2).
  if (error instanceof oidc.WWWAuthenticateChallengeError)
    return new NotProven('the provider takes the token no more that it gave');
  if (error instanceof oidc.ClientError) {
    if (error.cause instanceof ProviderUnavailable) return error.cause;
    return isNoAnswer(error)
      ? new ProviderUnavailable('it does not answer in time, or not as it should')
      : new NotProven(`what came is not its word (${error.code ?? error.message})`);
  }
  return new ProviderUnavailable('it does not answer as it should', { cause: error });
}
