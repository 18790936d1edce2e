/** Signing in at the identity provider: from the page there and back, and from a command line by a code. */
import { z } from 'zod';
import { DeviceSignIn } from '../../api/input.ts';
import {
  DeviceSignInBegun,
  DeviceSignInWaiting,
  IssuedToken,
  SignInOffer,
} from '../../api/output.ts';
import type { ProblemCode } from '../../api/problems.ts';
import type { App } from '../../app.ts';
import { found } from '../request/command-context.ts';
import { Problem, problemOf } from '../response/problem.ts';
import { type DeclaredAnswer, done, ok, type Route, type RouteResponse, route } from '../route.ts';

/** Nothing of a sign-in is kept on the way. */
const headers = { 'Cache-Control': 'no-store' };

const beginning: readonly ProblemCode[] = ['route-not-found', 'login-throttled', 'sso-unavailable'];
/** Who it is comes out at the end. */
const finishing: readonly ProblemCode[] = [
  ...beginning,
  ...(['credentials-invalid', 'sso-not-permitted', 'sso-username-taken'] as const),
];

/** What providers add to the way back differs; what counts is read from the query as it came. */
const WayBack = z.looseObject({
  code: z.string().optional(),
  state: z.string().optional(),
  iss: z.string().optional(),
  error: z.string().optional(),
});

const seeOther = (Location: string, more: Partial<RouteResponse> = {}): RouteResponse => ({
  ...{ status: 303, headers: { ...headers, Location }, ...more },
});

const sentOn = (description: string): DeclaredAnswer => ({
  ...{ description, type: 'text/plain' },
  headers: {
    Location: 'Where the browser goes on.',
    'Set-Cookie': 'What the browser keeps until it is back, and then its session.',
  },
});

/** @throws Problem where there is no single sign-on */
function requireOn({ config }: App) {
  if (config.sso === null) throw new Problem('route-not-found');
  return config.sso;
}

/** A browser is shown what is wrong on the page, in words. */
function toldOnPage(publicUrl: string, error: unknown): RouteResponse {
  const problem = problemOf(error);
  if (problem === undefined) throw error;
  return seeOther(`${publicUrl}/#/sign-in?refused=${problem.code}`, { signOn: null });
}

const pageRoutes = (app: App): Route[] => [
  route({
    method: 'GET',
    path: '/page/sso',
    group: 'Page',
    operationId: 'signInOffer',
    summary: 'Whether people sign in at an identity provider, and where that begins',
    access: 'open',
    answers: { 200: { description: 'What the page offers.', body: SignInOffer } },
    handle: () => {
      const { sso } = app.config;
      return ok({
        name: sso?.name ?? null,
        url: sso === null ? null : `${sso.publicUrl}/page/sso/start`,
      });
    },
  }),
  route({
    method: 'GET',
    path: '/page/sso/start',
    group: 'Page',
    operationId: 'startSignIn',
    summary: 'Go to the identity provider',
    access: 'open',
    answers: { 303: sentOn('To the identity provider.') },
    problems: beginning,
    async handle({ source, cause, prefersHtml }) {
      const { publicUrl } = requireOn(app);
      try {
        const { url, kept } = await app.administration.beginSignIn({ source, cause });
        return seeOther(url, { signOn: kept });
      } catch (error) {
        if (!prefersHtml) throw error;
        return toldOnPage(publicUrl, error);
      }
    },
  }),
  route({
    method: 'GET',
    path: '/page/sso/callback',
    group: 'Page',
    operationId: 'finishSignIn',
    summary: 'Come back from the identity provider',
    description:
      'Good once, for ten minutes, in the browser that it began in. A browser is sent on to the page, signed in or told why not.',
    access: 'open',
    query: WayBack,
    handsQueryOn: true,
    answers: { 303: sentOn('To the page.') },
    problems: finishing,
    async handle({ source, cause, prefersHtml, querystring: query, signOn: kept }) {
      const { publicUrl } = requireOn(app);
      try {
        const issued = await app.administration.finishSignIn({ source, cause, query, kept });
        const { expiresAt } = found(app.views.token(issued.tokenId), 'token-not-found');
        const session = { token: issued.token, expiresAt };
        return seeOther(`${publicUrl}/`, { signOn: null, session });
      } catch (error) {
        if (!prefersHtml) throw error;
        return toldOnPage(publicUrl, error);
      }
    },
  }),
];

const commandLineRoutes = (app: App): Route[] => [
  route({
    method: 'POST',
    path: '/api/login/sso',
    group: 'Tokens',
    operationId: 'beginDeviceSignIn',
    summary: 'Begin a sign-in at the identity provider by a code',
    description:
      'The person opens verificationUri and enters userCode; whoever began asks POST /api/login/sso/token meanwhile.',
    access: 'open',
    answers: { 200: { description: 'What to show the person.', body: DeviceSignInBegun } },
    problems: beginning,
    async handle({ source, cause }) {
      requireOn(app);
      return ok(await app.administration.beginDeviceSignIn({ source, cause }));
    },
  }),
  route({
    method: 'POST',
    path: '/api/login/sso/token',
    group: 'Tokens',
    operationId: 'finishDeviceSignIn',
    summary: 'Ask whether the person has signed in',
    access: 'open',
    body: DeviceSignIn,
    answers: {
      200: { description: 'A token, shown this once.', body: IssuedToken },
      202: { description: 'Not yet: ask again after so long.', body: DeviceSignInWaiting },
    },
    problems: finishing,
    async handle({ source, cause, body: { deviceCode } }) {
      requireOn(app);
      const asked = { source, cause, deviceCode };
      const answer = await app.administration.finishDeviceSignIn(asked);
      if ('waiting' in answer) {
        const { intervalS } = answer;
        const wait = { 'Retry-After': String(intervalS) };
        return { status: 202, body: { status: 'pending', intervalS }, headers: wait };
      }
      const token = found(app.views.token(answer.tokenId), 'token-not-found');
      return done(answer, { ...token, token: answer.token });
    },
  }),
];

export const singleSignOnRoutes = (app: App): Route[] => [
  ...pageRoutes(app),
  ...commandLineRoutes(app),
];
