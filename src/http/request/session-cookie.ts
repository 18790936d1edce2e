/**
 * The page's session: its token in a cookie that no script can read. It counts only beside a header that
 * another site cannot send without being allowed to, which nobody is, and for a link of the page's that
 * shows a document (docs/decisions/0006).
 */
import type { Context } from 'koa';
import { ssoFlowMs } from '../../limits/sign-on.ts';
import type { Exchange } from '../edge.ts';
import { bearerOf } from './authorization.ts';

/** What the page sends with each call. */
const pageHeader = 'gatebook-page';

/**
 * Cookies know no ports: two registries on one machine have two names. Over TLS the prefix keeps everybody else of
 * the same domain, and whoever changes what goes without TLS, from setting it (RFC 6265bis, section 4.1.3.2).
 */
const cookieName = ({ host, state }: Pick<Exchange, 'host' | 'state'>, kind = ''): string =>
  `${state.isSecure ? '__Host-' : ''}gatebook-${kind}${/:(\d{1,5})$/.exec(host)?.[1] ?? 'page'}`;

/**
 * The value of a cookie (RFC 6265, section 4.2.1). Not by `ctx.cookies`, which keeps an expression for each name
 * that it was ever asked for: here the sender chooses the port in it.
 */
function cookieIn(header: string | undefined, name: string): string | null {
  const pair = header
    ?.split(';')
    .map((one) => one.trim())
    .find((one) => one.startsWith(`${name}=`));
  const value = pair?.slice(name.length + 1).replace(/^"(.*)"$/, '$1') ?? '';
  return value === '' ? null : value;
}

/** What only a browser can say (Fetch Metadata, section 2): somebody follows a link of this very origin. */
const followsOwnLink = ({ method, req: { headers } }: Pick<Exchange, 'req' | 'method'>): boolean =>
  method === 'GET' &&
  headers['sec-fetch-site'] === 'same-origin' &&
  headers['sec-fetch-mode'] === 'navigate' &&
  headers['sec-fetch-dest'] === 'document';

/** The token of a request: of `Authorization`, or else of the page's cookie; null: none. */
export function tokenOf(ctx: Pick<Exchange, 'req' | 'method' | 'host' | 'state'>): string | null {
  const { authorization } = ctx.req.headers;
  const fromPage = ctx.req.headers[pageHeader] !== undefined || followsOwnLink(ctx);
  if (authorization !== undefined || !fromPage) return bearerOf(authorization);
  return cookieIn(ctx.req.headers.cookie, cookieName(ctx));
}

/** Keeps a token until it ends, or forgets it (null). */
export function keepSession(
  ctx: Context,
  session: { readonly token: string; readonly expiresAt: string } | null,
): void {
  const value = session?.token ?? '';
  const ends = session === null ? new Date(0) : new Date(session.expiresAt);
  ctx.append(
    'Set-Cookie',
    `${cookieName(ctx)}=${value}; Path=/; Expires=${ends.toUTCString()}; HttpOnly; SameSite=Strict${
      ctx.state.isSecure ? '; Secure' : ''
    }`,
  );
}

/** What a browser kept while its person was at the identity provider; null: nothing. */
export const signOnOf = (ctx: Pick<Exchange, 'req' | 'host' | 'state'>): string | null =>
  cookieIn(ctx.req.headers.cookie, cookieName(ctx, 'sso-'));

/** Keeps it, or forgets it (null). `Lax`: another site leads back here, by a link that its person follows. */
export function keepSignOn(ctx: Context, kept: string | null): void {
  ctx.append(
    'Set-Cookie',
    `${cookieName(ctx, 'sso-')}=${kept ?? ''}; Path=/; Max-Age=${
      kept === null ? 0 : ssoFlowMs / 1_000
    }; HttpOnly; SameSite=Lax${ctx.state.isSecure ? '; Secure' : ''}`,
  );
}
