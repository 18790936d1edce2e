/** Starts the brokers of the configuration, each with its name, and stops them in reverse. */
import { type BrokerSetting, keepsUpstreamAccounts } from '../config/brokers.ts';
import type { Config } from '../config/config.ts';
import type { Logger } from '../logger.ts';
import { hookPort } from './hooks/adapter.ts';
import { emqxSessions } from './hooks/emqx.ts';
import type { Hooks } from './hooks/hooks.ts';
import { rabbitmqSessions } from './hooks/rabbitmq.ts';
import { vernemqSessions } from './hooks/vernemq.ts';
import { type Revocations, startMosquitto } from './mosquitto/adapter.ts';
import { type PrivateMosquitto, startPrivateMosquitto } from './mosquitto/private.ts';
import type { Broker } from './ports/broker.ts';

const sessionsOf = { emqx: emqxSessions, rabbitmq: rabbitmqSessions, vernemq: vernemqSessions };

interface Brokers {
  /** In the order of the configuration. */
  readonly all: readonly Broker[];
  /** Where a gateway has to connect clients, because they cannot reach that broker; null: no gateway is needed. */
  readonly upstream: PrivateMosquitto['upstream'] | null;
  close(): Promise<void>;
}

/** The first of a kind has its bare name, the next ones a number. */
function namesOf(settings: readonly Pick<BrokerSetting, 'kind'>[]): string[] {
  const counts = new Map<string, number>();
  return settings.map(({ kind }) => {
    const count = (counts.get(kind) ?? 0) + 1;
    counts.set(kind, count);
    return count === 1 ? kind : `${kind}-${count}`;
  });
}

/**
 * `embedded` runs already, where it is configured. `publicUrls` of the configuration are those of the
 * first broker; `gatewayUrls` where clients reach a private Mosquitto.
 * @throws MosquittoMissing
 */
export async function startBrokers(options: {
  readonly config: Pick<Config, 'brokers' | 'dataDir' | 'publicMqttUrls' | 'gateway'>;
  readonly logId: string;
  readonly logger: Logger;
  readonly embedded: Broker | null;
  readonly gatewayUrls: () => readonly string[];
  readonly admissions: Hooks['admissions'];
  /** As `MosquittoOptions`; `revocations` of those that read files of this registry's CA. */
  readonly ownSecretOf: (credentialId: string) => string;
  readonly revocations: Revocations | null;
}): Promise<Brokers> {
  const { config, logId, logger, embedded, ownSecretOf } = options;
  const names = namesOf(config.brokers);
  const stops: (() => Promise<void>)[] = [];
  const all: Broker[] = [];
  let upstream: PrivateMosquitto['upstream'] | null = null;
  const close = async () => {
    for (const stop of stops.splice(0).reverse()) await stop();
  };
  try {
    for (const [at, setting] of config.brokers.entries()) {
      const name = names[at] ?? setting.kind;
      const publicUrls =
        at === 0 && config.publicMqttUrls.length > 0 ? config.publicMqttUrls : null;
      if (setting.kind === 'embedded') {
        if (embedded !== null)
          all.push(publicUrls === null ? embedded : { ...embedded, urls: () => publicUrls });
        continue;
      }
      if (setting.kind !== 'mosquitto') {
        const { kind } = setting;
        const broker = hookPort({
          ...{ name, kind, logger },
          api: sessionsOf[kind](name, setting.api),
          admissions: options.admissions[kind],
          urls: () => publicUrls ?? [],
          revocations: setting.byCertificate ? options.revocations : null,
        });
        stops.push(() => broker.close());
        all.push(broker);
        continue;
      }
      let { address } = setting;
      const isPrivate = address === null;
      let urls = () => publicUrls ?? urlsOf(setting);
      if (address === null) {
        const own = await startPrivateMosquitto({ dataDir: config.dataDir, logger });
        stops.push(() => own.stop());
        ({ address, upstream } = own);
        urls = () => publicUrls ?? options.gatewayUrls();
      }
      const broker = startMosquitto({
        ...{ name, address, logId, urls, logger, ownSecretOf },
        isBehindGateway:
          isPrivate || (config.gateway !== null && keepsUpstreamAccounts(config.brokers)),
        revocations: isPrivate ? null : options.revocations,
      });
      stops.push(() => broker.close());
      all.push(broker);
    }
  } catch (error) {
    await close();
    throw error;
  }
  return { all, upstream, close };
}

/** The control connection's own address, without user and password; clients cannot use a Unix socket. */
function urlsOf({ address }: Extract<BrokerSetting, { kind: 'mosquitto' }>): readonly string[] {
  if (address?.transport.kind !== 'tcp') return [];
  const { host, port, tls } = address.transport;
  return [`${tls ? 'mqtts' : 'mqtt'}://${host.includes(':') ? `[${host}]` : host}:${port}`];
}
