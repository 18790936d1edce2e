/** Changes to clients: decided, recorded, readable here, and rid of the secrets that they made useless. */

import { client } from '../../domain/client/client.ts';
import type { ClientCommand, ClientDecision, ClientRefusal } from '../../domain/client/commands.ts';
import type { ClientEvent } from '../../domain/client/events.ts';
import { type Client, verifierIdsOf } from '../../domain/client/state.ts';
import type { Vault } from '../credentials/vault.ts';
import type { EventStore, NewSecret } from '../store/event-store.ts';
import { type Basis, type Cause, type HandledCommand, handleDecision } from './handle.ts';

type HandledClientCommand = HandledCommand<Client, ClientEvent, ClientRefusal>;

export interface Clients {
  /**
   * Decides and records; resolves when the effect is readable on this node, also where it was so already.
   * @throws StoreUnavailable, Conflict
   */
  change(
    username: string,
    command: ClientCommand | ((state: Client) => ClientCommand),
    cause: Cause,
  ): Promise<HandledClientCommand>;
  /**
   * The same for what must look at the state and its revision, prepare and only then decide; it is asked again
   * when somebody else was first. What it found out beside the decision is passed on.
   * @param suffices whether what records nothing may rest on what this node knows; else the store is asked
   */
  decide<
    Decided extends { readonly decision: ClientDecision; readonly secrets?: readonly NewSecret[] },
  >(
    username: string,
    decide: (state: Client, revision: number) => Promise<Decided>,
    cause: Cause,
    suffices?: (decided: Decided) => boolean,
  ): Promise<HandledClientCommand & Decided>;
}

export function createClients(options: {
  store: EventStore;
  vault: Vault;
  forget: (username: string) => void;
  /** Resolves when what stands at a position is readable here, and where it changes who has access, in force too. */
  settled: (position: string, changesAccess: boolean) => Promise<void>;
  /** What this node knows of a client without asking the store; undefined: nothing that can be gone by. */
  atHand?: (username: string) => Basis<Client> | undefined;
  /** Resolves when what stands at a position is readable here, for decisions that rest on rows as well. */
  caughtUp?: ((position: string) => Promise<void>) | undefined;
}): Clients {
  const { store, vault, forget, settled, atHand, caughtUp } = options;

  /** Undefined: nothing is waited for. */
  function settle(username: string, outcome: HandledClientCommand): Promise<unknown> | undefined {
    const { decision, before, state, position, decidedOn } = outcome;
    if (position === null) {
      // Somebody else may have recorded it this instant. Not the log's head: that is a read of its own, and
      // waits for everything that everybody else records.
      return decision.accepted && decidedOn !== null ? settled(decidedOn, true) : undefined;
    }
    // Who begins to wait had nothing at any broker, and has nothing there now.
    const changesAccess = before.status !== 'unknown' || state.status !== 'pending';
    const settling = settled(position, changesAccess);
    const after = verifierIdsOf(state);
    const useless = verifierIdsOf(before).filter((id) => !after.includes(id));
    if (useless.length === 0) return settling;
    return settling.then(() => {
      forget(username);
      // What cannot be destroyed now is an orphan, and the sweep finds it.
      return Promise.allSettled(useless.map((id) => vault.destroy(id)));
    });
  }

  const clients: Clients = {
    async decide(username, decide, cause, suffices = () => false) {
      const known = atHand && { basis: () => atHand(username), suffices, caughtUp };
      const outcome = await handleDecision(store, client, username, decide, cause, known);
      const settling = settle(username, outcome);
      if (settling !== undefined) await settling;
      return outcome;
    },
    change: (username, command, cause) =>
      clients.decide(
        username,
        async (state) => {
          const current = typeof command === 'function' ? command(state) : command;
          return { decision: client.decide(current, state) };
        },
        cause,
      ),
  };
  return clients;
}
