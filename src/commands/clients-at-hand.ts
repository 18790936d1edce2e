/** What this node knows of a client without asking the store: the row that MQTT admission goes by too. */
import { type Client, initial } from '../../domain/client/state.ts';
import { clients } from '../../projections/clients.ts';
import type { ReadModels } from '../read-models/read-models.ts';
import { noStream } from '../store/event-store.ts';
import type { Basis } from './handle.ts';

/** Undefined where the rows have stopped: they are no newer than the event that stopped them. */
export function clientsAtHand(
  readModels: Pick<ReadModels, 'rows' | 'faults'>,
): (username: string) => Basis<Client> | undefined {
  const rows = readModels.rows(clients);
  return (username) => {
    if (readModels.faults().length > 0) return undefined;
    const row = rows.get(username)?.state;
    if (row === undefined) return { state: initial, revision: noStream, position: null };
    const { username: _, revision, position, ...state } = row;
    return { state: state as Client, revision, position };
  };
}
