/** The composition root: builds the service from its configuration, starts it, and stops it in reverse. */
import { unlink } from 'node:fs/promises';
import {
  createFirstAdministrator,
  type PasswordShown,
  untoldPassword,
} from './administration/first-administrator.ts';
import type { App } from './app.ts';
import type { Config } from './config/config.ts';
import { hostilityOf, requireAlone } from './hostile/start.ts';
import { listenWhileStarting } from './http/starting.ts';
import { createDiskSpace, type DiskSpace } from './jobs/disk-space.ts';
import { watchVault } from './jobs/watch-vault.ts';
import { storeSilenceMaxMs } from './limits/store.ts';
import type { Logger } from './logger.ts';
import { createMetrics } from './metrics.ts';
import { currentInstant } from './platform/instant.ts';
import { Lifecycle } from './platform/lifecycle.ts';
import { keepJournals } from './platform/sqlite/journals.ts';
import { lowerHelpers } from './platform/threads/priority.ts';
import { followLog, type ReadModelFollower } from './read-models/follow.ts';
import {
  requireApprovals,
  startCarryingOut,
  warnOfFewAdministrators,
} from './startup/approvals.ts';
import { startBackground } from './startup/background.ts';
import { brokerAccess, emptyRuntime, startAllBrokers } from './startup/brokers.ts';
import { catchUp } from './startup/catch-up.ts';
import type { CredentialLimits } from './startup/credentials.ts';
import { keepDataFolder } from './startup/data-folder.ts';
import { listenForHttp } from './startup/http.ts';
import { checkIssuers } from './startup/issuers.ts';
import { openReadModelsOf } from './startup/read-models.ts';
import { buildService, type Service, type ServiceOptions } from './startup/service.ts';
import { openSightings } from './startup/sightings.ts';
import {
  namesOf,
  serverIdentityOf,
  warnOfPlainListeners,
  withoutTakenTlsPorts,
} from './startup/tls.ts';
import { waitForStore } from './startup/wait-for-store.ts';
import { isShared } from './store/location.ts';
import { openStore } from './store/open.ts';

export { moveLogBetween, unsealLogAt } from './startup/move-log.ts';
export { examineInstallation } from './startup/offline/doctor/doctor.ts';
export { checkBackup, restoreBackup } from './startup/offline/restore.ts';
export { resetAdministratorOf } from './startup/reset-administrator.ts';

export interface RunningService {
  /** The addresses of the `ready` line. */
  readonly ready: Readonly<Record<string, string>>;
  readonly app: App;
  stop(): Promise<void>;
}

/**
 * Starts the whole service; the last thing it logs is the `ready` line.
 * @param stopping ends a start that still waits for the store, or folds the log
 * @throws the signal's reason, StoreLocked, KeyFileRefused, ConfigError, KeysDiffer, and what a listener says of a taken port
 */
export async function startService(
  config: Config,
  logger: Logger,
  limits?: CredentialLimits,
  stopping: AbortSignal = new AbortController().signal,
): Promise<RunningService> {
  const lifecycle = new Lifecycle();
  try {
    const configured = await withoutTakenTlsPorts(config, logger);
    const running = await start(configured, logger, lifecycle, stopping, limits);
    // All of them are there by now: the start has read files and derived keys.
    lowerHelpers();
    return running;
  } catch (error) {
    await lifecycle.stop().catch(() => undefined);
    throw error;
  }
}

async function start(
  config: Config,
  logger: Logger,
  lifecycle: Lifecycle,
  stopping: AbortSignal,
  limits?: CredentialLimits,
): Promise<RunningService> {
  const now = currentInstant;
  const metrics = createMetrics();
  requireAlone(config);
  keepDataFolder(config.dataDir, logger, config.hostileSeed !== null);
  warnOfPlainListeners(config, logger);
  const onAppend = (seconds: number, events: number) => {
    metrics.storeAppendSeconds.observe(seconds);
    metrics.eventsAppended.inc(events);
  };
  const waiting = { logger, signal: stopping };
  let waitsFor: 'store' | 'readModels' = 'store';
  const answering = () => answerEarly(config, () => waitsFor, lifecycle);
  // A log in the own folder does not come by waiting: whoever has it open is told so first, not of a taken port.
  const whileWaiting = isShared(config) ? await answering() : undefined;
  const journals = keepJournals(logger);
  lifecycle.add(() => journals.end());
  const open = () => openStore(config, { onAppend, journals, thread: { logger } });
  const store = await waitForStore(config, open, waiting);
  lifecycle.add(() => store.close());
  const inTouch = () => store.silentMs() < storeSilenceMaxMs;
  waitsFor = 'readModels';
  const early = whileWaiting ?? (await answering());
  const readModels = await openReadModelsOf(config, store, { ...waiting, journals });
  lifecycle.add(() => readModels.close());

  const runtime = emptyRuntime();
  const disk = await watchDisk(config, logger, lifecycle);
  const knowsAll = () => inTouch() && !readModels.isUndone();
  const opened = { config, logger, metrics, store, readModels, now, inTouch: knowsAll, disk };
  const parts = { ...opened, sightings: openSightings({ ...opened, journals }, lifecycle) };
  const service = await buildService({ ...parts, limits, ...brokerAccess(runtime) });
  const following = await follow(parts, service, lifecycle, stopping);
  checkIssuers({ ...parts, ...service }, config.tls.caOverlap === 'none');
  const own = serverIdentityOf({ ...parts, ca: service.ca, lifecycle });
  const hostility = await hostilityOf(own, { ...parts, names: namesOf(config), lifecycle });
  const { identity, watch, door } = hostility ?? { identity: own };
  const serving = { ...parts, service, runtime, lifecycle };
  const brokers = await startAllBrokers({ ...serving, identity, watch });
  const notifications = startBackground({ ...parts, service, runtime, lifecycle });

  const app = appOf(service, runtime, { notifications, brokers, following, inTouch, disk });
  metrics.observe({ checks: app.health });
  await early?.stop(0);
  const approvals = { ...parts, clients: service.rows.clients };
  // Before anybody can be answered; an empty log begins with its administrator.
  if (readModels.resume().index > 0) await requireApprovals(app, approvals);
  lifecycle.runs(startCarryingOut(app, approvals, lifecycle.signal));
  // Nothing ends by the signal before HTTP does: whoever is answered waits for what follows the log.
  const http = await listenForHttp(app, identity, brokers.hooks, door);
  lifecycle.add(() => http.close());
  // First of all: who waits for a slow hash is told to come back, and holds nothing up.
  lifecycle.add(() => service.passwords.close());

  // Only now: a start that cannot listen must not make a password that nobody is told.
  const passwordShown = await firstAdministrator(parts, service);
  await requireApprovals(app, approvals);
  warnOfFewAdministrators(app, approvals);
  const ready = { ...http.addresses, ...brokers.addresses };
  await showPassword(passwordShown, config, ready, logger);
  logger.info('ready', { ...ready, caFingerprint: app.ca.root.fingerprint256 });
  return { ready, app, stop: () => lifecycle.stop() };
}

/** The service as its edges see it. */
const appOf = (
  service: Service,
  runtime: ReturnType<typeof emptyRuntime>,
  {
    notifications,
    brokers,
    following,
    inTouch,
    disk,
  }: {
    readonly notifications: ReturnType<typeof startBackground>;
    readonly brokers: Awaited<ReturnType<typeof startAllBrokers>>;
    readonly following: ReadModelFollower;
    readonly inTouch: () => boolean;
    readonly disk: DiskSpace;
  },
): App => ({
  ...service.app,
  deadLetters: notifications.deadLetters,
  brokers: brokers.activation,
  health: () => ({
    store: service.storeFault() === null && inTouch() ? 'up' : 'down',
    readModels:
      following.fault() === null && service.app.readModels.faults().length === 0 ? 'up' : 'down',
    disk: disk.status(),
    ...(service.audit.checkpoints.fault() === null ? {} : { checkpoints: 'down' as const }),
    ...Object.fromEntries(
      runtime.brokers.map((broker) => [`broker:${broker.name}`, broker.status()]),
    ),
  }),
});

async function watchDisk(
  { dataDir, diskFreeMinBytes: minBytes }: Config,
  logger: Logger,
  lifecycle: Lifecycle,
): Promise<DiskSpace> {
  const disk = createDiskSpace({ folder: dataDir, minBytes, logger });
  await disk.begin();
  lifecycle.runs(disk.watch(lifecycle.signal));
  return disk;
}

type Parts = Pick<ServiceOptions, 'config' | 'logger' | 'store' | 'readModels' | 'now'>;

/** Who asks meanwhile is told that the service is not ready. A port of its own choice nobody knows yet. */
async function answerEarly(
  { httpHost, httpPort }: Config,
  waitsFor: Parameters<typeof listenWhileStarting>[1],
  lifecycle: Lifecycle,
) {
  if (httpPort === null || httpPort === 0) return undefined;
  const early = await listenWhileStarting({ host: httpHost, port: httpPort }, waitsFor);
  lifecycle.add(() => early.stop(0));
  return early;
}

/** Resolves when the read models are as far as the log was. */
async function follow(
  { config, logger, store, readModels }: Parts,
  service: Service,
  lifecycle: Lifecycle,
  stopping: AbortSignal,
): Promise<ReadModelFollower> {
  const { signal } = lifecycle;
  if (isShared(config)) lifecycle.runs(watchVault(service.vault, logger, signal));
  const following = followLog({ store, readModels, logger, signal });
  lifecycle.runs(following.ended);
  const head = await store.head();
  const total = isShared(config) ? null : Number(head);
  await catchUp({ readModels, head, total, logger, signal: stopping });
  await service.begin();
  return following;
}

/** Makes one where the log is empty; tells of one whose password nobody was told. */
async function firstAdministrator(
  { config, store, readModels, now }: Parts,
  service: Service,
): Promise<PasswordShown | undefined> {
  const isEmpty = (await store.head()) === readModels.position() && readModels.resume().index === 0;
  const options = {
    ...service,
    username: config.adminUsername,
    dataDir: config.dataDir,
    isTerminal: process.stdout.isTTY === true,
  };
  return isEmpty
    ? await createFirstAdministrator({ ...options, password: config.adminPassword, now })
    : await untoldPassword(options);
}

/** The first administrator's password: on the terminal, or where it is filed; never in a log line. */
async function showPassword(
  told: PasswordShown | undefined,
  config: Config,
  ready: Readonly<Record<string, string>>,
  logger: Logger,
): Promise<void> {
  if (told?.by === 'terminal') {
    process.stdout.write(
      `\n  Administrator  ${config.adminUsername}\n  Password       ${told.password}\n` +
        '  Shown only now: keep it, or change it with "gatebook users rotate".\n\n',
    );
    await unlink(told.file);
  }
  if (told?.by === 'file')
    logger.info('The administrator is made; its password is in a file', {
      username: config.adminUsername,
      file: told.file,
    });
  const page = [ready.https, ready.http].filter((url) => url !== undefined).join(' and ');
  const mqtt = [ready.mqtts, ready.mqtt].filter((url) => url !== undefined).join(' and ');
  logger.info(`Page and API at ${page}${mqtt === '' ? '' : `, MQTT at ${mqtt}`}`);
}
