/** Builds what stands between the edges and the log: credentials, doors, desks and views. */
import { clientStatuses } from '../../domain/client/state.ts';
import { registryId } from '../../domain/window.ts';
import { createAdministration } from '../administration/administration.ts';
import type { App } from '../app.ts';
import { createAudit } from '../audit/audit.ts';
import { createAuthority } from '../authority.ts';
import type { ActivationObstacle, EmbeddedBroker, Staged } from '../broker/ports/broker.ts';
import { createClients } from '../commands/client-commands.ts';
import { Refused } from '../commands/refused.ts';
import type { Config } from '../config/config.ts';
import { passwordFaults } from '../config/password-policy.ts';
import { loginFailuresPerMinute, positionWaitMs } from '../limits.ts';
import type { Logger } from '../logger.ts';
import type { Metrics } from '../metrics.ts';
import { createLiveEvents } from '../notifications/live-events.ts';
import { createThrottle } from '../platform/throttle.ts';
import { rowsOf } from '../read-models/all.ts';
import type { ReadModels } from '../read-models/read-models.ts';
import { type Capacity, createCapacity } from '../registration/capacity.ts';
import { createKnocks } from '../registration/knocks.ts';
import { createLongPolls } from '../registration/long-polls.ts';
import { createRegistration } from '../registration/registration.ts';
import { createRegistrationTokens, registrationTokenGraceMs } from '../registration/tokens.ts';
import type { EventStore } from '../store/event-store.ts';
import { withHealth } from '../store/health.ts';
import { createViews } from '../views/views.ts';
import { type HashLimits, openCredentials } from './credentials.ts';

export interface ServiceOptions {
  readonly config: Config;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly store: EventStore;
  readonly readModels: ReadModels;
  readonly now: () => string;
  /** Whether the store answered lately enough to admit anybody. */
  readonly inTouch: () => boolean;
  /** Other limits than the named ones, so that a test can reach them. */
  readonly limits?: HashLimits | undefined;
  readonly broker: () => EmbeddedBroker | null;
  readonly brokers: () => readonly { readonly name: string; readonly urls: readonly string[] }[];
  /**
   * Resolves when everything up to a position is in force at the brokers, or that takes too long. The
   * doors wait for the `own` one alone.
   */
  readonly enforced: (position: string, brokers: 'all' | 'own') => Promise<void>;
  /** Hands on a password that was just proven or made; never waits, never throws. */
  readonly stage: (staged: Staged) => void;
  /** Why a client is not active at a broker. */
  readonly activationObstacle: (broker: string, username: string) => ActivationObstacle | undefined;
}

export type Service = Awaited<ReturnType<typeof buildService>>;

export async function buildService(options: ServiceOptions) {
  const { config, logger, metrics, readModels, now } = options;
  const watched = withHealth(options.store);
  const { store } = watched;
  const { passwords, vault, signer, personal, proofs, seen, tokens } = await openCredentials({
    ...{ config, logger, store, now },
    limits: options.limits,
  });
  const rows = rowsOf(readModels);
  const position = () => readModels.position();
  const onApplied: ReadModels['onApplied'] = (listener) => readModels.onApplied(listener);

  // The first to be told of a change: nobody after it sees rights of before.
  const authority = createAuthority({
    ...{ access: rows.access, roles: rows.roles, tokenRows: rows.tokens },
    ...{ tokens, onApplied, now },
  });
  const settledAt = (brokers: 'all' | 'own') => async (at: string) => {
    if (!(await readModels.reached(at, positionWaitMs)))
      throw new Refused('position-not-reached', {
        detail: 'It is recorded, but cannot be read yet: ask for it again.',
      });
    await options.enforced(at, brokers);
  };
  const settled = settledAt('all');
  const clients = createClients({ store, vault, forget: passwords.forget, settled });
  const atDoor = { store, vault, forget: passwords.forget, settled: settledAt('own') };

  const liveEvents = createLiveEvents({ history: rows.history, onApplied });
  const knocks = createKnocks(
    (knock) => liveEvents.knocked(knock),
    () => rows.window.get(registryId)?.windowId ?? null,
  );
  const startedAt = now();
  /** Null where this node was not there from the window's beginning: a part is no count. */
  const turnedAway = () => {
    const row = rows.window.get(registryId);
    return row === undefined || row.unlockedAt < startedAt ? null : knocks.turnedAway(row.windowId);
  };
  const sources = createThrottle(config.sourceAttemptsPerMinute);
  let capacity: Capacity | undefined;
  const roomNow = (): Capacity => {
    if (!capacity) throw new Error('the doors are not open yet');
    return capacity;
  };
  const registration = createRegistration({
    ...{ authority, proofs, seen, personal, vault, rows, knocks, now, position },
    clients: createClients(atDoor),
    capacity: {
      reserve: (...given) => roomNow().reserve(...given),
      asked: (...given) => roomNow().asked(...given),
      pending: () => roomNow().pending(),
    },
    throttle: sources,
    pendingTtlMs: config.pendingTtlMs,
    inTouch: options.inTouch,
    onOutcome: (flow, outcome) => metrics.registrations.inc({ flow, outcome }),
    onKnock: (flow) => metrics.knocks.inc({ flow }),
    onProven({ username, password }, answer) {
      const row = rows.access.get(username);
      const waits = row?.status === 'pending' && answer.kind === 'pending' ? row.waiting : null;
      const credentialId = answer.kind === 'granted' ? answer.credentialId : waits?.credentialId;
      if (credentialId !== undefined) options.stage({ username, password, credentialId });
    },
  });
  const administration = createAdministration({
    ...{ store, clients, authority, rows, settled, position, now },
    ...{ passwords, proofs, seen, vault, tokens, turnedAway },
    throttles: { sources, logins: createThrottle(loginFailuresPerMinute) },
    registrationTokenMs: config.pendingTtlMs + registrationTokenGraceMs,
    onDecision: (decision) => metrics.decisions.inc({ decision }),
    onCredential: options.stage,
  });
  const views = createViews({
    ...{ rows, authority, personal, tokens, knocks, now },
    broker: options.broker,
    brokers: options.brokers,
    activationNote: options.activationObstacle,
    pendingCount: () => roomNow().pending(),
  });
  const audit = createAudit({
    ...{ store, readModels, views, personal, signer, turnedAway, now },
    ...{ history: rows.history, requests: rows.requests },
    dataDir: config.dataDir,
  });
  const faultsOf = (password: string) => passwordFaults(password, config.passwordPolicy);

  metrics.observe({
    windowUnlocked: () => views.window().status === 'unlocked',
    requestsPending: () => roomNow().pending(),
    clients: () =>
      Object.fromEntries(
        clientStatuses
          .filter((status) => status !== 'unknown')
          .map((status) => [status, rows.clients.count([{ column: 'status', is: status }])]),
      ),
    mqttSessions: () => options.broker()?.sessions().length ?? 0,
    hashQueueLength: () => passwords.waiting(),
    projectionLagEvents: () => readModels.lag(),
  });

  const app: Omit<App, 'health' | 'brokers' | 'deadLetters'> = {
    registration: {
      ...registration,
      ...createRegistrationTokens(tokens, now),
      ...createLongPolls(onApplied),
    },
    authority,
    administration,
    views,
    audit,
    liveEvents,
    readModels,
    passwordFaults: faultsOf,
    reached: (at, timeoutMs) => readModels.reached(at, timeoutMs),
    now,
    metrics,
    logger,
    config,
  };

  return {
    ...{ app, rows, audit, clients, vault, passwords, authority, registration, turnedAway },
    passwordFaults: faultsOf,
    storeFault: watched.fault,
    /** Once the read models are as far as the log: counts who waits, so that the doors can open. */
    async begin(): Promise<void> {
      capacity = await createCapacity({
        requests: rows.requests,
        onApplied,
        openSource: async ({ username, source }) =>
          (await personal.open(username, 'source', source)) as string | null,
        pendingMax: config.pendingMax,
        pendingPerSourceMax: config.pendingPerSourceMax,
      });
    },
  };
}
