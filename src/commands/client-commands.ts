/** Changes to clients: decided, recorded, readable here, and rid of the secrets that they made useless. */

import { client } from '../../domain/client/client.ts';
import type { ClientCommand, ClientRefusal } from '../../domain/client/commands.ts';
import type { ClientEvent } from '../../domain/client/events.ts';
import { type Client, credentialIdsOf } from '../../domain/client/state.ts';
import type { Vault } from '../credentials/vault.ts';
import type { EventStore } from '../store/event-store.ts';
import { type Cause, type HandledCommand, handle } from './handle.ts';

export interface Clients {
  /**
   * Decides and records; resolves when the effect is readable on this node, also where it was so already.
   * @throws StoreUnavailable, Conflict
   */
  change(
    username: string,
    command: ClientCommand | ((state: Client) => ClientCommand | Promise<ClientCommand>),
    cause: Cause,
  ): Promise<HandledCommand<Client, ClientEvent, ClientRefusal>>;
}

export function createClients(options: {
  store: EventStore;
  vault: Vault;
  forget: (username: string) => void;
  /** Resolves when what stands at a position is readable and in force here. */
  settled: (position: string) => Promise<void>;
}): Clients {
  const { store, vault, forget, settled } = options;
  return {
    async change(username, command, cause) {
      let before: readonly string[] = [];
      const outcome = await handle(
        store,
        client,
        username,
        async (state) => {
          before = credentialIdsOf(state);
          return typeof command === 'function' ? await command(state) : command;
        },
        cause,
      );
      if (outcome.position === null) {
        // Somebody else may have recorded it this instant.
        if (outcome.decision.accepted) await settled(await store.head());
        return outcome;
      }
      await settled(outcome.position);
      const after = credentialIdsOf(outcome.state);
      const useless = before.filter((id) => !after.includes(id));
      if (useless.length > 0) forget(username);
      // What cannot be destroyed now is an orphan, and the sweep finds it.
      await Promise.allSettled(useless.map((id) => vault.destroy(id)));
      return outcome;
    },
  };
}
