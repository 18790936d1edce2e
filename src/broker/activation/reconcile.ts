/** Makes one broker agree with the log about one client, and records what the broker acknowledged. */
import { activation } from '../../../domain/activation.ts';
import { system } from '../../../domain/values.ts';
import type { AccessRow } from '../../../projections/access.ts';
import type { ActivationRow } from '../../../projections/activations.ts';
import type { Authority } from '../../authority.ts';
import { type Cause, handle, newCause } from '../../commands/handle.ts';
import type { ReadModels } from '../../read-models/read-models.ts';
import type { Rows } from '../../read-models/row-table.ts';
import { type EventStore, noStream, type StoredEvent } from '../../store/event-store.ts';
import type { Account, Broker } from '../ports/broker.ts';

export interface ReconcileOptions {
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

/** The account that an active client is to have at a broker; null: it is not to be admitted. */
export function accountOf(authority: Pick<Authority, 'active'>, username: string): Account | null {
  const found = authority.active(username);
  if (found?.row.status !== 'active') return null;
  const { credentialId, certificate, replaced, passwordOpens, rights } = found.row;
  return {
    username,
    credentialId,
    certificateSerial: certificate?.serial ?? null,
    hasReplaced: replaced.length > 0,
    passwordOpens,
    permissions: found.effective,
    compiled: found.permissions,
    publishPrefix: rights.mqttPublishPrefix,
    pinnedClientId: rights.mqttClientId,
  };
}

/**
 * Level-triggered: doing it again, or half of it twice, does no harm. `changedBy` is the event that changed
 * the client, null where none did. Resolves with why the client is not active yet, or null.
 * @throws BrokerDown, BrokerRefused, StoreUnavailable
 */
export async function reconcileClient(
  options: ReconcileOptions,
  username: string,
  changedBy: StoredEvent | null,
): Promise<string | null> {
  const { broker, authority, rows, store, readModels, now } = options;
  const before = rows.activations.get(username)?.brokers[broker.name];
  /** Of whom the rows know nothing, the log has nothing either, or the append conflicts: nothing is read for it. */
  const basis = () =>
    rows.activations.get(username) === undefined
      ? { state: activation.initial, revision: noStream, position: null }
      : undefined;
  const cause: Cause =
    changedBy === null
      ? newCause()
      : { correlationId: changedBy.metadata.correlationId, causationId: changedBy.eventId };
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
      basis,
    );
    if (position !== null) await readModels.reached(position, 1_000);
  };

  const account = accountOf(authority, username);
  if (account === null) {
    const sessionsClosed = await deactivate(options, username);
    if (before?.active) await record({ type: 'RecordDeactivation', sessionsClosed });
    return null;
  }
  const activeBefore = before?.active ? before.credentialId : null;
  const outcome = await broker.activate(account, activeBefore);
  if (!outcome.active) {
    if (activeBefore !== null)
      await record({ type: 'RecordDeactivation', sessionsClosed: outcome.sessionsClosed });
    return outcome.detail;
  }
  if (activeBefore === account.credentialId) return null;
  await record({ type: 'RecordActivation', credentialId: account.credentialId });
  if (changedBy !== null && typeof changedBy.data.at === 'string')
    options.onActivated?.(
      broker.name,
      Math.max(0, Date.parse(now()) - Date.parse(changedBy.data.at)) / 1000,
    );
  return null;
}

/**
 * A client that is not to be admitted: the account of a pending request is prepared, every other one is
 * closed. Resolves with the number of sessions closed.
 */
async function deactivate({ broker, rows }: ReconcileOptions, username: string): Promise<number> {
  const row = rows.access.get(username);
  if (row?.status === 'pending') {
    await broker.hold(username, row.waiting.credentialId);
    return 0;
  }
  return await broker.deactivate(username, row?.status === 'suspended' ? row.credentialId : null);
}
