/** A role: a named set of permissions. Three are built in and never change. */
import { z } from 'zod';
import { accept, type CommandBase, type Decider, type Decision, event, refuse } from './decider.ts';
import { Permission } from './permission.ts';
import { caused, Note, RoleName } from './values.ts';

export const RoleEvent = z.discriminatedUnion('type', [
  event('RoleDefined', {
    name: RoleName,
    permissions: z.array(Permission),
    description: Note.nullable(),
    ...caused,
  }),
  event('RoleRemoved', { name: RoleName, ...caused }),
]);
export type RoleEvent = z.infer<typeof RoleEvent>;

type RoleCommandBase<Type extends string, Data = unknown> = CommandBase<
  Type,
  { readonly name: string } & Data
>;

export type RoleCommand =
  | RoleCommandBase<
      'DefineRole',
      { readonly permissions: Permission[]; readonly description: string | null }
    >
  /** `holders`: how many clients hold it now. */
  | RoleCommandBase<'RemoveRole', { readonly holders: number }>;

export type RoleRefusal = 'role-not-found' | 'role-in-use' | 'role-built-in';

export type RoleState =
  | { readonly status: 'unknown' }
  | {
      readonly status: 'defined';
      readonly permissions: readonly Permission[];
      readonly description: string | null;
    }
  | { readonly status: 'removed' };

const all = (context: Permission['context'], resource: string): Permission => ({
  context,
  resource,
  operation: 'readWrite',
});
const read = (resource: string): Permission => ({ context: 'http', resource, operation: 'read' });

/** Personal fields (addresses, client ids, what a device says of itself) are opened for who may read this. */
export const personalDataResource = '/api/personal-data';

const builtIn: ReadonlyMap<string, { description: string; permissions: readonly Permission[] }> =
  new Map([
    [
      'administrator',
      { description: 'Everything.', permissions: [all('http', '/#'), all('mqtt', '#')] },
    ],
    [
      'registrar',
      {
        description: 'Unlocks, looks at who asks, grants and denies.',
        permissions: [
          all('http', '/api/client-registry/#'),
          all('http', '/api/approvals/#'),
          read('/api/users/#'),
          read('/api/roles/#'),
          read('/api/events'),
          read(personalDataResource),
        ],
      },
    ],
    [
      'auditor',
      {
        description: 'Reads the history, exports and proves it; changes nothing.',
        permissions: [
          read('/api/audit/#'),
          read('/api/client-registry/#'),
          read('/api/approvals/#'),
          read('/api/users/#'),
          read('/api/roles/#'),
          read('/api/read-models'),
          read('/api/events'),
          read(personalDataResource),
        ],
      },
    ],
  ]);

export const administrator = 'administrator';
export const builtInRoles: ReadonlyMap<
  string,
  { readonly description: string; readonly permissions: readonly Permission[] }
> = builtIn;

const initial: RoleState = { status: 'unknown' };

function evolve(_state: RoleState, { type, data }: RoleEvent): RoleState {
  switch (type) {
    case 'RoleDefined':
      return {
        status: 'defined',
        permissions: data.permissions,
        description: data.description,
      };
    case 'RoleRemoved':
      return { status: 'removed' };
  }
}

type RoleDecision = Decision<RoleEvent, RoleRefusal>;

function decide(command: RoleCommand, state: RoleState): RoleDecision {
  if (builtIn.has(command.name)) return refuse('role-built-in');
  switch (command.type) {
    case 'DefineRole': {
      const { name, permissions, description, at, by } = command;
      const same =
        state.status === 'defined' &&
        state.description === description &&
        JSON.stringify(state.permissions) === JSON.stringify(permissions);
      return same
        ? accept()
        : accept({ type: 'RoleDefined', data: { name, permissions, description, at, by } });
    }
    case 'RemoveRole': {
      if (state.status === 'unknown') return refuse('role-not-found');
      if (state.status === 'removed') return accept();
      if (command.holders > 0) return refuse('role-in-use');
      return accept({
        type: 'RoleRemoved',
        data: { name: command.name, at: command.at, by: command.by },
      });
    }
  }
}

export const role: Decider<RoleState, RoleCommand, RoleEvent, RoleRefusal> = {
  category: 'role',
  Event: RoleEvent,
  initial,
  decide,
  evolve,
};
