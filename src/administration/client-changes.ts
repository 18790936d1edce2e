/** What decisions about a client have in common: what it holds as they are made, and how they are recorded. */
import { policyId } from '../../domain/approvals/policy.ts';
import { type Client, client, heldRights } from '../../domain/client/client.ts';
import type { ClientCommand } from '../../domain/client/commands.ts';
import { httpOfRolesNow } from '../../domain/client/http-of-roles.ts';
import type { Permission } from '../../domain/permission.ts';
import type { Actor } from '../../domain/values.ts';
import { registryId } from '../../domain/window.ts';
import type { ClientRow } from '../../projections/clients.ts';
import type { PolicyRow } from '../../projections/policy.ts';
import type { WindowRow } from '../../projections/window.ts';
import type { Authority } from '../authority.ts';
import type { Clients } from '../commands/client-commands.ts';
import type { Done } from '../commands/record.ts';
import { Refused } from '../commands/refused.ts';
import type { Rows } from '../read-models/row-table.ts';
import type { NewSecret } from '../store/event-store.ts';
import { actorOf, type CommandContext } from './context.ts';
import { type LastAdministratorOptions, reservingRemovals } from './last-administrator.ts';

export interface ClientChangesOptions extends LastAdministratorOptions {
  readonly clients: Clients;
  readonly authority: Authority;
  readonly rows: {
    readonly window: Rows<WindowRow>;
    readonly clients: Rows<ClientRow>;
    readonly policy: Rows<PolicyRow>;
  };
  readonly position: () => string;
  readonly now: () => string;
}

export interface ClientChanges {
  /**
   * Asks who decides again at each decision. The last administrator without an end stays, whatever is asked.
   * @param secrets that what is recorded names: kept no later than that
   * @throws Refused, StoreUnavailable, Conflict
   */
  change(
    context: CommandContext,
    username: string,
    command: ClientCommand | ((state: Client) => ClientCommand),
    secrets?: readonly NewSecret[],
  ): Promise<Done>;
  /** What a client holds as it is recorded, not as it was read: rights may change in between. */
  heldBy(username: string, state: Client): readonly Permission[];
  /**
   * What roles give of HTTP, for rights that are given now: where several people decide, they never come to give more
   * than those people knew. Null: one decides, and they give what they come to have.
   */
  httpOfRoles(roles: readonly string[]): readonly Permission[] | null;
  /** @throws Refused `user-not-found` */
  requireUser(username: string): ClientRow;
  newestWindow(): string | null;
  /** Who is meant, who says so, when and why. */
  stamp(
    context: CommandContext,
    username: string,
    reason: string | null,
  ): { username: string; reason: string | null; at: string; by: Actor };
}

export function createClientChanges(options: ClientChangesOptions): ClientChanges {
  const { clients, authority, rows, now } = options;
  const reserveRemoval = reservingRemovals(options);
  return {
    async change(context, username, command, secrets = []) {
      const { decision, position } = await clients.decide(
        username,
        async (state, revision) => {
          context.authorize();
          const current = typeof command === 'function' ? command(state) : command;
          const made = client.decide(current, state);
          const removal = { username, revision, before: state, decision: made };
          // Again: a reservation asks the store, which takes its time.
          if (await reserveRemoval(context, removal)) context.authorize();
          return { decision: made, secrets };
        },
        context.cause,
      );
      if (!decision.accepted) throw new Refused(decision.refusal);
      return { position: position ?? options.position() };
    },
    heldBy: (username, state) =>
      state.status === 'active' || state.status === 'suspended'
        ? authority.effective(username, heldRights(state))
        : [],
    httpOfRoles: (roles) =>
      (rows.policy.get(policyId)?.needed ?? 1) > 1
        ? httpOfRolesNow(roles, authority.permissionsOf)
        : null,
    requireUser(username) {
      const row = rows.clients.get(username);
      if (!row) throw new Refused('user-not-found');
      return row;
    },
    newestWindow: () => rows.window.get(registryId)?.windowId ?? null,
    stamp: (context, username, reason) => ({ username, reason, at: now(), by: actorOf(context) }),
  };
}
