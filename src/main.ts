/** The composition root: builds the service from its configuration, starts it, and stops it in reverse. */
import { join } from 'node:path';
import type { App } from './app.ts';
import { startCheckpoints } from './audit/checkpoints.ts';
import { type ActivationManager, startActivation } from './broker/activation.ts';
import type { EmbeddedBroker } from './broker/broker.ts';
import { startEmbeddedBroker } from './broker/embedded.ts';
import { embeddedPort } from './broker/embedded-port.ts';
import { startClockwork } from './clockwork.ts';
import type { Config } from './config.ts';
import { createFirstAdministrator, type Told } from './first-administrator.ts';
import { followLog } from './follow.ts';
import { createGatekeeper } from './gatekeeper.ts';
import { startHttp } from './http/server.ts';
import type { Log } from './log.ts';
import { createMetrics } from './metrics.ts';
import { allKeepers, allProjections } from './read-models/all.ts';
import { openReadModels, type ReadModels } from './read-models/read-models.ts';
import { buildService, type HashLimits } from './service.ts';
import { openSqliteStore } from './store/sqlite.ts';

const catchUpMs = 60_000;

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

const logFile = (config: Config) => join(config.dataDir, 'log.sqlite');
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
  const store = openSqliteStore({
    file: logFile(config),
    onAppend: (seconds, events) => {
      metrics.storeAppendSeconds.observe(seconds);
      metrics.eventsAppended.inc(events);
    },
  });
  started.add(() => store.close());
  const readModels = openReadModels({
    file: readModelFile(config),
    logId: store.logId,
    head: await store.head(),
    projections: allProjections,
    keepers: allKeepers,
  });
  started.add(() => readModels.close());

  const ending = new AbortController();
  const state: { broker: EmbeddedBroker | null; activation: ActivationManager | null } = {
    broker: null,
    activation: null,
  };
  const urls: string[] = [];
  const service = await buildService({
    config,
    log,
    metrics,
    store,
    readModels,
    now,
    limits,
    broker: () => state.broker,
    brokers: () =>
      state.broker === null
        ? []
        : [
            {
              name: 'embedded',
              urls: config.publicMqttUrls.length > 0 ? config.publicMqttUrls : urls,
            },
          ],
    enforced: async (position) => {
      await state.activation?.settled(position, 2_000);
    },
  });

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

  if (config.mqttPort !== null) {
    const broker = await startBroker(config, service, log, metrics, ending.signal);
    started.add(() => broker.close());
    state.broker = broker;
    urls.push(...Object.values(broker.addresses).filter((url) => url !== undefined));
    state.activation = startActivation({
      store,
      readModels,
      authority: service.authority,
      rows: service.rows,
      brokers: [embeddedPort(broker, () => urls)],
      log,
      signal: ending.signal,
      now,
      onActivated: (name, seconds) => metrics.activationSeconds.observe({ broker: name }, seconds),
    });
    const { ended } = state.activation;
    started.add(async () => {
      ending.abort();
      await ended;
    });
  }

  const checkpoints = startCheckpoints({
    checkpoints: service.audit.checkpoints,
    caughtUp: async () => await readModels.reached(await store.head(), 1_000),
    log,
    signal: ending.signal,
    onPublished: async (published) => {
      const told = { event: 'checkpoint.published', at: now(), data: published };
      await state.broker?.publish('gatebook/registry/checkpoint', JSON.stringify(told), {
        retain: true,
      });
    },
  });
  started.add(async () => {
    ending.abort();
    await checkpoints;
  });

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

  const app: App = {
    ...service.app,
    health: () => ({
      store: service.storeFault() === null ? 'up' : 'down',
      readModels: following.fault() === null && readModels.faults().length === 0 ? 'up' : 'down',
      ...(service.audit.checkpoints.fault() === null ? {} : { checkpoints: 'down' as const }),
      ...(config.mqttPort === null ? {} : { 'broker:embedded': state.broker ? 'up' : 'down' }),
    }),
  };
  const http = await startHttp(app, {
    host: config.httpHost,
    port: config.httpPort,
    door: config.doorPort === null ? undefined : { host: config.doorHost, port: config.doorPort },
  });
  started.add(() => http.close());
  // First of all: who waits for a slow hash is told to come back, and holds nothing up.
  started.add(() => service.passwords.close());

  const ready = addresses(http, state.broker as Addressed | null);
  tell(told, config, ready, log);
  log.info('ready', ready);
  return { ready, app, stop: () => started.stop() };
}

type Addressed = EmbeddedBroker & { readonly addresses: Readonly<Record<string, string>> };

const addresses = (
  http: { readonly url: string; readonly doorUrl?: string },
  broker: Addressed | null,
): Record<string, string> => ({
  http: http.url,
  ...broker?.addresses,
  ...(http.doorUrl === undefined ? {} : { door: http.doorUrl }),
});

async function startBroker(
  config: Config,
  service: Awaited<ReturnType<typeof buildService>>,
  log: Log,
  metrics: ReturnType<typeof createMetrics>,
  ending: AbortSignal,
) {
  return await startEmbeddedBroker({
    gatekeeper: createGatekeeper({
      registration: service.registration,
      authority: service.authority,
      passwordFaults: service.passwordFaults,
      stopping: () => ending.aborted,
      log,
    }),
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
  const store = openSqliteStore({ file: logFile(config) });
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
