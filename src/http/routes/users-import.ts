/** Clients that move in from another broker, many at once. */
import { type ImportedUser, ImportUsers, importedUsersMax } from '../../api/input.ts';
import { UserImport } from '../../api/output.ts';
import type { Fault } from '../../api/problems.ts';
import type { App } from '../../app.ts';
import { commandContext, passwordFaultsOf } from '../request/command-context.ts';
import { Problem, problemOf } from '../response/problem.ts';
import { done, type Route, type RouteResponse, route } from '../route.ts';

/** Faults that no schema knows, each at its client. */
function faultsOf(body: unknown, { passwordFaults, isPersonName }: App): Fault[] {
  const { users } = (body ?? {}) as { readonly users?: unknown };
  if (!Array.isArray(users)) return [];
  return users.slice(0, importedUsersMax).flatMap((user: unknown, at): Fault[] => {
    const { username, password, verifier } = (user ?? {}) as Record<string, unknown>;
    const pointer = (name: string) => `#/users/${at}/${name}`;
    return [
      ...(typeof username === 'string' && isPersonName(username)
        ? [
            {
              pointer: pointer('username'),
              detail: 'username is one that people have who sign in at the identity provider.',
            },
          ]
        : []),
      ...passwordFaultsOf({ password }, passwordFaults).map(({ detail }) => ({
        ...{ pointer: pointer('password'), detail },
      })),
      ...(verifier !== undefined && password !== undefined
        ? [{ pointer: pointer('verifier'), detail: 'verifier stands beside a password: send one.' }]
        : []),
    ];
  });
}

type UserOutcome = UserImport['items'][number];

/** An error that is our own fault is logged, and says no more. */
function itemOf({ logger, metrics }: App, { username }: ImportedUser, error: unknown): UserOutcome {
  if (error === undefined) return { username };
  const problem = problemOf(error) ?? new Problem('internal-error');
  if (problem.code === 'internal-error')
    logger.error('A client of many could not be made', { error });
  metrics.refusals.inc({ code: problem.code });
  return { username, problem: problem.document as never };
}

export const userImportRoute = (app: App): Route =>
  route({
    method: 'POST',
    path: '/api/users/import',
    group: 'Users',
    operationId: 'importUsers',
    summary: 'Let clients move in from another broker, with the passwords that they have',
    description:
      'Names that anybody ever held are left alone (username-taken), as is a name that stands in the request before. A verifier that was made elsewhere is replaced at the first use of its password; without verifier and password nobody knows one: rotate it, or let the device ask. HTTP rights are never given.',
    access: 'permitted',
    body: ImportUsers,
    faults: (body) => faultsOf(body, app),
    answers: { 200: { description: 'What became of each.', body: UserImport } },
    problems: ['rights-exceed-own', 'hashing-busy'],
    async handle(request): Promise<RouteResponse> {
      const { users, reason = null } = request.body;
      // Set where approvers decided: then the verifiers waited in the vault.
      const { password: kept = null } = request.body as {
        readonly password?: { readonly credentialId: string } | null;
      };
      const imported = await app.administration.importUsers(commandContext(request), users, {
        ...{ reason, kept },
      });
      const items = users.map((user, at) => itemOf(app, user, imported.errors[at]));
      const failed = items.filter((item) => 'problem' in item).length;
      return done(imported, { created: items.length - failed, failed, items });
    },
  });
