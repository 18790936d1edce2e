/**
 * The process manager: follows the log and, for each client that changed, compares what should be with
 * what the broker acknowledged. Level-triggered: doing it again, or starting anywhere, does no harm.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { activation } from '../../domain/activation.ts';
import { system } from '../../domain/values.ts';
import type { ActivationRow } from '../../projections/activations.ts';
import type { Authority } from '../authority.ts';
import { type Cause, handle } from '../handle.ts';
import type { Log } from '../log.ts';
import type { ReadModels } from '../read-models/read-models.ts';
import type { Rows } from '../read-models/row-table.ts';
import { beginning, categoryOf, type EventStore, type StoredEvent } from '../store/event-store.ts';
import type { EmbeddedBroker } from './broker.ts';

const retryDelayMs = 500;
const checkpoint = 'activation-checkpoint';
/** Clients of one batch whose activation is recorded at once: they share a commit. */
const atOnceMax = 64;

export interface ActivationManager {
  /** True once everything up to a position is in force at the broker; false after `timeoutMs`. */
  settled(position: string, timeoutMs: number): Promise<boolean>;
  readonly ended: Promise<void>;
}

export interface ActivationOptions {
  readonly store: EventStore;
  readonly readModels: ReadModels;
  readonly authority: Authority;
  readonly activations: Rows<ActivationRow>;
  readonly broker: EmbeddedBroker;
  readonly brokerName: string;
  readonly log: Log;
  readonly signal: AbortSignal;
  readonly now: () => string;
  readonly onActivated?: (seconds: number) => void;
}

export function startActivation(options: ActivationOptions): ActivationManager {
  const { store, readModels, log, signal } = options;
  let done = readModels.note(checkpoint) ?? beginning;
  const waiting = new Set<{ position: string; tell: (settled: boolean) => void }>();

  async function run(): Promise<void> {
    while (!signal.aborted) {
      try {
        for await (const events of store.follow(done, signal)) {
          const last = events.at(-1)?.position ?? done;
          // Rows say what should be, so they must be as far as the events that told of a change.
          while (!(await readModels.reached(last, 1_000))) if (signal.aborted) return;
          await keepUp(options, events);
          done = last;
          readModels.takeNote(checkpoint, done);
          for (const one of waiting) if (one.position <= done) one.tell(true);
        }
      } catch (error) {
        if (signal.aborted) return;
        log.error('Activation cannot go on; trying again', { error });
        await delay(retryDelayMs, undefined, { signal }).catch(() => undefined);
      }
    }
  }

  return {
    ended: run(),
    async settled(position, timeoutMs) {
      if (done >= position) return true;
      return await new Promise((resolve) => {
        const one = {
          position,
          tell: (settled: boolean) => {
            clearTimeout(timer);
            waiting.delete(one);
            resolve(settled);
          },
        };
        const timer = setTimeout(() => one.tell(false), timeoutMs);
        waiting.add(one);
      });
    },
  };
}

async function keepUp(options: ActivationOptions, events: readonly StoredEvent[]): Promise<void> {
  const changed = new Map<string, StoredEvent>();
  const roles = new Set<string>();
  for (const event of events) {
    const { username, name, tokenId } = event.data as Record<string, string | undefined>;
    switch (categoryOf(event.stream)) {
      case 'client':
        if (username !== undefined) changed.set(username, event);
        break;
      case 'role':
        if (name !== undefined) roles.add(name);
        break;
      case 'token':
        if (event.type === 'TokenRevoked' && username !== undefined && tokenId !== undefined)
          await options.broker.endSessions(username, { tokenId });
        break;
    }
  }
  if (roles.size > 0) await refresh(options, roles);

  const clients = [...changed];
  for (let at = 0; at < clients.length; at += atOnceMax)
    await Promise.all(
      clients
        .slice(at, at + atOnceMax)
        .map(([username, event]) => bringAbout(options, username, event)),
    );
}

/** Rights of a changed role are in force at once for those who are connected. */
async function refresh(
  { broker, authority }: ActivationOptions,
  roles: ReadonlySet<string>,
): Promise<void> {
  const connected = new Set(broker.sessions().map(({ username }) => username));
  for (const username of connected) {
    const found = authority.active(username);
    if (found?.row.status !== 'active' || !found.row.rights.roles.some((role) => roles.has(role)))
      continue;
    await broker.setAuthorization(username, {
      permissions: found.permissions,
      publishPrefix: found.row.rights.mqttPublishPrefix,
      pinnedClientId: found.row.rights.mqttClientId,
    });
  }
}

/** Makes the broker agree with the log about one client, and records what it acknowledged. */
async function bringAbout(
  options: ActivationOptions,
  username: string,
  event: StoredEvent,
): Promise<void> {
  const { broker, brokerName, authority, activations, store, readModels, now } = options;
  const cause: Cause = {
    correlationId: event.metadata.correlationId,
    causationId: event.eventId,
  };
  const found = authority.active(username);
  const before = activations.get(username)?.brokers[brokerName];
  const record = async (
    command:
      | { type: 'RecordActivation'; credentialId: string }
      | { type: 'RecordDeactivation'; sessionsClosed: number },
  ) => {
    const { position } = await handle(
      store,
      activation,
      username,
      { ...command, username, broker: brokerName, at: now(), by: system },
      cause,
    );
    if (position !== null) await readModels.reached(position, 1_000);
  };

  if (found?.row.status === 'active') {
    const { credentialId, rights } = found.row;
    // Another credential than the one that is active there: who came in by the old one goes out.
    if (before?.credentialId !== credentialId)
      await broker.endSessions(username, { exceptCredentialId: credentialId });
    await broker.setAuthorization(username, {
      permissions: found.permissions,
      publishPrefix: rights.mqttPublishPrefix,
      pinnedClientId: rights.mqttClientId,
    });
    if (before?.active && before.credentialId === credentialId) return;
    await record({ type: 'RecordActivation', credentialId });
    options.onActivated?.(
      Math.max(0, Date.parse(now()) - Date.parse(String(event.data.at))) / 1000,
    );
    return;
  }
  const sessionsClosed = await broker.endSessions(username);
  if (before?.active) await record({ type: 'RecordDeactivation', sessionsClosed });
}
