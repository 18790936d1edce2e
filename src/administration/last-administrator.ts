/** The last administrator without an end stays, however many are taken away at once, and on however many nodes. */
import {
  type AdministratorAt,
  type AdministratorsState,
  administrators,
  isLeaving,
} from '../../domain/administrators.ts';
import { client } from '../../domain/client/client.ts';
import type { ClientDecision } from '../../domain/client/commands.ts';
import type { Client } from '../../domain/client/state.ts';
import { beyondOwn, compiled } from '../../domain/matching.ts';
import type { Permission } from '../../domain/permission.ts';
import { administrator, builtInRoles } from '../../domain/role.ts';
import type { ClientRow } from '../../projections/clients.ts';
import { handleDecision, load } from '../commands/handle.ts';
import { Refused } from '../commands/refused.ts';
import { everyRow } from '../read-models/every-row.ts';
import type { Rows } from '../read-models/row-table.ts';
import type { EventStore } from '../store/event-store.ts';
import { actorOf, type CommandContext } from './context.ts';

/** There is one stream of reservations. */
const administratorsId = 'main';

/** Whether somebody can act as an administrator for good, also by the limit of their password. */
const isLasting = (state: Client): boolean =>
  state.status === 'active' &&
  state.rights.roles.includes(administrator) &&
  state.rights.expiresAt === null &&
  (state.httpLimit === null || coversAdministrator(state.httpLimit));

const coversAdministrator = (limit: readonly Permission[]): boolean =>
  beyondOwn(compiled(limit), builtInRoles.get(administrator)?.permissions ?? []) === undefined;

export interface LastAdministratorOptions {
  readonly store: EventStore;
  readonly rows: { readonly clients: Rows<ClientRow> };
  readonly now: () => string;
}

/** What is about to be recorded of a client, and at which revision of its stream. */
interface Removal {
  readonly username: string;
  readonly revision: number;
  readonly before: Client;
  readonly decision: ClientDecision;
}

/**
 * Where a decision takes an administrator away, reserves that first: on a stream of its own, by expected
 * revision, so that of two nodes one wins. The reservation is good for this revision of the client's stream
 * alone, so whoever is slower has to reserve anew (docs/decisions/0011).
 */
export function reservingRemovals({ store, rows, now }: LastAdministratorOptions) {
  /**
   * Somebody else who stays, as the log has it now: rows may be behind. Read after the reservations, so that
   * whoever is taken away in between had to reserve it behind them.
   */
  async function anotherThan(
    username: string,
    reserved: AdministratorsState,
  ): Promise<AdministratorAt | null> {
    for (const row of everyRow(rows.clients, {
      where: [{ column: 'lastingAdministrator', is: 1 }],
    })) {
      if (row.username === username) continue;
      const { state, revision } = await load(store, client, row.username);
      const other = { username: row.username, revision };
      if (isLasting(state) && !isLeaving(reserved, other)) return other;
    }
    return null;
  }

  /** Whether a reservation was needed and made. @throws Refused `last-administrator`, StoreUnavailable, Conflict */
  return async (context: CommandContext, removal: Removal): Promise<boolean> => {
    const { username, revision, before, decision } = removal;
    if (!decision.accepted || !isLasting(before)) return false;
    if (isLasting(decision.events.reduce(client.evolve, before))) return false;
    const reserved = await handleDecision(
      store,
      administrators,
      administratorsId,
      async (state) => ({
        decision: administrators.decide(
          {
            type: 'ReserveRemoval',
            username,
            revision,
            other: await anotherThan(username, state),
            at: now(),
            by: actorOf(context),
          },
          state,
        ),
      }),
      context.cause,
    );
    if (!reserved.decision.accepted) throw new Refused(reserved.decision.refusal);
    return true;
  };
}
