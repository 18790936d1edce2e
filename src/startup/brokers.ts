/** Starts the brokers of the configuration, what drives them, and the gateways before them. */
import { type ActivationOptions, startActivation } from '../broker/activation/activation.ts';
import { driveWhileHeld } from '../broker/activation/while-leader.ts';
import { embeddedPort } from '../broker/embedded/adapter.ts';
import { startEmbeddedBroker } from '../broker/embedded/broker.ts';
import { startGateways } from '../broker/gateway/start.ts';
import { createHooks, type Hooks } from '../broker/hooks/hooks.ts';
import type { ActivationManager, Broker } from '../broker/ports/broker.ts';
import { startBrokers } from '../broker/start.ts';
import type { Config } from '../config/config.ts';
import { activationWaitMs } from '../limits.ts';
import type { Started } from '../platform/lifecycle.ts';
import { createGatekeeper } from '../registration/mqtt-authenticator.ts';
import type { Lease } from '../store/lease.ts';
import { isShared } from '../store/location.ts';
import type { Service, ServiceOptions } from './service.ts';

/** A node that was killed is known to be gone after some seconds: its successor waits that long. */
const leaseWaitMs = 30_000;

type Embedded = Awaited<ReturnType<typeof startEmbeddedBroker>>;

/** What is driven so far: the service is built before its brokers are. */
export interface Driven {
  embedded: Embedded | null;
  brokers: readonly Broker[];
  activation: ActivationManager | null;
}

export const nothingDriven = (): Driven => ({ embedded: null, brokers: [], activation: null });

/** The brokers as the service sees them. */
export const seen = (
  driven: Driven,
): Pick<ServiceOptions, 'broker' | 'brokers' | 'enforced' | 'stage' | 'activationNote'> => ({
  broker: () => driven.embedded,
  brokers: () => driven.brokers.map((broker) => ({ name: broker.name, urls: broker.urls() })),
  enforced: async (position, brokers) => {
    await driven.activation?.settled(position, activationWaitMs, brokers);
  },
  stage: (staged) => driven.activation?.stage(staged),
  activationNote: (broker, username) => driven.activation?.note(broker, username),
});

export interface BrokersStarted {
  readonly activation: ActivationManager;
  readonly hooks: Hooks;
  /** For the `ready` line. */
  readonly addresses: Readonly<Record<string, string>>;
}

type Starting = Pick<
  ServiceOptions,
  'config' | 'log' | 'metrics' | 'store' | 'readModels' | 'now' | 'inTouch'
> & { readonly service: Service; readonly driven: Driven; readonly started: Started };

/** Fills `driven`. @throws MosquittoMissing, and what a listener says of a taken port */
export async function startAllBrokers(options: Starting): Promise<BrokersStarted> {
  const { config, log, metrics, store, service, driven, started, inTouch } = options;
  const gatekeeper = createGatekeeper({
    registration: service.registration,
    authority: service.authority,
    passwordFaults: service.passwordFaults,
    stopping: () => started.signal.aborted || !inTouch(),
    log,
  });
  const onConnect = (outcome: string) => metrics.mqttConnects.inc({ outcome });
  const embeds = config.mqttPort !== null && config.brokers.some(({ kind }) => kind === 'embedded');
  // A node without brokers has nothing to drive, and would only keep the lease from one that has.
  const drives = embeds || config.brokers.some(({ kind }) => kind !== 'embedded');
  const lease = isShared(config) && drives ? await leaseOn(config, embeds, started) : undefined;
  if (embeds) {
    const embedded = await startEmbeddedBroker({
      ...listening(config),
      gatekeeper,
      log,
      onConnect,
    });
    started.add(() => embedded.close());
    driven.embedded = embedded;
  }
  const urls = Object.values(driven.embedded?.addresses ?? {}).filter((url) => url !== undefined);
  let privateUrls: readonly string[] = [];
  const hooks = createHooks({
    gatekeeper,
    authority: service.authority,
    tokenEnd: (tokenId) => service.rows.tokens.get(tokenId)?.expiresAt ?? null,
    onConnect,
  });
  const brokers = await startBrokers({
    config,
    logId: store.logId,
    log,
    embedded: driven.embedded && embeddedPort(driven.embedded, () => urls),
    gatewayUrls: () => privateUrls,
    admissions: hooks.admissions,
  });
  driven.brokers = brokers.all;
  const activation = driving(options, lease);
  driven.activation = activation;
  // What waits for a broker's answer waits no longer; what was half done is done at the next start.
  started.runs(activation.ended, () => brokers.close());
  const gateways = await startGateways({
    ...{ config, gatekeeper, log, onConnect },
    privateUpstream: brokers.upstream,
  });
  started.add(() => gateways.close());
  privateUrls = gateways.privateUrls;
  return { activation, hooks, addresses: { ...driven.embedded?.addresses, ...gateways.addresses } };
}

const listening = ({ mqttHost: host, mqttPort, mqttWsPort }: Config) => ({
  host,
  port: mqttPort ?? 0,
  ...(mqttWsPort === null ? {} : { webSocket: { host, port: mqttWsPort, path: '/mqtt' as const } }),
});

function driving(options: Starting, lease: Lease | undefined): ActivationManager {
  const { store, readModels, log, now, service, driven, metrics, started } = options;
  const driving: ActivationOptions = {
    ...{ store, readModels, log, now },
    authority: service.authority,
    rows: service.rows,
    brokers: driven.brokers,
    signal: started.signal,
    onActivated: (name, seconds) => metrics.activationSeconds.observe({ broker: name }, seconds),
  };
  return lease ? driveWhileHeld(driving, lease) : startActivation(driving);
}

/** Competes for the lease that one node drives the brokers with; the embedded broker needs it to begin. */
async function leaseOn(config: Config, embeds: boolean, started: Started): Promise<Lease> {
  const { kurrentLease } = await import('../store/kurrentdb/lease.ts');
  const lease = kurrentLease(config.store, 'process-manager');
  started.add(() => lease.close());
  if (embeds && !(await lease.gained(leaseWaitMs)))
    throw new Error(
      'another node drives the brokers of this log, and the embedded broker is for one node: set ' +
        'GATEBOOK_BROKER to the broker that all nodes share, or GATEBOOK_MQTT_PORT=off here',
    );
  return lease;
}
