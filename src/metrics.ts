/**
 * What the service counts about itself, for Prometheus: names and labels as WIRE has them; beside them what is
 * known of any Node process, under the names that all dashboards know (`process_…`, `nodejs_…`).
 */
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import { certificateExpiringDays, grantEndingDays } from './limits/jobs.ts';

const prefix = 'gatebook_';

/** What a scrape asks for: read from memory, never from the store. */
interface Readings {
  readonly windowUnlocked: () => boolean;
  readonly requestsPending: () => number;
  /** Clients by status. */
  readonly clients: () => Readonly<Record<string, number>>;
  /** Clients whose last certificate ends soon, or has ended and none followed. */
  readonly certificatesExpiring: () => number;
  /** Clients whose access ends by itself soon. */
  readonly grantsEnding: () => number;
  /** Clients that were not seen for longer than the configuration says. */
  readonly clientsStale: () => number;
  readonly mqttSessions: () => number;
  readonly foreignVerifiers: () => number;
  readonly hashQueueLength: () => number;
  /** Names that were erased, and are still on a disk of the store. */
  readonly erasuresPending: () => number;
  /** Null: the system does not tell. */
  readonly diskFreeBytes: () => number | null;
  /** Events behind the log, by projection. */
  readonly projectionLagEvents: () => Readonly<Record<string, number>>;
  /** When the newest backup was taken, in seconds since 1970; 0: none was. */
  readonly lastBackupSeconds: () => number;
  /** What `/readyz` looks at, by name. */
  readonly checks: () => Readonly<Record<string, 'up' | 'down'>>;
  /** What waits to be sent to a SIEM, and for how long the oldest of it. */
  readonly siemLag: () => { readonly events: number; readonly seconds: number };
}

export type Metrics = ReturnType<typeof createMetrics>;

/** How often the event loop's lag is looked at. */
const lagPrecisionMs = 20;
/** Anybody may scrape: which version can be attacked is nobody's business. */
const untold = 'nodejs_version_info';

const requestSeconds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60];
const appendSeconds = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5];
const activationSeconds = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 30];

/** Makes the metrics of one service, in a registry of their own. */
export function createMetrics() {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: lagPrecisionMs });
  registry.removeSingleMetric(untold);
  let readings: Partial<Readings> = {};
  const meters = metersIn(registry, () => readings);
  const { counter, histogram } = meters;
  readGauges(meters);

  return {
    registry,
    /** Says where a scrape reads more of the gauges from; until then they are 0, or have no labels. */
    observe(from: Partial<Readings>): void {
      readings = { ...readings, ...from };
    },
    siemDelivered: counter('siem_delivered_total', 'Events that a SIEM took.'),
    siemFailures: counter('siem_failures_total', 'Attempts to send events to a SIEM that failed.'),
    registrations: counter('registrations_total', 'Answers of the doors.', ['flow', 'outcome']),
    lenientRegistrations: counter(
      'lenient_registrations_total',
      'Requests at the door that a strict one refuses for their type or members.',
    ),
    lenientLeftOut: counter(
      'lenient_members_left_out_total',
      'Unknown members of such requests that found no place in the context.',
    ),
    decisions: counter('decisions_total', 'Decisions about requests.', ['decision']),
    knocks: counter('knocks_total', 'Attempts while locked.', ['flow']),
    mqttConnects: counter('mqtt_connects_total', 'MQTT CONNECTs.', ['outcome']),
    mqttLimits: counter(
      'mqtt_limits_reached_total',
      'What MQTT clients were refused or lost, by limit.',
      ['limit'],
    ),
    mqttWaited: counter(
      'mqtt_waited_seconds_total',
      'How long work of MQTT users waited because they had had their share of the processor.',
    ),
    refusals: counter('refusals_total', 'Refusals by code.', ['code']),
    eventsAppended: counter('events_appended_total', 'Events written to the log.'),
    httpRequestSeconds: histogram(
      'http_request_duration_seconds',
      'HTTP requests, by route as declared.',
      requestSeconds,
      ['method', 'route', 'status'],
    ),
    storeAppendSeconds: histogram(
      'store_append_duration_seconds',
      'Appends to the log, until on disk.',
      appendSeconds,
    ),
    activationSeconds: histogram(
      'activation_duration_seconds',
      'From the decision to the broker.',
      activationSeconds,
      ['broker'],
    ),
  };
}

/** What is read when somebody scrapes. */
function readGauges({ gauge, gaugeBy }: ReturnType<typeof metersIn>): void {
  gauge('window_unlocked', '1 while the registry is unlocked.', (now) =>
    now.windowUnlocked?.() ? 1 : 0,
  );
  gauge('requests_pending', 'Requests that wait for a decision.', (now) => now.requestsPending?.());
  gaugeBy('clients', 'Clients by status.', 'status', (now) => now.clients?.());
  gauge(
    'certificates_expiring',
    `Clients whose last certificate ends within ${certificateExpiringDays} days, or has ended.`,
    (now) => now.certificatesExpiring?.(),
  );
  gauge(
    'grants_ending',
    `Clients whose access ends by itself within ${grantEndingDays} days.`,
    (now) => now.grantsEnding?.(),
  );
  gauge('clients_stale', 'Clients not seen for GATEBOOK_STALE_AFTER; 0 where it is off.', (now) =>
    now.clientsStale?.(),
  );
  gauge('mqtt_sessions', 'Live MQTT sessions.', (now) => now.mqttSessions?.());
  gauge('hash_queue_length', 'Passwords that wait for a slow hash.', (now) =>
    now.hashQueueLength?.(),
  );
  gauge(
    'foreign_verifiers',
    'Clients that moved in and have not shown their password yet.',
    (now) => now.foreignVerifiers?.(),
  );
  gauge(
    'erasures_pending',
    'Erased names that are on a disk of the store until a scavenge.',
    (now) => now.erasuresPending?.(),
  );
  gauge(
    'disk_free_bytes',
    'Room on the disk of the data folder.',
    (now) => now.diskFreeBytes && (now.diskFreeBytes() ?? Number.NaN),
  );
  gaugeBy('projection_lag_events', 'Events a read model is behind.', 'projection', (now) =>
    now.projectionLagEvents?.(),
  );
  gaugeBy('check_up', 'What /readyz looks at: 1 up, 0 down.', 'check', (now) => {
    const checks = Object.entries(now.checks?.() ?? {});
    return Object.fromEntries(checks.map(([name, state]) => [name, state === 'up' ? 1 : 0]));
  });
  gauge('last_backup_timestamp_seconds', 'When the newest backup was taken; 0: none was.', (now) =>
    now.lastBackupSeconds?.(),
  );
  gauge(
    'siem_lag_events',
    'Events that wait to be sent to the SIEM.',
    (now) => now.siemLag?.().events,
  );
  gauge(
    'siem_lag_seconds',
    'Age of the oldest event that waits to be sent to the SIEM; 0: none waits.',
    (now) => now.siemLag?.().seconds,
  );
}

/**
 * Makes metrics with our prefix in one registry. Gauges are read when somebody scrapes; 0 until there are
 * readings.
 */
function metersIn(registry: Registry, readings: () => Partial<Readings>) {
  const registers = [registry];
  return {
    gauge: (name: string, help: string, read: (from: Partial<Readings>) => number | undefined) =>
      new Gauge({
        name: prefix + name,
        help,
        registers,
        collect() {
          const value = read(readings());
          if (value !== undefined) this.set(value);
        },
      }),
    gaugeBy: (
      name: string,
      help: string,
      label: string,
      read: (from: Partial<Readings>) => Readonly<Record<string, number>> | undefined,
    ) =>
      new Gauge({
        name: prefix + name,
        help,
        labelNames: [label],
        registers,
        collect() {
          this.reset();
          for (const [value, count] of Object.entries(read(readings()) ?? {}))
            this.set({ [label]: value }, count);
        },
      }),
    counter: <Label extends string>(name: string, help: string, labelNames: Label[] = []) =>
      new Counter<Label>({ name: prefix + name, help, labelNames, registers }),
    histogram: <Label extends string>(
      name: string,
      help: string,
      buckets: number[],
      labelNames: Label[] = [],
    ) => new Histogram<Label>({ name: prefix + name, help, labelNames, buckets, registers }),
  };
}
