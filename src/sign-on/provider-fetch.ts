/** How the identity provider is called: in time, a few at once, with bounded answers, and never in the clear. */
import { isConfidential } from '../config/sso-values.ts';
import { ssoRequestsAtOnceMax, ssoResponseBytesMax } from '../limits/sign-on.ts';
import { bodyOfAtMost } from '../platform/answers/bounded-body.ts';

/** Whoever should have answered did not, or not as it should: nothing is known of the person. */
export class ProviderUnavailable extends Error {
  override name = 'ProviderUnavailable';
}

type FetchOptions = Omit<RequestInit, 'body' | 'signal'> & {
  readonly body?: BodyInit | null | undefined;
  readonly signal?: AbortSignal | undefined;
};

const bodiless = new Set([204, 205, 304]);

/** @throws ProviderUnavailable */
export function createProviderFetch(): (url: string, options: FetchOptions) => Promise<Response> {
  let underWay = 0;
  return async (url, options) => {
    if (!isConfidential(url)) throw new ProviderUnavailable('it names an address without TLS');
    if (underWay >= ssoRequestsAtOnceMax) throw new ProviderUnavailable('too many ask it at once');
    underWay += 1;
    try {
      // A redirect would take code and secret to somebody else.
      const init = { ...options, redirect: 'manual' as const, body: options.body ?? null };
      return await bounded(await fetch(url, init as RequestInit));
    } catch (error) {
      if (error instanceof ProviderUnavailable) throw error;
      throw new ProviderUnavailable('it does not answer', { cause: error });
    } finally {
      underWay -= 1;
    }
  };
}

/** The whole answer, read already. */
async function bounded(response: Response): Promise<Response> {
  if (response.status >= 500)
    throw new ProviderUnavailable(`it answers with status ${response.status}`);
  const body = await bodyOfAtMost(response, ssoResponseBytesMax);
  if (body === null) throw new ProviderUnavailable('its answer is too large');
  const { status, headers } = response;
  return new Response(bodiless.has(status) ? null : new Uint8Array(body), { status, headers });
}
