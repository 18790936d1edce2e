/** The state of each client exactly as decisions see it: for registration and authentication. */
import { ClientEvent } from '../domain/client/events.ts';
import { type Client, evolve, initial } from '../domain/client/state.ts';
import type { Projection } from './projection.ts';

export type AccessRow = Client & { readonly username: string };

export const access: Projection<AccessRow, ClientEvent> = {
  name: 'access',
  version: 3,
  reads: ['client'],
  Event: ClientEvent,
  key: ({ data }) => data.username,
  evolve: (row, event) => ({ ...evolve(row ?? initial, event), username: event.data.username }),
  columns: {
    status: (row) => row.status,
    /** When access ends by itself; null: it does not, or has ended. */
    dueAt: (row) =>
      row.status === 'active' || row.status === 'suspended' ? row.rights.expiresAt : null,
  },
};
