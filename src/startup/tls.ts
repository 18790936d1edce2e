/** TLS at the start: which ports there are, and whose certificate they show. */
import { X509Certificate } from 'node:crypto';
import { createServer } from 'node:net';
import { hostname } from 'node:os';
import type { Config } from '../config/config.ts';
import type { TlsPort } from '../config/tls.ts';
import type { CertificateAuthority } from '../credentials/certificates/authority.ts';
import { issueServerIdentity } from '../credentials/certificates/server-identity.ts';
import { serverNames } from '../credentials/certificates/server-names.ts';
import type { Logger } from '../logger.ts';
import type { Lifecycle } from '../platform/lifecycle.ts';
import { askingCertificatesOf, type ServerIdentity } from '../platform/server-identity.ts';
import { followGivenCertificate } from './given-identity.ts';

/** Resolves with whether something listens there already. */
async function isTaken({ host, port }: { host: string; port: number }): Promise<boolean> {
  const probe = createServer();
  return await new Promise((resolve) => {
    probe.once('error', (error: NodeJS.ErrnoException) => resolve(error.code === 'EADDRINUSE'));
    probe.listen(port, host, () => probe.close(() => resolve(false)));
  });
}

/**
 * The configuration without the TLS ports that nobody chose and somebody else has: a service that ran without TLS
 * starts after an update, and says what it lacks.
 */
export async function withoutTakenTlsPorts(config: Config, logger: Logger): Promise<Config> {
  const kept = async (name: string, host: string, at: TlsPort | null) => {
    if (at === null || at.isChosen || !(await isTaken({ host, port: at.port }))) return at;
    const variable = `GATEBOOK_${name}`;
    logger.warn(`${variable} is off: its default is taken by another program`, {
      port: at.port,
      remedy: `set ${variable} to a free port, or to off`,
    });
    return null;
  };
  return {
    ...config,
    httpsPort: await kept('HTTPS_PORT', config.httpHost, config.httpsPort),
    mqttTlsPort: await kept('MQTT_TLS_PORT', config.mqttHost, config.mqttTlsPort),
  };
}

const isLoopback = (host: string): boolean =>
  host === 'localhost' || host === '::1' || host.startsWith('127.');

/** Says where passwords cross a network in clear. */
export function warnOfPlainListeners(config: Config, logger: Logger): void {
  const plain = [
    ['HTTP_PORT', config.httpHost, config.httpPort],
    ['DOOR_PORT', config.doorHost, config.doorPort],
    ['MQTT_PORT', config.mqttHost, config.mqttPort],
    ['MQTT_WS_PORT', config.mqttHost, config.mqttPort === null ? null : config.mqttWsPort],
  ] as const;
  const open = plain.filter(([, host, port]) => port !== null && !isLoopback(host));
  if (open.length === 0) return;
  logger.warn('Passwords cross the network in clear at the listeners without TLS', {
    listeners: open.map(([name]) => `GATEBOOK_${name}`),
    remedy: 'let people and devices use the TLS ports, and set these to off',
  });
}

interface TlsParts {
  readonly config: Config;
  readonly ca: CertificateAuthority;
  readonly now: () => string;
  readonly logger: Logger;
  readonly lifecycle: Lifecycle;
}

export const namesOf = (config: Config): string[] =>
  serverNames({ ...config, names: config.tls.names, hostname: hostname() });

/** Whether a name is one of this service's own, case ignored: no client's certificate may hold it. */
export function serverNameTest(config: Config): (name: string) => boolean {
  const { given } = config.tls;
  const names = new Set(namesOf(config));
  const certificate = given === null ? null : new X509Certificate(given.cert);
  return (name) =>
    names.has(name.toLowerCase()) ||
    certificate?.checkHost(name, { subject: 'always' }) !== undefined;
}

/** The certificate of all TLS ports: the given one, or one that the registry's CA issues. */
export function serverIdentityOf({ config, ca, now, logger, lifecycle }: TlsParts): ServerIdentity {
  const { signal } = lifecycle;
  const { given } = config.tls;
  const names = namesOf(config);
  const { identity, ended } =
    given === null
      ? issueServerIdentity({
          ...{ names, now, signal, authority: ca },
          onRenewed: (until) =>
            logger.info('The TLS certificate was renewed', { until: until.toISOString() }),
        })
      : followGivenCertificate(given, { logger, signal });
  lifecycle.runs(ended);
  return askingCertificatesOf(identity, ca.trustPem);
}
