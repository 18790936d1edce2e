/** The options that say what somebody may do and why, the same in grant, users and roles. */
import type { Call, CommandOptions } from '../command.ts';
import { instantOf } from './instants.ts';
import { permissionOf } from './parse.ts';
import type { ShownRights } from './rights.ts';

export const permissionOption: CommandOptions = {
  permission: {
    value: 'C:OP:RESOURCE',
    many: true,
    help: 'a permission such as mqtt:readWrite:plant/# or http:read:/api/users (repeatable)',
  },
};

export const rightsOptions: CommandOptions = {
  role: { value: 'ROLE', many: true, help: 'a role (repeatable)' },
  ...permissionOption,
  prefix: { value: 'P', help: 'put in front of every topic it publishes, as it stands: line4/' },
  'client-id': { value: 'ID', help: 'the only MQTT client id it may use' },
  until: {
    value: 'T',
    help: 'when the access ends: 30d, tomorrow 18:00, 2026-12-31 or an instant',
  },
};

/** The rights that are named; a field that is not named is absent. @throws MistypedError */
export function rightsOf(call: Call): Partial<ShownRights> {
  const prefix = call.text('prefix');
  const clientId = call.text('client-id');
  const expiresAt = call.read('until', (text) => instantOf(text, call.now()));
  return {
    ...(call.has('role') && { roles: [...call.all('role')] }),
    ...(call.has('permission') && { permissions: call.all('permission').map(permissionOf) }),
    ...(prefix !== null && { mqttPublishPrefix: prefix }),
    ...(clientId !== null && { mqttClientId: clientId }),
    ...(expiresAt !== null && { expiresAt }),
  };
}

/** A reason, where one is given. */
export const reasonOf = (call: Call): { reason?: string } => {
  const reason = call.text('reason');
  return reason === null ? {} : { reason };
};
