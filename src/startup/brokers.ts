/** Starts the brokers of the configuration, the process manager that drives them, and the gateways before them. */
import { type ActivationOptions, startActivation } from '../broker/activation/activation.ts';
import { accountOf } from '../broker/activation/reconcile.ts';
import { activateWhileLeader } from '../broker/activation/while-leader.ts';
import { keepCertificateFiles } from '../broker/certificate-files.ts';
import { embeddedPort } from '../broker/embedded/adapter.ts';
import { startEmbeddedBroker } from '../broker/embedded/broker.ts';
import type { Judging } from '../broker/gateway/judging.ts';
import { startGateways } from '../broker/gateway/start.ts';
import { createHooks, type Hooks } from '../broker/hooks/hooks.ts';
import type { ListenerOptions } from '../broker/listeners.ts';
import { listensForMqtt, mqttListeners } from '../broker/mqtt-listeners.ts';
import type { ActivationManager } from '../broker/ports/activation.ts';
import type { Authenticator } from '../broker/ports/authenticator.ts';
import { type Broker, isJudgedByGateway } from '../broker/ports/broker.ts';
import type { MqttLimit } from '../broker/ports/embedded.ts';
import { startBrokers } from '../broker/start.ts';
import { rabbitmqByCertificate } from '../config/brokers.ts';
import type { Config } from '../config/config.ts';
import { activationWaitMs } from '../limits/brokers.ts';
import { createRegistryStates } from '../notifications/registry-states.ts';
import { instantMs } from '../platform/instant.ts';
import type { Lifecycle } from '../platform/lifecycle.ts';
import type { ServerIdentity } from '../platform/server-identity.ts';
import { createMqttAuthenticator } from '../registration/mqtt-authenticator.ts';
import type { Lease } from '../store/lease.ts';
import { isShared } from '../store/location.ts';
import type { Service, ServiceOptions } from './service.ts';

/** A node that was killed is known to be gone after some seconds: its successor waits that long. */
const leaseWaitMs = 30_000;

type Embedded = Awaited<ReturnType<typeof startEmbeddedBroker>>;

/** The brokers that have been started so far: the service is built before they are. */
export interface BrokerRuntime {
  embedded: Embedded | null;
  brokers: readonly Broker[];
  activation: ActivationManager | null;
  /** The names that are connected by gateways now. */
  proxied: () => readonly string[];
}

export const emptyRuntime = (): BrokerRuntime => ({
  embedded: null,
  brokers: [],
  activation: null,
  proxied: () => [],
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

interface BrokersStarted {
  readonly activation: ActivationManager;
  readonly hooks: Hooks;
  /** For the `ready` line. */
  readonly addresses: Readonly<Record<string, string>>;
}

type BrokerStartOptions = Pick<
  ServiceOptions,
  'config' | 'logger' | 'metrics' | 'store' | 'readModels' | 'now' | 'inTouch' | 'sightings'
> & {
  readonly service: Service;
  readonly runtime: BrokerRuntime;
  readonly lifecycle: Lifecycle;
  readonly identity: ServerIdentity;
  /** Is given each connection to the embedded broker. */
  readonly watch: ListenerOptions['watch'];
};

/** Fills `runtime`. @throws MosquittoMissing, and what a listener says of a taken port */
export async function startAllBrokers(options: BrokerStartOptions): Promise<BrokersStarted> {
  const { config, logger, metrics, store, runtime, lifecycle, identity } = options;
  const authenticator = authenticatorOf(options);
  const onConnect = (outcome: string) => metrics.mqttConnects.inc({ outcome });
  const { sightings } = options;
  const seenNow = (username: string, how: 'opened' | 'asked' | 'closed') => {
    const atMs = instantMs(options.now());
    if (how === 'opened') sightings.opened(username, atMs);
    else sightings.seen(username, atMs);
  };
  const onLimit = (limit: MqttLimit) => metrics.mqttLimits.inc({ limit });
  const lease = await leaseOf(options);
  if (embeds(config)) {
    const embedded = await startEmbeddedBroker({
      ...{ ...mqttListeners(config, identity), authenticator, logger, onConnect },
      onSeen: ({ username, atMs }, how) =>
        how === 'opened' ? sightings.opened(username, atMs) : sightings.seen(username, atMs),
      ...{ onLimit, trustedProxies: config.trustedProxies },
      onWaited: (seconds) => metrics.mqttWaited.inc(seconds),
      ...(options.watch && { watch: options.watch }),
      isUsername: options.service.logins.isHeld,
      certificateOf: options.service.clientCertificates.of,
      rendered: createRegistryStates({ views: options.service.app.views, now: options.now }),
    });
    lifecycle.add(() => embedded.close());
    runtime.embedded = embedded;
  }
  const hooks = hooksOf(options, authenticator, { onConnect, onSeen: seenNow });
  let gatewayUrls: readonly string[] = [];
  const brokers = await startBrokers({
    ...{ config, logger, logId: store.logId, admissions: hooks.admissions },
    embedded: embeddedAdapterOf(runtime),
    ...{ ownSecretOf: options.service.brokerSecretOf, revocations: filesOf(options) },
    gatewayUrls: () => gatewayUrls,
  });
  runtime.brokers = brokers.all;
  runtime.activation = startActivating(options, lease);
  // What waits for a broker's answer waits no longer; what was half done is done at the next start.
  lifecycle.runs(runtime.activation.ended, () => brokers.close());
  const gateways = await startGateways({
    ...{ config, authenticator, identity, logger, onConnect, onLimit, onSeen: seenNow },
    privateUpstream: brokers.upstream,
    ...{ chainPem: options.service.ca.trustPem, judging: judgingOf(options) },
  });
  lifecycle.add(() => gateways.close());
  gatewayUrls = gateways.privateUrls;
  runtime.proxied = gateways.connected;
  return {
    activation: runtime.activation,
    hooks,
    addresses: { ...runtime.embedded?.addresses, ...gateways.addresses },
  };
}

const embeds = (config: Config): boolean =>
  listensForMqtt(config) && config.brokers.some(({ kind }) => kind === 'embedded');

const authenticatorOf = ({ config, service, lifecycle, inTouch, logger }: BrokerStartOptions) =>
  createMqttAuthenticator({
    certificates: service.clientCertificates,
    clientAuth: config.clientAuth,
    registration: service.registration,
    authority: service.authority,
    logins: service.logins,
    passwordFaults: service.passwordFaults,
    stopping: () => lifecycle.signal.aborted || !inTouch(),
    logger,
  });

/** The files that brokers read of the CA; null: there are none. */
function filesOf({ config, service, logger, lifecycle }: BrokerStartOptions) {
  if (config.tls.files === null) return null;
  const { ca, revocationList: list } = service.app;
  const { signal } = lifecycle;
  const chain = () => ca.trustPem;
  const files = keepCertificateFiles({ ...config.tls.files, chain, list, logger, signal });
  lifecycle.runs(files.ended);
  return files;
}

/** How gateways admit by certificates: as the adapters of their brokers give out the registry's own secrets. */
const judgingOf = (options: BrokerStartOptions): Judging => ({
  certificateOf: options.service.clientCertificates.of,
  isGood: (certificate) => options.service.clientCertificates.standing(certificate) !== 'invalid',
  all: options.config.clientAuth !== 'either',
  isJudged(username) {
    const account = accountOf(options.service.authority, username);
    return account !== null && isJudgedByGateway(account);
  },
  ownSecretOf: options.service.brokerSecretOf,
  isUsername: options.service.logins.isHeld,
});

const hooksOf = (
  options: BrokerStartOptions,
  authenticator: Authenticator,
  told: Pick<Parameters<typeof createHooks>[0], 'onConnect' | 'onSeen'>,
): Hooks => {
  const { brokers, clientAuth } = options.config;
  const byCertificate = clientAuth !== 'both' && rabbitmqByCertificate(brokers);
  return createHooks({
    ...{ authenticator, ...told, authority: options.service.authority },
    isUsername: options.service.logins.isHeld,
    certificateOf: options.service.clientCertificates.ofPem,
    byCertificate: () => byCertificate && !options.lifecycle.signal.aborted && options.inTouch(),
    accessEnd: (username) => options.service.logins.active(username)?.expiresAt ?? null,
    tokens: options.service.rows.tokens,
  });
};

/** The embedded broker as the process manager drives it; null: there is none. */
const embeddedAdapterOf = ({ embedded }: BrokerRuntime) => {
  if (embedded === null) return null;
  const urls = Object.values(embedded.addresses).filter((url) => url !== undefined);
  return embeddedPort(embedded, () => urls);
};

function startActivating(options: BrokerStartOptions, lease: Lease | undefined): ActivationManager {
  const { store, readModels, logger, now, service, runtime, metrics, lifecycle } = options;
  const activating: ActivationOptions = {
    ...{ store, readModels, logger, now },
    authority: service.authority,
    rows: service.rows,
    brokers: runtime.brokers,
    signal: lifecycle.signal,
    onActivated: (name, seconds) => metrics.activationSeconds.observe({ broker: name }, seconds),
  };
  return lease ? activateWhileLeader(activating, lease) : startActivation(activating);
}

/**
 * Competes for the lease that one node of several drives the brokers with; the embedded broker needs it to
 * begin. Undefined: the log is this node's alone, or there is no broker, and it would only keep the lease
 * from a node that has one.
 */
async function leaseOf({ config, lifecycle }: BrokerStartOptions): Promise<Lease | undefined> {
  const hasBrokers = embeds(config) || config.brokers.some(({ kind }) => kind !== 'embedded');
  if (!isShared(config) || !hasBrokers) return undefined;
  const { kurrentLease } = await import('../store/kurrentdb/lease.ts');
  const lease = kurrentLease(config.store, 'process-manager');
  lifecycle.add(() => lease.close());
  if (embeds(config) && !(await lease.gained(leaseWaitMs)))
    throw new Error(
      'another node drives the brokers of this log, and the embedded broker is for one node: set ' +
        'GATEBOOK_BROKER to the broker that all nodes share, or GATEBOOK_MQTT_PORT=off here',
    );
  return lease;
}
