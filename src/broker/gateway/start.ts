/** Starts the gateways of the configuration: before a given broker, and before a private Mosquitto. */
import type { Config } from '../../config/config.ts';
import type { Logger } from '../../logger.ts';
import type { Authenticator } from '../ports/authenticator.ts';
import type { MqttLimit } from '../ports/embedded.ts';
import type { GatewayOutcome } from './connection.ts';
import { type Gateway, type GatewayOptions, startGateway } from './gateway.ts';
import type { Upstream } from './upstream.ts';

interface Gateways {
  /** For the `ready` line: `gateway`, `gatewayTls`; before a private Mosquitto `mqtt`, `ws`. */
  readonly addresses: Readonly<Record<string, string>>;
  /** Where clients reach the private Mosquitto. */
  readonly privateUrls: readonly string[];
  close(): Promise<void>;
}

/** `privateUpstream`: where a private Mosquitto accepts connections; null: there is none. */
export async function startGateways(options: {
  readonly config: Config;
  readonly privateUpstream: Upstream | null;
  readonly authenticator: Authenticator;
  readonly logger: Logger;
  readonly onConnect: (outcome: GatewayOutcome) => void;
  readonly onLimit: (limit: MqttLimit) => void;
}): Promise<Gateways> {
  const { config, privateUpstream } = options;
  const { authenticator, logger, onConnect, onLimit } = options;
  const { trustedProxies } = config;
  const started: Gateway[] = [];
  const close = async () => {
    for (const gateway of started.splice(0).reverse()) await gateway.close();
  };
  const start = async (more: Pick<GatewayOptions, 'upstream' | 'host' | 'port'>) => {
    const gateway = await startGateway({
      ...{ authenticator, logger, onConnect, onLimit, trustedProxies },
      ...more,
    });
    started.push(gateway);
    return gateway.addresses;
  };
  const addresses: Record<string, string> = {};
  let privateUrls: readonly string[] = [];
  try {
    if (config.gateway !== null) {
      const { mqtt, mqtts } = await start(config.gateway);
      addresses.gateway = mqtt;
      if (mqtts !== undefined) addresses.gatewayTls = mqtts;
    }
    if (privateUpstream !== null && config.mqttPort !== null) {
      const { mqtt, ws } = await start({
        ...{ upstream: privateUpstream, host: config.mqttHost, port: config.mqttPort },
        ...(config.mqttWsPort === null
          ? {}
          : { webSocket: { host: config.mqttHost, port: config.mqttWsPort, path: '/mqtt' } }),
      });
      addresses.mqtt = mqtt;
      if (ws !== undefined) addresses.ws = ws;
      privateUrls = ws === undefined ? [mqtt] : [mqtt, ws];
    }
  } catch (error) {
    await close();
    throw error;
  }
  return { addresses, privateUrls, close };
}
