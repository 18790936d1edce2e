/** What runs beside the doors until the service stops: checkpoints, topics, the clockwork, notifications. */

import { startCheckpoints } from '../audit/transparency-log/publisher.ts';
import { startClockwork } from '../jobs/expiry.ts';
import { startSweeping } from '../jobs/vault-sweep.ts';
import { sendCheckpoint } from '../notifications/checkpoint-webhook.ts';
import { publishRegistry } from '../notifications/mqtt-topics.ts';
import { type Notifications, startNotifications } from '../notifications/notifications.ts';
import type { Started } from '../platform/lifecycle.ts';
import type { Driven } from './brokers.ts';
import type { Service, ServiceOptions } from './service.ts';

type Running = Pick<ServiceOptions, 'config' | 'log' | 'store' | 'readModels' | 'now'> & {
  readonly service: Service;
  readonly driven: Driven;
  readonly started: Started;
};

export function startRoutines(options: Running): Notifications {
  const { config, log, store, readModels, now, service, driven, started } = options;
  const { live, views } = service.app;
  const { signal } = started;

  started.runs(startPublishing(options));
  if (driven.embedded !== null)
    started.runs(publishRegistry({ live, views, now, log, broker: driven.embedded, signal }));
  started.runs(startClockwork({ ...service, store, log, now, signal }));
  const { refusedTtlMs } = config;
  started.runs(startSweeping({ ...service, store, log, now, signal, refusedTtlMs }));
  const notifications = startNotifications({
    ...{ readModels, log, now, views, signal },
    webhook: config.webhook,
    ntfyUrl: config.ntfyUrl,
    publicUrl: config.publicUrl,
    history: service.rows.history,
  });
  started.runs(notifications.ended);
  return notifications;
}

/** Checkpoints, told wherever they are looked for. */
const startPublishing = ({
  config,
  log,
  store,
  readModels,
  now,
  service,
  driven,
  started,
}: Running): Promise<void> =>
  startCheckpoints({
    checkpoints: service.audit.checkpoints,
    caughtUp: async () => await readModels.reached(await store.head(), 1_000),
    log,
    signal: started.signal,
    onPublished: async (published) => {
      const told = { event: 'checkpoint.published', at: now(), data: published };
      service.app.live.checkpointPublished(published);
      await driven.embedded?.publish('gatebook/registry/checkpoint', JSON.stringify(told), {
        retain: true,
      });
      await sendCheckpoint(config.webhook, published, told.at, log);
    },
  });
