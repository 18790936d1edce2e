/** What each broker has acknowledged of each client. */
import { ActivationEvent } from '../domain/activation.ts';
import type { Projection } from './projection.ts';

export interface ActivationRow {
  readonly username: string;
  readonly brokers: Readonly<
    Record<string, { readonly active: boolean; readonly credentialId: string; readonly at: string }>
  >;
}

/** What of it stays for those who look back. */
export interface PastActivation {
  /** By broker: whether it had acknowledged a credential that still worked there. */
  readonly active: Readonly<Record<string, boolean>>;
}

export const activations: Projection<ActivationRow, ActivationEvent, PastActivation> = {
  name: 'activations',
  version: 3,
  reads: ['activation'],
  Event: ActivationEvent,
  key: ({ data }) => data.username,
  evolve: (row, { type, data }) => ({
    username: data.username,
    brokers: {
      ...row?.brokers,
      [data.broker]: {
        active: type === 'CredentialActivated',
        credentialId: data.credentialId,
        at: data.at,
      },
    },
  }),
  columns: {},
  past: ({ brokers }) => ({
    active: Object.fromEntries(Object.entries(brokers).map(([name, { active }]) => [name, active])),
  }),
};
