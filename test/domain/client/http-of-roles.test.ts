/** Roles never give more of HTTP than they gave when somebody was given them, where that is recorded. */
import { client } from '../../../domain/client/client.ts';
import { httpOfRolesNow, rolesGiving } from '../../../domain/client/http-of-roles.ts';
import { heldRights } from '../../../domain/client/state.ts';
import type { Permission } from '../../../domain/permission.ts';
import * as of from '../../support/client.ts';
import { scenario } from '../../support/scenario.ts';
import { assert, suite } from '../../support/suite.ts';

const test = suite('HTTP rights of roles');
const given = scenario(client);

const http = (resource: string): Permission => ({ context: 'http', resource, operation: 'read' });
const [users, roles] = [http('/api/users'), http('/api/roles')];
const permissionsOf = (role: string): readonly Permission[] =>
  role === 'press' ? [of.plant, users, roles] : role === 'registrar' ? [http('/api/x')] : [];

test('a limit narrows what roles give of HTTP, but for the built-in ones, and leaves MQTT', () => {
  assert.equal(httpOfRolesNow(['press', 'registrar', 'gone'], permissionsOf), [users, roles]);
  assert.is(rolesGiving(permissionsOf, undefined), permissionsOf);
  const within = rolesGiving(permissionsOf, [users]);
  assert.equal(within('press'), [of.plant, users]);
  assert.equal(within('registrar'), [http('/api/x')]);
  assert.equal(rolesGiving(permissionsOf, [])('press'), [of.plant]);
});

test('it is recorded with the rights, and set anew with the same ones', () => {
  const httpOfRoles = [users];
  const { rights } = of;
  const { credentialId } = of.stranger;
  given()
    .when(of.create({ httpOfRoles }))
    .thenRecorded(of.created({ credentialId, rights, httpOfRoles }));
  const created = of.created({ rights, httpOfRoles });
  given(created).when(of.authorize({ rights, httpOfRoles })).thenNothing();
  given(created).when(of.authorize({ rights })).thenRecorded(of.changedTo(rights));
});

test('a suspension keeps it, and rights that are set anew without one end it', () => {
  const limitAfter = (...events: Parameters<typeof client.evolve>[1][]) => {
    const state = events.reduce(client.evolve, client.initial);
    if (state.status !== 'active' && state.status !== 'suspended') return 'nothing held';
    return heldRights(state).httpOfRoles;
  };
  const created = of.created({ httpOfRoles: [users] });
  assert.equal(limitAfter(created, of.suspended), [users]);
  assert.equal(limitAfter(created, of.suspended, of.resumed), [users]);
  assert.is(limitAfter(created, of.changedTo(of.rights)), undefined);
});

test('whom a rule lets in gets none by any role', () => {
  const preauthorized = {
    ...{ preauthorizationId: of.id(40), effect: 'allow' as const, rights: of.rights },
    keyAlone: false,
  };
  const made = client.decide(of.knock({ gate: 'locked', preauthorized }), client.initial);
  const granted = made.accepted ? made.events.at(-1) : undefined;
  assert.equal(granted?.type === 'RegistrationGranted' && granted.data.httpOfRoles, []);
});

test.run();
