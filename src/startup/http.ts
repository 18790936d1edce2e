/** Starts HTTP where the configuration has it, with and without TLS. */
import type { App } from '../app.ts';
import type { Hooks } from '../broker/hooks/hooks.ts';
import type { Config } from '../config/config.ts';
import { startHttp } from '../http/server.ts';
import type { ServerIdentity } from '../platform/server-identity.ts';

/** @throws what a listener says of a taken port */
export const listenForHttp = (
  app: App,
  identity: ServerIdentity,
  hooks: Hooks,
  through: Parameters<typeof startHttp>[1]['through'],
) =>
  startHttp(app, {
    ...httpListeners(app.config),
    ...(through && { through }),
    identity,
    hooks: { hooks, secret: app.config.hookSecret, vhosts: vhostsOf(app.config) },
  });

const httpListeners = ({
  httpHost,
  httpPort,
  httpsPort,
  doorHost,
  doorPort,
  doorTlsPort,
}: Config) => ({
  ...(httpPort === null ? {} : { http: { host: httpHost, port: httpPort } }),
  ...(httpsPort === null ? {} : { https: { host: httpHost, port: httpsPort.port } }),
  ...(doorPort === null ? {} : { door: { host: doorHost, port: doorPort } }),
  ...(doorTlsPort === null ? {} : { doorTls: { host: doorHost, port: doorTlsPort } }),
});

/** Virtual hosts of RabbitMQ that clients may use. */
const vhostsOf = ({ brokers }: Config): readonly string[] => {
  const named = brokers.flatMap((one) => (one.kind === 'rabbitmq' ? one.vhosts : []));
  return named.length > 0 ? named : ['/'];
};
