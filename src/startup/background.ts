/** Starts what runs beside the doors until the service stops: checkpoints, MQTT topics, expiry, the sweep of the vault, notifications, the SIEM. */
import { hostname } from 'node:os';
import { registryRoot } from '../../domain/matching.ts';
import { startCheckpoints } from '../audit/transparency-log/publisher.ts';
import { merkleTree } from '../audit/transparency-log/tree.ts';
import { rowsAtHand } from '../commands/rows-at-hand.ts';
import { startWarningOfEnds } from '../jobs/end-warnings.ts';
import { startLookingForErasures } from '../jobs/erasures.ts';
import { startExpiry } from '../jobs/expiry.ts';
import { startRenewingRevocationList } from '../jobs/revocation-list.ts';
import { startOpeningSchedules } from '../jobs/schedules.ts';
import { startSuspendingStale } from '../jobs/stale-clients.ts';
import { startSweeping } from '../jobs/vault-sweep.ts';
import { sendCheckpoint } from '../notifications/checkpoint-webhook.ts';
import type { WebhookTarget } from '../notifications/messages.ts';
import { publishRegistry } from '../notifications/mqtt-topics.ts';
import { type Notifications, startNotifications } from '../notifications/notifications.ts';
import { createRegistryStates } from '../notifications/registry-states.ts';
import { ndjsonSink } from '../notifications/siem/ndjson.ts';
import { startSiem } from '../notifications/siem/siem.ts';
import { syslogSink } from '../notifications/siem/syslog.ts';
import type { Lifecycle } from '../platform/lifecycle.ts';
import { openJob } from '../store/job.ts';
import type { BrokerRuntime } from './brokers.ts';
import type { Service, ServiceOptions } from './service.ts';
import { startKeepingSightings } from './sightings.ts';

type BackgroundOptions = Pick<
  ServiceOptions,
  'config' | 'logger' | 'metrics' | 'store' | 'readModels' | 'now' | 'sightings'
> & {
  readonly service: Service;
  readonly runtime: BrokerRuntime;
  readonly lifecycle: Lifecycle;
};

export function startBackground(options: BackgroundOptions): Notifications {
  const { config, logger, store, readModels, now, service, runtime, lifecycle } = options;
  const { liveEvents, views } = service.app;
  const byClock = { ...service, clients: service.clientsByClock };
  const { signal } = lifecycle;

  lifecycle.runs(service.logins.prepare(signal));
  startKeepingSightings(options, runtime, lifecycle);
  lifecycle.runs(startPublishing(options));
  if (runtime.embedded !== null)
    lifecycle.runs(
      publishRegistry({
        ...{ liveEvents, views, logger, broker: runtime.embedded, signal },
        states: createRegistryStates({ views, now }),
      }),
    );
  lifecycle.runs(
    startExpiry({ ...byClock, store, logger, now, signal, atHand: rowsAtHand(readModels) }),
  );
  lifecycle.runs(
    startOpeningSchedules({
      ...service,
      store,
      logger,
      now,
      signal,
      atHand: rowsAtHand(readModels),
    }),
  );
  const { refusedTtlMs } = config;
  lifecycle.runs(startSweeping({ ...service, store, logger, now, signal, refusedTtlMs }));
  lifecycle.runs(
    startWarningOfEnds({ ...byClock, leadsMs: config.endWarningsMs, now, logger, signal }),
  );
  if (config.suspendsStale && config.staleAfterMs !== null)
    lifecycle.runs(
      startSuspendingStale({
        ...{ ...service, sightings: options.sightings, staleAfterMs: config.staleAfterMs },
        ...{ isConnected: connectedTest(runtime), now, logger, signal },
      }),
    );
  lifecycle.runs(startRenewingRevocationList(service.app.revocationList, { logger, signal }));
  lifecycle.runs(startLookingForErasures(service.erasures, logger, signal));
  const notifications = startNotifications({
    ...{ logger, now, views, signal },
    readModels: {
      getBookmark: (name) => readModels.getBookmark(name),
      setBookmark: (name, value) => readModels.setBookmark(name, value),
      onApplied: service.onApplied.notifications,
    },
    webhook: webhookOf(options),
    ntfyUrl: config.ntfyUrl,
    publicUrl: config.publicUrl,
    history: service.rows.history,
  });
  lifecycle.runs(notifications.ended);
  lifecycle.runs(startSendingToSiem(options));
  return notifications;
}

/** Does nothing where no SIEM is named. */
async function startSendingToSiem({
  config,
  logger,
  metrics,
  store,
  readModels,
  now,
  service,
  lifecycle,
}: BackgroundOptions): Promise<void> {
  const { siem } = config;
  if (siem === null) return;
  const { ca, from, to } = siem;
  const sender = { hostname: hostname(), logId: store.logId };
  const sink =
    to.by === 'syslog' ? syslogSink({ ...to, ca }, sender) : ndjsonSink({ ...to, ca }, sender);
  const job = await openJob(config, 'siem');
  const { lag, ended } = startSiem({
    ...{ store, job, sink, from, logger, now, signal: lifecycle.signal },
    tree: readModels.custom(merkleTree),
    caughtUp: async () => await readModels.reached(await store.head(), 1_000),
    onApplied: service.onApplied.siem,
    onDifference: service.audit.checkpoints.differs,
    metrics: {
      delivered: (count) => metrics.siemDelivered.inc(count),
      failed: () => metrics.siemFailures.inc(),
    },
  });
  metrics.observe({ siemLag: lag });
  await ended;
  await job.close();
}

/** Where nobody says what this registry is called, its log's id is its name. */
const webhookOf = ({
  config: { webhook, publicUrl },
  store,
}: Pick<BackgroundOptions, 'config' | 'store'>): WebhookTarget | null =>
  webhook && {
    ...{ url: webhook.url, secret: webhook.secret },
    cloudEventsSource:
      webhook.format === 'cloudevents' ? (publicUrl ?? `urn:uuid:${store.logId}`) : null,
  };

/** Whether a client has a session at any broker, or by a gateway. */
const connectedTest = (runtime: BrokerRuntime) => async (username: string) => {
  if (runtime.proxied().includes(username)) return true;
  const there = await Promise.all(runtime.brokers.map((one) => one.hasSession(username)));
  return there.includes(true);
};

/** Publishes checkpoints to the page, the MQTT topic and the webhook. */
const startPublishing = ({
  config,
  logger,
  store,
  readModels,
  now,
  service,
  runtime,
  lifecycle,
}: BackgroundOptions): Promise<void> =>
  startCheckpoints({
    checkpoints: service.audit.checkpoints,
    caughtUp: async () => await readModels.reached(await store.head(), 1_000),
    logger,
    signal: lifecycle.signal,
    onPublished: async (published) => {
      const message = { event: 'checkpoint.published', at: now(), data: published };
      service.app.liveEvents.checkpointPublished(published);
      await runtime.embedded?.publish(`${registryRoot}/checkpoint`, JSON.stringify(message), {
        retain: true,
      });
      await sendCheckpoint(webhookOf({ config, store }), published, message.at, logger);
    },
  });
