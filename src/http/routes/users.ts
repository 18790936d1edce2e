/** Users: everybody who ever had access, devices and people alike. */

import {
  Authorization,
  Because,
  ByUsername,
  CreateUser,
  PageQuery,
  Renew,
  Rotate,
  UsersQuery,
} from '../../api/input.ts';
import { SessionList, User, UserList, UserWithPassword } from '../../api/output.ts';
import type { ProblemCode } from '../../api/problems.ts';
import type { App } from '../../app.ts';
import {
  commandContext,
  faultsUnlessAhead,
  found,
  passwordFaultsOf,
  personNameFaultsOf,
} from '../request/command-context.ts';
import { created, done, ok, type Route, route } from '../route.ts';
import { userImportRoute } from './users-import.ts';

const group = 'Users';
const base = '/api/users';
const userNow = { 200: { description: 'The user as it is now.', body: User } };

const listing = ({ views }: App): Route[] => [
  route({
    method: 'GET',
    path: base,
    group,
    operationId: 'listUsers',
    summary: 'Users',
    description: 'Without a status: all who were ever granted access.',
    access: 'permitted',
    query: UsersQuery,
    answers: {
      200: {
        description:
          'Newest first unless sort says otherwise; where ends of certificates are asked for, the first to end first.',
        body: UserList,
      },
    },
    handle: async ({ query }) => ok(await views.users(query)),
  }),
  route({
    method: 'GET',
    path: `${base}/{username}`,
    group,
    operationId: 'showUser',
    summary: 'One user, or any name with a history',
    access: 'permitted',
    params: ByUsername,
    answers: userNow,
    problems: ['user-not-found'],
    handle: ({ params }) => ok(found(views.user(params.username), 'user-not-found')),
  }),
  route({
    method: 'GET',
    path: `${base}/{username}/sessions`,
    group,
    operationId: 'listSessions',
    summary: 'Live MQTT sessions of a user',
    description: 'A broker that cannot tell is absent.',
    access: 'permitted',
    params: ByUsername,
    query: PageQuery,
    answers: { 200: { description: 'Newest first.', body: SessionList } },
    problems: ['user-not-found'],
    handle({ params, query, seesPersonalData }) {
      found(views.user(params.username), 'user-not-found');
      return ok(views.sessions(params.username, query, seesPersonalData()));
    },
  }),
];

const creating = (app: App): Route[] => [
  route({
    method: 'POST',
    path: base,
    group,
    operationId: 'createUser',
    summary: 'Make a user without a request',
    description: 'Without a password one is made and shown this once.',
    access: 'permitted',
    body: CreateUser,
    faults: (body) => [
      ...personNameFaultsOf(body, app.isPersonName),
      ...passwordFaultsOf(body, app.passwordFaults),
      ...faultsUnlessAhead(body, 'expiresAt', app.now()),
    ],
    answers: { 201: { description: 'The new user.', body: UserWithPassword } },
    problems: ['rights-exceed-own', 'username-taken', 'role-not-found', 'hashing-busy'],
    async handle(request) {
      const { username } = request.body;
      const made = await app.administration.createUser(commandContext(request), request.body);
      const user = found(app.views.user(username), 'user-not-found');
      return created(made, `${base}/${username}`, { ...user, password: made.password });
    },
  }),
];

const changing = (app: App): Route[] => [
  route({
    method: 'PUT',
    path: `${base}/{username}/authorization`,
    group,
    operationId: 'setAuthorization',
    summary: 'Set the rights of a user, whole',
    description: 'What is left out is none. Live sessions obey at once.',
    access: 'permitted',
    params: ByUsername,
    body: Authorization,
    faults: (body) => faultsUnlessAhead(body, 'expiresAt', app.now()),
    answers: userNow,
    problems: [
      'rights-exceed-own',
      'user-not-found',
      'role-not-found',
      'user-not-active',
      'user-from-sso',
      'last-administrator',
    ],
    async handle(request) {
      const { username } = request.params;
      const { reason, ...rights } = request.body;
      const set = await app.administration.setAuthorization(
        commandContext(request),
        username,
        rights,
        reason ?? null,
      );
      return done(set, found(app.views.user(username), 'user-not-found'));
    },
  }),
  route({
    method: 'POST',
    path: `${base}/{username}/rotate`,
    group,
    operationId: 'rotateCredential',
    summary: 'Give an active user another password',
    description: 'Without a password one is made and shown this once. Sessions and logins end.',
    access: 'permitted',
    own: ({ params, caller }) => params.username === caller.username,
    params: ByUsername,
    body: Rotate,
    faults: (body) => passwordFaultsOf(body, app.passwordFaults),
    answers: { 200: { description: 'The user as it is now.', body: UserWithPassword } },
    problems: [
      ...(['user-not-found', 'user-not-active', 'hashing-busy'] as const),
      ...(['rights-exceed-own', 'login-throttled', 'user-from-sso'] as const),
      'approval-needs-session',
    ],
    async handle(request) {
      const { username } = request.params;
      const rotated = await app.administration.rotate(
        commandContext(request),
        username,
        request.body,
      );
      const user = found(app.views.user(username), 'user-not-found');
      return done(rotated, { ...user, password: rotated.password });
    },
  }),
];

const renewing = (app: App): Route[] => [
  route({
    method: 'POST',
    path: `${base}/{username}/renew`,
    group,
    operationId: 'renewUser',
    summary: 'Give a user another end, and all else as it is',
    description: 'Without an instant: as long again as the end before was given for.',
    access: 'permitted',
    params: ByUsername,
    body: Renew,
    faults: (body) => faultsUnlessAhead(body, 'expiresAt', app.now()),
    answers: userNow,
    problems: [
      ...(['rights-exceed-own', 'user-not-found', 'user-not-active'] as const),
      ...(['last-administrator', 'user-from-sso'] as const),
    ],
    async handle(request) {
      const { username } = request.params;
      const { expiresAt, reason } = request.body;
      const renewed = await app.administration.renew(
        commandContext(request),
        username,
        expiresAt,
        reason ?? null,
      );
      return done(renewed, found(app.views.user(username), 'user-not-found'));
    },
  }),
];

type Change = 'suspend' | 'resume' | 'revoke' | 'reinstate' | 'erase';

const change = (
  { administration, views }: App,
  name: Change,
  summary: string,
  problems: readonly ProblemCode[],
): Route =>
  route({
    method: 'POST',
    path: `${base}/{username}/${name}`,
    group,
    operationId: `${name}User`,
    summary,
    access: 'permitted',
    params: ByUsername,
    body: Because,
    answers: userNow,
    problems: ['user-not-found', ...problems],
    async handle(request) {
      const { username } = request.params;
      const changed = await administration[name](
        commandContext(request),
        username,
        request.body.reason ?? null,
      );
      return done(changed, found(views.user(username), 'user-not-found'));
    },
  });

export const userRoutes = (app: App): Route[] => [
  ...listing(app),
  ...creating(app),
  userImportRoute(app),
  ...changing(app),
  ...renewing(app),
  change(app, 'suspend', 'Stop a user for a while', ['user-not-active', 'last-administrator']),
  change(app, 'resume', 'Let a suspended user go on', ['user-not-suspended', 'rights-exceed-own']),
  change(app, 'revoke', 'Take access away', ['user-not-active', 'last-administrator']),
  change(app, 'reinstate', 'Let a revoked, denied or expired name ask again', [
    'user-not-revoked',
    'rights-exceed-own',
  ]),
  change(app, 'erase', 'Destroy what is personal, and all access; the history stays', [
    'last-administrator',
    'rights-exceed-own',
  ]),
];
