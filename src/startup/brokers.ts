/** Starts the brokers of the configuration, what drives them, and the gateways before them. */
import { type ActivationOptions, startActivation } from '../broker/activation/activation.ts';
import { activateWhileLeader } from '../broker/activation/while-leader.ts';
import { embeddedPort } from '../broker/embedded/adapter.ts';
import { startEmbeddedBroker } from '../broker/embedded/broker.ts';
import { startGateways } from '../broker/gateway/start.ts';
import { createHooks, type Hooks } from '../broker/hooks/hooks.ts';
import type { ActivationManager } from '../broker/ports/activation.ts';
import type { Broker } from '../broker/ports/broker.ts';
import { startBrokers } from '../broker/start.ts';
import type { Config } from '../config/config.ts';
import { activationWaitMs } from '../limits.ts';
import type { Lifecycle } from '../platform/lifecycle.ts';
import { createMqttAuthenticator } from '../registration/mqtt-authenticator.ts';
import type { Lease } from '../store/lease.ts';
import { isShared } from '../store/location.ts';
import type { Service, ServiceOptions } from './service.ts';

/** A node that was killed is known to be gone after some seconds: its successor waits that long. */
const leaseWaitMs = 30_000;

type Embedded = Awaited<ReturnType<typeof startEmbeddedBroker>>;

/** What is driven so far: the service is built before its brokers are. */
export interface BrokerRuntime {
  embedded: Embedded | null;
  brokers: readonly Broker[];
  activation: ActivationManager | null;
}

export const emptyRuntime = (): BrokerRuntime => ({
  embedded: null,
  brokers: [],
  activation: null,
});

/** The brokers as the service sees them. */
export const brokerAccess = (
  runtime: BrokerRuntime,
): Pick<ServiceOptions, 'broker' | 'brokers' | 'enforced' | 'stage' | 'activationObstacle'> => ({
  broker: () => runtime.embedded,
  brokers: () => runtime.brokers.map((broker) => ({ name: broker.name, urls: broker.urls() })),
  enforced: async (position, brokers) => {
    await runtime.activation?.settled(position, activationWaitMs, brokers);
  },
  stage: (staged) => runtime.activation?.stage(staged),
  activationObstacle: (broker, username) => runtime.activation?.obstacle(broker, username),
});

export interface BrokersStarted {
  readonly activation: ActivationManager;
  readonly hooks: Hooks;
  /** For the `ready` line. */
  readonly addresses: Readonly<Record<string, string>>;
}

type Starting = Pick<
  ServiceOptions,
  'config' | 'logger' | 'metrics' | 'store' | 'readModels' | 'now' | 'inTouch'
> & { readonly service: Service; readonly runtime: BrokerRuntime; readonly lifecycle: Lifecycle };

/** Fills `driven`. @throws MosquittoMissing, and what a listener says of a taken port */
export async function startAllBrokers(options: Starting): Promise<BrokersStarted> {
  const { config, logger, metrics, store, service, runtime, lifecycle, inTouch } = options;
  const authenticator = createMqttAuthenticator({
    registration: service.registration,
    authority: service.authority,
    passwordFaults: service.passwordFaults,
    stopping: () => lifecycle.signal.aborted || !inTouch(),
    logger,
  });
  const onConnect = (outcome: string) => metrics.mqttConnects.inc({ outcome });
  const embeds = config.mqttPort !== null && config.brokers.some(({ kind }) => kind === 'embedded');
  // A node without brokers has nothing to drive, and would only keep the lease from one that has.
  const drives = embeds || config.brokers.some(({ kind }) => kind !== 'embedded');
  const lease = isShared(config) && drives ? await leaseOn(config, embeds, lifecycle) : undefined;
  if (embeds) {
    const embedded = await startEmbeddedBroker({
      ...listening(config),
      authenticator,
      logger,
      onConnect,
    });
    lifecycle.add(() => embedded.close());
    runtime.embedded = embedded;
  }
  const urls = Object.values(runtime.embedded?.addresses ?? {}).filter((url) => url !== undefined);
  let privateUrls: readonly string[] = [];
  const hooks = createHooks({
    authenticator,
    authority: service.authority,
    tokenEnd: (tokenId) => service.rows.tokens.get(tokenId)?.expiresAt ?? null,
    onConnect,
  });
  const brokers = await startBrokers({
    config,
    logId: store.logId,
    logger,
    embedded: runtime.embedded && embeddedPort(runtime.embedded, () => urls),
    gatewayUrls: () => privateUrls,
    admissions: hooks.admissions,
  });
  runtime.brokers = brokers.all;
  const activation = driving(options, lease);
  runtime.activation = activation;
  // What waits for a broker's answer waits no longer; what was half done is done at the next start.
  lifecycle.runs(activation.ended, () => brokers.close());
  const gateways = await startGateways({
    ...{ config, authenticator, logger, onConnect },
    privateUpstream: brokers.upstream,
  });
  lifecycle.add(() => gateways.close());
  privateUrls = gateways.privateUrls;
  return {
    activation,
    hooks,
    addresses: { ...runtime.embedded?.addresses, ...gateways.addresses },
  };
}

const listening = ({ mqttHost: host, mqttPort, mqttWsPort }: Config) => ({
  host,
  port: mqttPort ?? 0,
  ...(mqttWsPort === null ? {} : { webSocket: { host, port: mqttWsPort, path: '/mqtt' as const } }),
});

function driving(options: Starting, lease: Lease | undefined): ActivationManager {
  const { store, readModels, logger, now, service, runtime, metrics, lifecycle } = options;
  const driving: ActivationOptions = {
    ...{ store, readModels, logger, now },
    authority: service.authority,
    rows: service.rows,
    brokers: runtime.brokers,
    signal: lifecycle.signal,
    onActivated: (name, seconds) => metrics.activationSeconds.observe({ broker: name }, seconds),
  };
  return lease ? activateWhileLeader(driving, lease) : startActivation(driving);
}

/** Competes for the lease that one node drives the brokers with; the embedded broker needs it to begin. */
async function leaseOn(config: Config, embeds: boolean, lifecycle: Lifecycle): Promise<Lease> {
  const { kurrentLease } = await import('../store/kurrentdb/lease.ts');
  const lease = kurrentLease(config.store, 'process-manager');
  lifecycle.add(() => lease.close());
  if (embeds && !(await lease.gained(leaseWaitMs)))
    throw new Error(
      'another node drives the brokers of this log, and the embedded broker is for one node: set ' +
        'GATEBOOK_BROKER to the broker that all nodes share, or GATEBOOK_MQTT_PORT=off here',
    );
  return lease;
}
