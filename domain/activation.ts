/** Activation: what each broker has acknowledged of a client's credential, that it works or no longer does. */
import { z } from 'zod';
import { accept, type CommandBase, type Decider, type Decision, event } from './decider.ts';
import { caused, Id, Username } from './values.ts';

const broker = z.string().min(1).max(64);
const acknowledged = { username: Username, broker, credentialId: Id, ...caused };

export const ActivationEvent = z.discriminatedUnion('type', [
  event('CredentialActivated', acknowledged),
  event('CredentialDeactivated', { ...acknowledged, sessionsClosed: z.int().min(0) }),
]);
export type ActivationEvent = z.infer<typeof ActivationEvent>;

type ActivationCommandBase<Type extends string, Data = unknown> = CommandBase<
  Type,
  { readonly username: string; readonly broker: string } & Data
>;

export type ActivationCommand =
  | ActivationCommandBase<'RecordActivation', { readonly credentialId: string }>
  | ActivationCommandBase<'RecordDeactivation', { readonly sessionsClosed: number }>;

type ActivationRefusal = never;

/** The credential that is active at each broker. */
type ActivationState = Readonly<Record<string, string | undefined>>;

function evolve(state: ActivationState, { type, data }: ActivationEvent): ActivationState {
  switch (type) {
    case 'CredentialActivated':
      return { ...state, [data.broker]: data.credentialId };
    case 'CredentialDeactivated':
      return { ...state, [data.broker]: undefined };
  }
}

function decide(
  command: ActivationCommand,
  state: ActivationState,
): Decision<ActivationEvent, ActivationRefusal> {
  const { username, broker, at, by } = command;
  const active = Object.hasOwn(state, broker) ? state[broker] : undefined;
  switch (command.type) {
    case 'RecordActivation':
      return active === command.credentialId
        ? accept()
        : accept({
            type: 'CredentialActivated',
            data: { username, broker, credentialId: command.credentialId, at, by },
          });
    case 'RecordDeactivation':
      return active === undefined
        ? accept()
        : accept({
            type: 'CredentialDeactivated',
            data: {
              username,
              broker,
              credentialId: active,
              sessionsClosed: command.sessionsClosed,
              at,
              by,
            },
          });
  }
}

export const activation: Decider<
  ActivationState,
  ActivationCommand,
  ActivationEvent,
  ActivationRefusal
> = {
  category: 'activation',
  Event: ActivationEvent,
  initial: {},
  decide,
  evolve,
};
