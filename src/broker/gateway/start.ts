/** Starts the gateways of the configuration: before a given broker, and before a private Mosquitto. */
import { keepsUpstreamAccounts } from '../../config/brokers.ts';
import type { Config } from '../../config/config.ts';
import type { Logger } from '../../logger.ts';
import {
  askingCertificatesOf,
  ChangingIdentity,
  type ServerIdentity,
} from '../../platform/server-identity.ts';
import type { ListenerOptions } from '../listeners.ts';
import { mqttListeners } from '../mqtt-listeners.ts';
import type { Authenticator } from '../ports/authenticator.ts';
import type { MqttLimit } from '../ports/embedded.ts';
import type { GatewayOutcome } from './connection.ts';
import { type Gateway, type GatewayOptions, startGateway } from './gateway.ts';
import type { Judging } from './judging.ts';
import type { Upstream } from './upstream.ts';

interface Gateways {
  /** For the `ready` line: `gateway`, `gatewayTls`; before a private Mosquitto `mqtt`, `ws`. */
  readonly addresses: Readonly<Record<string, string>>;
  /** Where clients reach the private Mosquitto. */
  readonly privateUrls: readonly string[];
  /** The names that are connected now. */
  connected(): readonly string[];
  close(): Promise<void>;
}

/** `privateUpstream`: where a private Mosquitto accepts connections; null: there is none. */
export async function startGateways(options: {
  readonly config: Config;
  readonly privateUpstream: Upstream | null;
  /** Of the TLS listeners before a private broker. */
  readonly identity: ServerIdentity;
  /** PEM: whose certificates clients are asked for. */
  readonly chainPem: string;
  /** For the brokers whose accounts this registry keeps. */
  readonly judging: Judging;
  readonly authenticator: Authenticator;
  readonly logger: Logger;
  readonly onConnect: (outcome: GatewayOutcome) => void;
  readonly onLimit: (limit: MqttLimit) => void;
  readonly onSeen: NonNullable<GatewayOptions['onSeen']>;
}): Promise<Gateways> {
  const { config, privateUpstream, identity, chainPem, judging } = options;
  const { authenticator, logger, onConnect, onLimit, onSeen } = options;
  const { trustedProxies } = config;
  const started: Gateway[] = [];
  const close = async () => {
    for (const gateway of started.splice(0).reverse()) await gateway.close();
  };
  const start = async (more: Pick<GatewayOptions, 'upstream' | 'judging'> & ListenerOptions) => {
    const gateway = await startGateway({
      ...{ authenticator, logger, onConnect, onLimit, onSeen, trustedProxies },
      ...more,
    });
    started.push(gateway);
    return gateway.addresses;
  };
  const addresses: Record<string, string> = {};
  let privateUrls: readonly string[] = [];
  try {
    if (config.gateway !== null) {
      const { mqtt, mqtts } = await start({
        ...beforeGivenBroker(config.gateway, chainPem),
        ...(keepsUpstreamAccounts(config.brokers) && { judging }),
      });
      if (mqtt !== undefined) addresses.gateway = mqtt;
      if (mqtts !== undefined) addresses.gatewayTls = mqtts;
    }
    if (privateUpstream !== null) {
      const taken = await start({
        ...{ upstream: privateUpstream, judging },
        ...mqttListeners(config, identity),
      });
      Object.assign(addresses, taken);
      privateUrls = Object.values(taken);
    }
  } catch (error) {
    await close();
    throw error;
  }
  const connected = () => started.flatMap((gateway) => gateway.connected());
  return { addresses, privateUrls, connected, close };
}

function beforeGivenBroker(
  { upstream, proxyProtocol, host, port, tls }: NonNullable<Config['gateway']>,
  chainPem: string,
): Pick<GatewayOptions, 'upstream' | 'proxyProtocol'> & ListenerOptions {
  const { key, cert } = tls ?? {};
  return {
    ...{ upstream, proxyProtocol },
    ...(port === null ? {} : { tcp: { host, port } }),
    ...(tls && {
      tls: {
        ...tls,
        identity: askingCertificatesOf(new ChangingIdentity({ key, cert }), chainPem),
      },
    }),
  };
}
