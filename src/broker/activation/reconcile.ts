/** Makes one broker agree with the log about one client, and records what the broker acknowledged. */
import { activation } from '../../../domain/activation.ts';
import { system } from '../../../domain/values.ts';
import type { AccessRow } from '../../../projections/access.ts';
import type { ActivationRow } from '../../../projections/activations.ts';
import type { Authority } from '../../authority.ts';
import { type Cause, handle, newCause } from '../../commands/handle.ts';
import type { ReadModels } from '../../read-models/read-models.ts';
import type { Rows } from '../../read-models/row-table.ts';
import type { EventStore, StoredEvent } from '../../store/event-store.ts';
import type { Account, Broker } from '../ports/broker.ts';

export interface BringingAbout {
  readonly store: EventStore;
  readonly readModels: Pick<ReadModels, 'reached'>;
  readonly authority: Pick<Authority, 'active'>;
  readonly rows: {
    readonly activations: Rows<ActivationRow>;
    readonly access: Rows<AccessRow>;
  };
  readonly broker: Broker;
  readonly now: () => string;
  /** Seconds from the decision to the broker's acknowledgement. */
  readonly onActivated?: (broker: string, seconds: number) => void;
}

/** What an active client is to be at a broker; null: it is not to be let in. */
export function accountOf(authority: Pick<Authority, 'active'>, username: string): Account | null {
  const found = authority.active(username);
  if (found?.row.status !== 'active') return null;
  const { credentialId, rights } = found.row;
  return {
    username,
    credentialId,
    permissions: found.effective,
    compiled: found.permissions,
    publishPrefix: rights.mqttPublishPrefix,
    pinnedClientId: rights.mqttClientId,
  };
}

/**
 * Level-triggered: doing it again, or half of it twice, does no harm. `told` is the event that told of a
 * change, null where nothing of the log did. Resolves with why the client is not active yet, or null.
 * @throws BrokerDown, BrokerRefused, StoreUnavailable
 */
export async function reconcileClient(
  options: BringingAbout,
  username: string,
  told: StoredEvent | null,
): Promise<string | null> {
  const { broker, authority, rows, store, readModels, now } = options;
  const before = rows.activations.get(username)?.brokers[broker.name];
  const cause: Cause =
    told === null
      ? newCause()
      : { correlationId: told.metadata.correlationId, causationId: told.eventId };
  const record = async (
    command:
      | { type: 'RecordActivation'; credentialId: string }
      | { type: 'RecordDeactivation'; sessionsClosed: number },
  ) => {
    const { position } = await handle(
      store,
      activation,
      username,
      { ...command, username, broker: broker.name, at: now(), by: system },
      cause,
    );
    if (position !== null) await readModels.reached(position, 1_000);
  };

  const account = accountOf(authority, username);
  if (account === null) {
    const sessionsClosed = await keptOut(options, username);
    if (before?.active) await record({ type: 'RecordDeactivation', sessionsClosed });
    return null;
  }
  const known = before?.active ? before.credentialId : null;
  const outcome = await broker.activate(account, known);
  if (!outcome.active) {
    if (known !== null)
      await record({ type: 'RecordDeactivation', sessionsClosed: outcome.sessionsClosed });
    return outcome.detail;
  }
  if (known === account.credentialId) return null;
  await record({ type: 'RecordActivation', credentialId: account.credentialId });
  if (told !== null && typeof told.data.at === 'string')
    options.onActivated?.(
      broker.name,
      Math.max(0, Date.parse(now()) - Date.parse(told.data.at)) / 1000,
    );
  return null;
}

/** Somebody who is not to be let in now: what may still come is laid ready, the rest goes. */
async function keptOut({ broker, rows }: BringingAbout, username: string): Promise<number> {
  const row = rows.access.get(username);
  if (row?.status === 'pending') {
    await broker.hold(username, row.waiting.credentialId);
    return 0;
  }
  return await broker.deactivate(username, row?.status === 'suspended' ? row.credentialId : null);
}
