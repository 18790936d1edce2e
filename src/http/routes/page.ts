/** The web page: its document, its files, and the session that it signs in with. */
import { z } from 'zod';
import { Text } from '../../../domain/values.ts';
import { Login } from '../../api/input.ts';
import { Token } from '../../api/output.ts';
import type { App } from '../../app.ts';
import { pageFile } from '../pages/web-files.ts';
import { commandContext, found } from '../request/command-context.ts';
import { done, fileAnswers, type Route, removed, route } from '../route.ts';

const group = 'Page';

/** Scripts and styles are files of our own, and nothing is sent anywhere else. */
const headers = {
  'Content-Security-Policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'",
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Permissions-Policy': 'camera=(), geolocation=(), microphone=()',
};

const PageFile = z.strictObject({ file: Text(1, 64) });

const files: Route[] = [
  route({
    method: 'GET',
    path: '/',
    group,
    operationId: 'page',
    summary: 'The web page',
    access: 'open',
    answers: fileAnswers('The web page.', 'text/html'),
    handle: () => ({ status: 200, headers, file: found(pageFile(''), 'route-not-found') }),
  }),
  route({
    method: 'GET',
    path: '/page/{file}',
    group,
    operationId: 'pageFile',
    summary: 'A file of the web page',
    access: 'open',
    params: PageFile,
    answers: fileAnswers('The file.', ['text/javascript', 'text/css', 'image/svg+xml']),
    problems: ['route-not-found'],
    handle: ({ params }) => ({
      status: 200,
      file: found(pageFile(params.file), 'route-not-found'),
    }),
  }),
];

const cookie = {
  'Set-Cookie': 'The session, where no script can read it; after its end, nothing.',
};

/** The page never sees its token: it is kept where no script can read it. */
const session = ({ administration, views }: App): Route[] => [
  route({
    method: 'POST',
    path: '/page/session',
    group,
    operationId: 'openSession',
    summary: 'Sign in at the page',
    description: 'As POST /api/login, but the token goes into a cookie that no script can read.',
    access: 'open',
    body: Login,
    answers: {
      200: { description: 'The session that was opened.', body: Token, headers: cookie },
    },
    problems: ['credentials-invalid', 'login-throttled', 'hashing-busy', 'store-unavailable'],
    async handle({ body, source, cause }) {
      const issued = await administration.login({ label: 'page', ...body, source, cause });
      const token = found(views.token(issued.tokenId), 'token-not-found');
      const { expiresAt } = token;
      return { ...done(issued, token), session: { token: issued.token, expiresAt } };
    },
  }),
  route({
    method: 'DELETE',
    path: '/page/session',
    group,
    operationId: 'closeSession',
    summary: 'Sign out at the page',
    access: 'signed-in',
    answers: { 204: { description: 'The session has ended.', headers: cookie } },
    problems: ['store-unavailable'],
    async handle(request) {
      const ended = await administration.revokeToken(
        commandContext(request),
        request.caller.tokenId,
      );
      return { ...removed(ended), session: null };
    },
  }),
];

export const pageRoutes = (app: App): Route[] => [...files, ...session(app)];
