/** The registry as it was at a moment: one client, or the window and the number of clients by status. */

import { rolesGiving } from '../../../domain/client/http-of-roles.ts';
import { type Client, clientStatuses } from '../../../domain/client/state.ts';
import { effectivePermissions } from '../../../domain/matching.ts';
import { upcast } from '../../../domain/upcast.ts';
import { registryId } from '../../../domain/window.ts';
import { type ActivationRow, activations } from '../../../projections/activations.ts';
import { type ClientRow, challenged, clients } from '../../../projections/clients.ts';
import type { Projection } from '../../../projections/projection.ts';
import type { EventStore } from '../../store/event-store.ts';
import { recordedOf } from '../../views/users/users.ts';
import { windowAt } from '../../views/window.ts';
import type { Tree } from '../transparency-log/tree.ts';
import { type Moment, type Past, rolesAt } from './past.ts';

/** The row of one short stream, folded up to the moment. */
async function rowAt<Row, Event>(
  { store, tree }: { store: Pick<EventStore, 'read'>; tree: Pick<Tree, 'positionOf'> },
  projection: Projection<Row, Event>,
  stream: string,
  { size }: Moment,
): Promise<Row | undefined> {
  const last = size === 0 ? undefined : tree.positionOf(size - 1);
  if (last === undefined) return undefined;
  let row: Row | undefined;
  for (const event of await store.read(stream)) {
    if (event.position > last) break;
    // The number of the event says nothing to these folds.
    const envelope = { ...event, index: 0 };
    row = projection.evolve(row, projection.Event.parse(upcast(event)), envelope);
  }
  return row;
}

/** A client as it was, in the shape of `User`; undefined where nobody knew the name yet. */
export async function clientAt(
  options: {
    readonly store: Pick<EventStore, 'read'>;
    readonly tree: Pick<Tree, 'positionOf'>;
    readonly past: Past;
  },
  username: string,
  moment: Moment,
) {
  const row: ClientRow | undefined = await rowAt(options, clients, `client-${username}`, moment);
  if (row === undefined) return undefined;
  const { past } = options;
  const acknowledged = await rowAt(options, activations, `activation-${username}`, moment);
  return {
    ...recordedOf(row),
    effectivePermissions: effectivePermissions(
      row,
      rolesGiving(rolesAt(past, moment.size), httpOfRolesIn(row.state)),
    ),
    // Sessions are no events: nobody knows them afterwards.
    lastSeenAt: null,
    sessionCount: 0,
    sessionTotal: 0,
    activations: activationsOf(row, acknowledged),
  };
}

const httpOfRolesIn = (state: Client) =>
  state.status === 'active' || state.status === 'suspended' ? state.httpOfRoles : undefined;

/** What the brokers that the log knows had acknowledged of the credential that the client held. */
function activationsOf({ state, status }: ClientRow, known: ActivationRow | undefined) {
  const held = 'credentialId' in state ? state.credentialId : null;
  return Object.entries(known?.brokers ?? {}).flatMap(([broker, { active, credentialId, at }]) => {
    const isOfIt = credentialId === held;
    if (status !== 'active' && !isOfIt) return [];
    const state =
      status !== 'active'
        ? { status: 'inactive' as const, at }
        : active && isOfIt
          ? { status: 'active' as const, at }
          : { status: 'waiting' as const, at: null };
    return [{ broker, ...state, detail: null }];
  });
}

type RegistryCounts = Record<Client['status'] | 'events', number>;

/** The window and the number of clients of each status. */
export function registryAt(past: Past, moment: Moment) {
  const clientCounts = past.clientCounts(moment.size);
  const counts = {
    ...Object.fromEntries(clientStatuses.map((status) => [status, clientCounts.get(status) ?? 0])),
    events: moment.size,
  } as RegistryCounts;
  const challengerCount = clientCounts.get(challenged) ?? 0;
  const row = past.window.get(registryId, moment.size);
  // Knocks are no events, so there are none to count.
  const waiting = { pendingCount: counts.pending + challengerCount, knockCount: 0 };
  return { at: moment.at, window: windowAt(row, moment.at, waiting), counts };
}
