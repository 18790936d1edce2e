/** Roles: named sets of permissions. */

import { ByRoleName, PageQuery, PutRole } from '../../api/input.ts';
import { Role, RoleList } from '../../api/output.ts';
import type { App } from '../../app.ts';
import { commandContext, found } from '../request/command-context.ts';
import { created, done, ok, type Route, removed, route } from '../route.ts';

const group = 'Roles';
const base = '/api/roles';
const one = `${base}/{name}`;

export const roleRoutes = ({ administration, views }: App): Route[] => [
  route({
    method: 'GET',
    path: base,
    group,
    operationId: 'listRoles',
    summary: 'Roles',
    access: 'permitted',
    query: PageQuery,
    answers: { 200: { description: 'Newest first.', body: RoleList } },
    handle: ({ query }) => ok(views.roles(query)),
  }),
  route({
    method: 'GET',
    path: one,
    group,
    operationId: 'showRole',
    summary: 'One role',
    access: 'permitted',
    params: ByRoleName,
    answers: { 200: { description: 'The role.', body: Role } },
    problems: ['role-not-found'],
    handle: ({ params }) => ok(found(views.role(params.name), 'role-not-found')),
  }),
  route({
    method: 'PUT',
    path: one,
    group,
    operationId: 'putRole',
    summary: 'Make a role, or set its permissions',
    access: 'permitted',
    params: ByRoleName,
    body: PutRole,
    answers: {
      200: { description: 'The role as it is now.', body: Role },
      201: { description: 'The new role.', body: Role },
    },
    problems: ['rights-exceed-own', 'role-built-in', 'last-administrator'],
    async handle(request) {
      const { name } = request.params;
      const put = await administration.putRole(commandContext(request), name, request.body);
      const role = found(views.role(name), 'role-not-found');
      return put.created ? created(put, `${base}/${name}`, role) : done(put, role);
    },
  }),
  route({
    method: 'DELETE',
    path: one,
    group,
    operationId: 'removeRole',
    summary: 'Remove a role that nobody has',
    access: 'permitted',
    params: ByRoleName,
    answers: { 204: { description: 'It is gone.' } },
    problems: ['role-not-found', 'role-built-in', 'role-in-use'],
    handle: async (request) =>
      removed(await administration.removeRole(commandContext(request), request.params.name)),
  }),
];
