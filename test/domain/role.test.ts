import * as fc from 'fast-check';
import { beyondOwn, compiled, mayCall } from '../../domain/matching.ts';
import { Permission } from '../../domain/permission.ts';
import {
  builtInRoles,
  type RoleCommand,
  type RoleEvent,
  type RoleRefusal,
  role,
} from '../../domain/role.ts';
import { RoleName } from '../../domain/values.ts';
import { ada, at, later, plant } from '../support/client.ts';
import { scenario, stored } from '../support/scenario.ts';
import { assert, suite } from '../support/suite.ts';

const test = suite('role');
const given = scenario(role);

const name = 'press';
const read: Permission = { ...plant, operation: 'read' };
const defined: RoleEvent = {
  type: 'RoleDefined',
  data: { name, permissions: [plant], description: 'Presses', at, by: ada },
};
const wider: RoleEvent = {
  type: 'RoleDefined',
  data: { name, permissions: [plant, read], description: null, at, by: ada },
};
const removed: RoleEvent = { type: 'RoleRemoved', data: { name, at, by: ada } };
const define = {
  type: 'DefineRole' as const,
  name,
  permissions: [plant],
  description: 'Presses',
  at,
  by: ada,
};
const widen = { ...define, permissions: [plant, read], description: null };
const remove = { type: 'RemoveRole' as const, name, holders: 0, at, by: ada };

const states = { unknown: [], defined: [defined], removed: [defined, removed] };
const none = undefined;
// biome-ignore format: a table reads as a table
const table: readonly [RoleCommand, readonly (undefined | RoleRefusal | RoleEvent)[]][] = [
  //                           unknown             defined        removed
  [define,                     [defined,           none,          defined]],
  [widen,                      [wider,             wider,         wider  ]],
  [remove,                     ['role-not-found',  removed,       none   ]],
  [{ ...remove, holders: 1 },  ['role-not-found',  'role-in-use', none   ]],
];
for (const [index, [command, answers]] of table.entries())
  for (const [column, [state, history]] of Object.entries(states).entries())
    test(`${command.type} (${index}) when ${state}`, () => {
      const answer = answers[column];
      const outcome = given(...history).when(command);
      if (answer === undefined) outcome.thenNothing();
      else if (typeof answer === 'string') outcome.thenRefused(answer);
      else outcome.thenRecorded(answer);
    });

test('another description is a change', () =>
  given(defined)
    .when({ ...define, description: null, at: later })
    .thenRecorded({
      ...defined,
      data: { ...defined.data, description: null, at: later },
    } as RoleEvent));

for (const builtIn of builtInRoles.keys())
  test(`${builtIn} is built in: it is neither changed nor removed`, () => {
    given()
      .when({ ...define, name: builtIn })
      .thenRefused('role-built-in');
    given()
      .when({ ...remove, name: builtIn })
      .thenRefused('role-built-in');
  });

test('the built-in roles are three, and say what roles may say', () => {
  assert.equal([...builtInRoles.keys()], ['administrator', 'registrar', 'auditor']);
  for (const [builtIn, { permissions, description }] of builtInRoles) {
    assert.ok(RoleName.safeParse(builtIn).success);
    assert.ok(description.length > 0);
    for (const permission of permissions) Permission.parse(permission);
  }
});

const may = (builtIn: string, path: string, operation: 'read' | 'write') =>
  mayCall(compiled(builtInRoles.get(builtIn)?.permissions ?? []), path.split('/'), operation);

test('an administrator may everything', () => {
  for (const path of ['/api/client-registry', '/api/users/x/revoke', '/api/keys/rotate'])
    for (const operation of ['read', 'write'] as const)
      assert.ok(may('administrator', path, operation));
  for (const { permissions } of builtInRoles.values())
    assert.is(
      beyondOwn(compiled(builtInRoles.get('administrator')?.permissions ?? []), permissions),
      undefined,
    );
});
test('a registrar unlocks, looks, grants and denies, and changes no user', () => {
  for (const path of ['unlock', 'lock', 'requests/1/grant', 'requests/deny'])
    assert.ok(may('registrar', `/api/client-registry/${path}`, 'write'), path);
  for (const path of ['/api/client-registry', '/api/users', '/api/users/x', '/api/roles'])
    assert.ok(may('registrar', path, 'read'), path);
  for (const path of [
    '/api/users',
    '/api/users/x/revoke',
    '/api/roles/x',
    '/api/tokens',
    '/api/keys/rotate',
  ])
    assert.not.ok(may('registrar', path, 'write'), path);
  assert.not.ok(may('registrar', '/api/audit/events', 'read'));
});
test('an auditor reads history and changes nothing', () => {
  for (const path of [
    '/api/audit/events',
    '/api/audit/export',
    '/api/client-registry',
    '/api/users/x',
  ])
    assert.ok(may('auditor', path, 'read'), path);
  assert.equal(compiled(builtInRoles.get('auditor')?.permissions ?? []).httpWrite, []);
});

test('whatever was accepted is safe to send again', () =>
  fc.assert(
    fc.property(
      fc.array(fc.constantFrom(defined, wider, removed), { maxLength: 5 }),
      fc.constantFrom(define, widen, remove),
      (history, command) => {
        const before = history.reduce(role.evolve, role.initial);
        const first = role.decide(command, before);
        if (!first.accepted) return;
        const after = first.events.map((e) => stored(role, e)).reduce(role.evolve, before);
        assert.equal(role.decide(command, after), { accepted: true, events: [] });
      },
    ),
  ));

test.run();
