/** Signing in, long-lived tokens, and who one is. */

import { ByTokenId, CreateToken, Login, TokensQuery } from '../../api/input.ts';
import { IssuedToken, Self, TokenList, type User } from '../../api/output.ts';
import type { App } from '../../app.ts';
import { Refused } from '../../commands/refused.ts';
import { commandContext, found } from '../request/command-context.ts';
import { created, done, ok, type Route, removed, route } from '../route.ts';

const group = 'Tokens';
const base = '/api/tokens';

const signingIn = ({ administration, views, operatorLog }: App): Route[] => [
  route({
    method: 'POST',
    path: '/api/login',
    group,
    operationId: 'login',
    summary: 'Sign in with a password',
    access: 'open',
    body: Login,
    answers: { 200: { description: 'A token, shown this once.', body: IssuedToken } },
    problems: ['credentials-invalid', 'login-throttled', 'hashing-busy'],
    async handle({ body, source, cause, gone }) {
      const issued = await administration.login({ ...body, source, cause, gone }).catch((error) => {
        if (error instanceof Refused)
          operatorLog.signInFailed(body.username, source, error.code, cause.correlationId);
        throw error;
      });
      const token = found(views.token(issued.tokenId), 'token-not-found');
      return done(issued, { ...token, token: issued.token });
    },
  }),
  route({
    method: 'GET',
    path: '/api/whoami',
    group,
    operationId: 'whoami',
    summary: 'Who one is, and what one may do',
    access: 'signed-in',
    hot: true,
    answers: { 200: { description: 'Oneself, and the token that was sent.', body: Self } },
    handle({ caller }) {
      const { username, tokenId, tokenExpiresAt } = caller;
      const { credentials, ...user } = found(views.user(username), 'user-not-found');
      // Which other names have its key is for administrators.
      const own = credentials.map(({ otherNames: _, ...one }: User['credentials'][number]) => one);
      return ok({ ...user, credentials: own, tokenId, tokenExpiresAt });
    },
  }),
];

const keeping = ({ administration, views }: App): Route[] => [
  route({
    method: 'GET',
    path: base,
    group,
    operationId: 'listTokens',
    summary: 'Own tokens, or those of another user',
    access: 'permitted',
    own: ({ query, caller }) => (query.get('username') ?? caller.username) === caller.username,
    query: TokensQuery,
    answers: { 200: { description: 'Newest first.', body: TokenList } },
    handle({ query, caller }) {
      const { username, ...page } = query;
      return ok(views.tokens(username ?? caller.username, page));
    },
  }),
  route({
    method: 'POST',
    path: base,
    group,
    operationId: 'issueToken',
    summary: 'Issue a long-lived token',
    access: 'signed-in',
    body: CreateToken,
    answers: { 201: { description: 'The token, shown this once.', body: IssuedToken } },
    problems: [
      ...(['permission-missing', 'rights-exceed-own', 'user-not-found'] as const),
      ...(['user-not-active', 'login-throttled'] as const),
    ],
    async handle(request) {
      const { username } = request.body;
      if (username !== undefined && username !== request.caller.username) request.permit();
      const issued = await administration.issueToken(commandContext(request), request.body);
      const token = found(views.token(issued.tokenId), 'token-not-found');
      return created(issued, `${base}/${issued.tokenId}`, { ...token, token: issued.token });
    },
  }),
  route({
    method: 'DELETE',
    path: `${base}/{id}`,
    group,
    operationId: 'revokeToken',
    summary: 'End a token',
    access: 'signed-in',
    params: ByTokenId,
    answers: { 204: { description: 'It is good no more.' } },
    problems: ['permission-missing', 'token-not-found'],
    async handle(request) {
      const { id } = request.params;
      const token = views.token(id);
      // Whoever may not end another's token is not told either whether there is one.
      if (token?.username !== request.caller.username) request.permit();
      found(token, 'token-not-found');
      return removed(await administration.revokeToken(commandContext(request), id));
    },
  }),
];

export const tokenRoutes = (app: App): Route[] => [...signingIn(app), ...keeping(app)];
