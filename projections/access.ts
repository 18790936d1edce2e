/** The state of each client exactly as decisions see it: for registration and authentication. */
import { ClientEvent } from '../domain/client/events.ts';
import { type Client, evolve, initial } from '../domain/client/state.ts';
import type { Projection } from './projection.ts';

/** A client's state, and whose it is. */
export type NamedClient = Client & { readonly username: string };

export type AccessRow = NamedClient & {
  /** Of its newest event: where that stands in its stream, and in the log. */
  readonly revision: number;
  readonly position: string;
};

export const access: Projection<AccessRow, ClientEvent> = {
  name: 'access',
  version: 9,
  reads: ['client'],
  Event: ClientEvent,
  key: ({ data }) => data.username,
  evolve: (row, event, { revision, position }) => ({
    ...evolve(row ?? initial, event),
    ...{ username: event.data.username, revision, position },
  }),
  columns: {
    /** When access ends by itself; null: it does not, or has ended. */
    dueAt: (row) =>
      row.status === 'active' || (row.status === 'suspended' && row.personId === null)
        ? row.rights.expiresAt
        : null,
    /** The verifier that it was moved in with; null: none. It may have been replaced since. */
    foreignVerifier: (row) =>
      row.status === 'active' || row.status === 'suspended' ? row.foreignVerifierId : null,
  },
};
