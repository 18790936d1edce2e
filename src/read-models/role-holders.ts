/** How many clients hold each role. */
import type { ClientRow } from '../../projections/clients.ts';
import type { Rows } from './row-table.ts';

/** One look for all roles: their sets are few, however many clients have each. */
export function roleHolders(clients: Pick<Rows<ClientRow>, 'tally'>): ReadonlyMap<string, number> {
  const holders = new Map<string, number>();
  for (const [names, count] of clients.tally('roles'))
    for (const name of names.trim().split(' ')) holders.set(name, (holders.get(name) ?? 0) + count);
  return holders;
}
