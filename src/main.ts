/** The composition root: builds the service from its configuration, starts it, and stops it in reverse. */
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { App } from './app.ts';
import { sendCheckpoint } from './audit/checkpoint-webhook.ts';
import { startCheckpoints } from './audit/checkpoints.ts';
import { type ActivationOptions, startActivation } from './broker/activation.ts';
import type { ActivationManager, Broker, EmbeddedBroker, Gatekeeper } from './broker/broker.ts';
import { startBrokers } from './broker/brokers.ts';
import { driveWhileHeld } from './broker/driving.ts';
import { startEmbeddedBroker } from './broker/embedded.ts';
import { embeddedPort } from './broker/embedded-port.ts';
import { startGateways } from './broker/gateway-configured.ts';
import { publishRegistry } from './broker/registry-topics.ts';
import { startClockwork } from './clockwork.ts';
import type { Config } from './config.ts';
import type { Vault } from './credentials/vault.ts';
import { createFirstAdministrator, type Told } from './first-administrator.ts';
import { followLog } from './follow.ts';
import { createGatekeeper } from './gatekeeper.ts';
import { createHooks } from './hooks/hooks.ts';
import { startHttp } from './http/server.ts';
import type { Lease } from './lease.ts';
import { activationWaitMs, storeSilenceMaxMs } from './limits.ts';
import type { Log } from './log.ts';
import { createMetrics } from './metrics.ts';
import { startNotifications } from './notifications.ts';
import { allKeepers, allProjections } from './read-models/all.ts';
import { openReadModels, type ReadModels } from './read-models/read-models.ts';
import { buildService, type HashLimits } from './service.ts';
import { isShared, openStore } from './store/open.ts';

const catchUpMs = 60_000;
const retryDelayMs = 1_000;
/** A node that was killed is known to be gone after some seconds: its successor waits that long. */
const leaseWaitMs = 30_000;

export interface RunningService {
  /** The addresses of the `ready` line. */
  readonly ready: Readonly<Record<string, string>>;
  readonly app: App;
  stop(): Promise<void>;
}

/** Undone in reverse when the service stops, or when a later step of the start fails. */
class Started {
  readonly #steps: (() => Promise<void> | void)[] = [];

  add(undo: () => Promise<void> | void): void {
    this.#steps.push(undo);
  }

  async stop(): Promise<void> {
    const faults: unknown[] = [];
    for (const undo of this.#steps.splice(0).reverse())
      try {
        await undo();
      } catch (error) {
        faults.push(error);
      }
    if (faults.length > 0) throw faults[0];
  }
}

const readModelFile = (config: Config) => join(config.dataDir, 'read-models.sqlite');

/**
 * Starts the whole service; the last thing it logs is the `ready` line.
 * @throws StoreLocked, KeyFileRefused, KeysDiffer, and what a listener says of a taken port
 */
export async function startService(
  config: Config,
  log: Log,
  limits?: HashLimits,
): Promise<RunningService> {
  const started = new Started();
  try {
    return await start(config, log, started, limits);
  } catch (error) {
    await started.stop().catch(() => undefined);
    throw error;
  }
}

async function start(
  config: Config,
  log: Log,
  started: Started,
  limits?: HashLimits,
): Promise<RunningService> {
  const now = () => new Date().toISOString();
  const metrics = createMetrics();
  const store = await openStore(config, {
    onAppend: (seconds, events) => {
      metrics.storeAppendSeconds.observe(seconds);
      metrics.eventsAppended.inc(events);
    },
  });
  started.add(() => store.close());
  const inTouch = () => store.silentMs() < storeSilenceMaxMs;
  const readModels = openReadModels({
    file: readModelFile(config),
    logId: store.logId,
    head: await store.head(),
    projections: allProjections,
    keepers: allKeepers,
  });
  started.add(() => readModels.close());

  const ending = new AbortController();
  const state: {
    broker: EmbeddedBroker | null;
    brokers: readonly Broker[];
    activation: ActivationManager | null;
  } = { broker: null, brokers: [], activation: null };
  const urls: string[] = [];
  const service = await buildService({
    config,
    log,
    metrics,
    store,
    readModels,
    now,
    inTouch,
    limits,
    broker: () => state.broker,
    brokers: () => state.brokers.map((broker) => ({ name: broker.name, urls: broker.urls() })),
    enforced: async (position, brokers) => {
      await state.activation?.settled(position, activationWaitMs, brokers);
    },
    stage: (staged) => state.activation?.stage(staged),
    activationNote: (broker, username) => state.activation?.note(broker, username),
  });

  if (isShared(config)) {
    const watching = watchVault(service.vault, log, ending.signal);
    started.add(async () => {
      ending.abort();
      await watching;
    });
  }
  const following = followLog({ store, readModels, log, signal: ending.signal });
  started.add(async () => {
    ending.abort();
    await following.ended;
  });
  if (!(await readModels.reached(await store.head(), catchUpMs)))
    log.warn('The read models are still behind the log; starting all the same');
  await service.begin();

  const told =
    (await store.head()) === readModels.position() && readModels.resume().index === 0
      ? await createFirstAdministrator({
          ...service,
          username: config.adminUsername,
          password: config.adminPassword,
          dataDir: config.dataDir,
          isTerminal: process.stdout.isTTY === true,
          now,
        })
      : undefined;

  const gatekeeper = createGatekeeper({
    registration: service.registration,
    authority: service.authority,
    passwordFaults: service.passwordFaults,
    stopping: () => ending.signal.aborted || !inTouch(),
    log,
  });
  const embeds = config.mqttPort !== null && config.brokers.some(({ kind }) => kind === 'embedded');
  // A node without brokers has nothing to drive, and would only keep the lease from one that has.
  const drives = embeds || config.brokers.some(({ kind }) => kind !== 'embedded');
  const lease = isShared(config) && drives ? await leaseOn(config, embeds, started) : undefined;
  if (embeds) {
    const broker = await startBroker(config, gatekeeper, log, metrics);
    started.add(() => broker.close());
    state.broker = broker;
    urls.push(...Object.values(broker.addresses).filter((url) => url !== undefined));
  }
  let privateUrls: readonly string[] = [];
  const hooks = createHooks({
    gatekeeper,
    authority: service.authority,
    tokenEnd: (tokenId) => service.rows.tokens.get(tokenId)?.expiresAt ?? null,
    onConnect: (outcome) => metrics.mqttConnects.inc({ outcome }),
  });
  const brokers = await startBrokers({
    config,
    logId: store.logId,
    log,
    embedded: state.broker && embeddedPort(state.broker, () => urls),
    gatewayUrls: () => privateUrls,
    admissions: hooks.admissions,
  });
  state.brokers = brokers.all;
  const driving: ActivationOptions = {
    ...{ store, readModels, log, now },
    authority: service.authority,
    rows: service.rows,
    brokers: brokers.all,
    signal: ending.signal,
    onActivated: (name, seconds) => metrics.activationSeconds.observe({ broker: name }, seconds),
  };
  state.activation = lease ? driveWhileHeld(driving, lease) : startActivation(driving);
  const activation = state.activation;
  started.add(async () => {
    ending.abort();
    // What waits for a broker's answer waits no longer; what was half done is done at the next start.
    await brokers.close();
    await activation.ended;
  });
  const gateways = await startGateways({
    ...{ config, gatekeeper, log },
    privateUpstream: brokers.upstream,
    onConnect: (outcome) => metrics.mqttConnects.inc({ outcome }),
  });
  started.add(() => gateways.close());
  privateUrls = gateways.privateUrls;

  const checkpoints = startCheckpoints({
    checkpoints: service.audit.checkpoints,
    caughtUp: async () => await readModels.reached(await store.head(), 1_000),
    log,
    signal: ending.signal,
    onPublished: async (published) => {
      const told = { event: 'checkpoint.published', at: now(), data: published };
      service.app.live.checkpointPublished(published);
      await state.broker?.publish('gatebook/registry/checkpoint', JSON.stringify(told), {
        retain: true,
      });
      await sendCheckpoint(config.webhook, published, told.at, log);
    },
  });
  started.add(async () => {
    ending.abort();
    await checkpoints;
  });

  if (state.broker !== null) {
    const { live, views } = service.app;
    const publishing = publishRegistry({
      ...{ live, views, now, log },
      broker: state.broker,
      signal: ending.signal,
    });
    started.add(async () => {
      ending.abort();
      await publishing;
    });
  }

  const clockwork = startClockwork({
    ...service,
    store,
    log,
    now,
    signal: ending.signal,
    refusedTtlMs: config.refusedTtlMs,
  });
  started.add(async () => {
    ending.abort();
    await clockwork;
  });

  const notifications = startNotifications({
    ...{ readModels, log, now },
    webhook: config.webhook,
    ntfyUrl: config.ntfyUrl,
    publicUrl: config.publicUrl,
    history: service.rows.history,
    views: service.app.views,
    signal: ending.signal,
  });
  started.add(async () => {
    ending.abort();
    await notifications.ended;
  });

  const app: App = {
    ...service.app,
    deadLetters: notifications.deadLetters,
    brokers: activation,
    health: () => ({
      store: service.storeFault() === null && inTouch() ? 'up' : 'down',
      readModels: following.fault() === null && readModels.faults().length === 0 ? 'up' : 'down',
      ...(service.audit.checkpoints.fault() === null ? {} : { checkpoints: 'down' as const }),
      ...Object.fromEntries(
        brokers.all.map((broker) => [`broker:${broker.name}`, broker.status()]),
      ),
    }),
  };
  const http = await startHttp(app, {
    host: config.httpHost,
    port: config.httpPort,
    door: config.doorPort === null ? undefined : { host: config.doorHost, port: config.doorPort },
    hooks: { hooks, secret: config.hookSecret, vhosts: vhostsOf(config) },
  });
  started.add(() => http.close());
  // First of all: who waits for a slow hash is told to come back, and holds nothing up.
  started.add(() => service.passwords.close());

  const ready = addresses(http, {
    ...(state.broker as Addressed | null)?.addresses,
    ...gateways.addresses,
  });
  tell(told, config, ready, log);
  log.info('ready', ready);
  return { ready, app, stop: () => started.stop() };
}

/** Competes for the lease that one node drives the brokers with; the embedded broker needs it to begin. */
async function leaseOn(config: Config, embeds: boolean, started: Started): Promise<Lease> {
  const { kurrentLease } = await import('./store/kurrentdb-lease.ts');
  const lease = kurrentLease(config.store, 'process-manager');
  started.add(() => lease.close());
  if (embeds && !(await lease.gained(leaseWaitMs)))
    throw new Error(
      'another node drives the brokers of this log, and the embedded broker is for one node: set ' +
        'GATEBOOK_BROKER to the broker that all nodes share, or GATEBOOK_MQTT_PORT=off here',
    );
  return lease;
}

/** Follows what other nodes keep and destroy, and begins again where that breaks off. */
async function watchVault(vault: Vault, log: Log, signal: AbortSignal): Promise<void> {
  while (!signal.aborted)
    try {
      await vault.watch(signal);
    } catch (error) {
      log.warn('The vault cannot be followed; trying again', { error });
      await delay(retryDelayMs, undefined, { signal }).catch(() => undefined);
    }
}

/** Virtual hosts of RabbitMQ that clients may use. */
const vhostsOf = ({ brokers }: Config): readonly string[] => {
  const named = brokers.flatMap((one) => (one.kind === 'rabbitmq' ? one.vhosts : []));
  return named.length > 0 ? named : ['/'];
};

type Addressed = EmbeddedBroker & { readonly addresses: Readonly<Record<string, string>> };

const addresses = (
  http: { readonly url: string; readonly doorUrl?: string },
  mqtt: Readonly<Record<string, string>>,
): Record<string, string> => ({
  http: http.url,
  ...mqtt,
  ...(http.doorUrl === undefined ? {} : { door: http.doorUrl }),
});

async function startBroker(
  config: Config,
  gatekeeper: Gatekeeper,
  log: Log,
  metrics: ReturnType<typeof createMetrics>,
) {
  return await startEmbeddedBroker({
    gatekeeper,
    host: config.mqttHost,
    port: config.mqttPort ?? 0,
    ...(config.mqttWsPort === null
      ? {}
      : { webSocket: { host: config.mqttHost, port: config.mqttWsPort, path: '/mqtt' } }),
    log,
    onConnect: (outcome) => metrics.mqttConnects.inc({ outcome }),
  });
}

/** The first administrator's password: on the terminal, or where it is filed; never in a log line. */
function tell(
  told: Told | undefined,
  config: Config,
  ready: Readonly<Record<string, string>>,
  log: Log,
): void {
  if (told?.by === 'terminal')
    process.stdout.write(
      `\n  Administrator  ${config.adminUsername}\n  Password       ${told.password}\n` +
        '  Shown only now: keep it, or change it with "gatebook users rotate".\n\n',
    );
  if (told?.by === 'file')
    log.info('The administrator is made; its password is in a file', {
      username: config.adminUsername,
      file: told.file,
    });
  log.info(`Page and API at ${ready.http}${ready.mqtt ? `, MQTT at ${ready.mqtt}` : ''}`);
}

/**
 * Folds all rows again from the first event. The service must be stopped.
 * @throws StoreLocked when it is not
 */
export async function rebuildReadModels(
  config: Config,
  onProgress: (progress: { done: number; total: number }) => void,
): Promise<{ before: string | null } & Awaited<ReturnType<ReadModels['state']>>> {
  const store = await openStore(config);
  try {
    const options = {
      file: readModelFile(config),
      logId: store.logId,
      head: await store.head(),
      projections: allProjections,
      keepers: allKeepers,
    };
    const old = openReadModels(options);
    const before = old.position() === options.head ? (await old.state()).stateHash : null;
    old.close();

    const rebuilt = openReadModels({ ...options, anew: true });
    const total = Number(options.head);
    for (;;) {
      const { position, index } = rebuilt.resume();
      onProgress({ done: index, total });
      const events = await store.readAll(position, 1_000);
      if (events.length === 0) break;
      rebuilt.apply(events);
      const [fault] = rebuilt.faults();
      if (fault) throw fault.error;
    }
    const state = await rebuilt.state();
    rebuilt.close();
    return { before, ...state };
  } finally {
    await store.close();
  }
}

export { moveLogBetween } from './move-log.ts';
