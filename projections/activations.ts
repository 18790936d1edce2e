/** What each broker has acknowledged of each client. */
import { ActivationEvent } from '../domain/activation.ts';
import type { Projection } from './projection.ts';

export interface ActivationRow {
  readonly username: string;
  readonly brokers: Readonly<
    Record<string, { readonly active: boolean; readonly credentialId: string; readonly at: string }>
  >;
}

export const activations: Projection<ActivationRow, ActivationEvent, ActivationRow> = {
  name: 'activations',
  version: 2,
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
  past: (row) => row,
};
