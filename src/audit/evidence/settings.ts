/** What the configuration says of safety; nothing of its secrets. */
import type { EvidenceItem } from '../../api/evidence.ts';
import type { Config } from '../../config/config.ts';
import { liveTokensPerUserMax } from '../../limits/credentials.ts';
import { loginFailuresPerMinute } from '../../limits/doors.ts';
import { isLoopback } from '../../platform/networks.ts';
import { durationText, goodIf, item } from './item.ts';

/** Fewer characters than ASVS 2.1.1 asks of people's passwords. */
const passwordLengthGood = 12;

interface ListenerSetting {
  readonly host: string;
  readonly port: number | null;
  readonly isSecure: boolean;
}

const isLocal = (host: string) => host === 'localhost' || isLoopback(host);

function listenersOf(config: Config): Readonly<Record<string, ListenerSetting>> {
  const { httpHost, mqttHost, doorHost, gateway } = config;
  const plain = (host: string, port: number | null) => ({ host, port, isSecure: false });
  const secure = (host: string, port: { readonly port: number } | number | null) => ({
    ...{ host, isSecure: true },
    port: typeof port === 'object' ? (port?.port ?? null) : port,
  });
  return {
    http: plain(httpHost, config.httpPort),
    https: secure(httpHost, config.httpsPort),
    door: plain(doorHost, config.doorPort),
    'door with TLS': secure(doorHost, config.doorTlsPort),
    mqtt: plain(mqttHost, config.mqttPort),
    'mqtt with TLS': secure(mqttHost, config.mqttTlsPort),
    'mqtt over WebSocket': plain(mqttHost, config.mqttPort === null ? null : config.mqttWsPort),
    'mqtt over WebSocket with TLS': secure(mqttHost, config.mqttWssPort),
    ...(gateway === null ? {} : { gateway: plain(gateway.host, gateway.port) }),
  };
}

function listeners(config: Config): EvidenceItem {
  const all = Object.entries(listenersOf(config));
  const isOpen = ({ host, port, isSecure }: ListenerSetting) =>
    !isSecure && port !== null && !isLocal(host);
  return item(
    'listeners',
    'Where it listens, and what crosses the network in clear',
    ['3.1', '4.1'],
    goodIf(!all.some(([, one]) => isOpen(one))),
    {
      ...Object.fromEntries(
        all.map(([name, { host, port, isSecure }]) => [
          name,
          port === null
            ? 'off'
            : `${host}:${port === 0 ? 'a free port' : port}, ${isSecure ? 'TLS 1.2 or later' : isLocal(host) ? 'clear, this machine alone' : 'clear, on the network'}`,
        ]),
      ),
      'trusted proxies': config.trustedProxies.join(' ') || null,
    },
  );
}

const authentication = (config: Config): EvidenceItem[] => [
  item(
    'client-authentication',
    'What opens MQTT over TLS',
    ['1.2', '1.9'],
    goodIf(config.clientAuth !== 'either'),
    {
      'needed (MQTT_TLS_CLIENT_AUTH)': config.clientAuth,
      'life of a certificate': durationText(config.certificateTtlMs),
      'EST with a name and password': config.est.basic,
    },
  ),
  item(
    'password-policy',
    'What passwords need',
    ['1.7'],
    goodIf(config.passwordPolicy.min >= passwordLengthGood),
    config.passwordPolicy,
  ),
  item(
    'attempts',
    'What slows guessing down',
    ['1.11'],
    goodIf(config.sourceAttemptsPerMinute > 0),
    {
      'wrong passwords a minute, for a name from a source': loginFailuresPerMinute,
      'attempts a minute of a source that match nothing': config.sourceAttemptsPerMinute,
      'requests that wait at once': config.pendingMax,
      'of one source': config.pendingPerSourceMax,
    },
  ),
  item('sessions', 'How sessions end', ['2.5', '2.6', '2.7'], 'told', {
    'a sign-in with a password': '12 h unless asked otherwise, idle or not',
    'a sign-in by single sign-on': config.sso === null ? null : durationText(config.sso.sessionMs),
    'tokens of a name at once': liveTokensPerUserMax,
  }),
];

const deciding = ({ approvals, sso }: Config): EvidenceItem[] => [
  item('approvals', 'How many people a decision needs', ['2.1'], goodIf(approvals.needed > 1), {
    people: approvals.needed,
    'for what': approvals.of === 'all' ? 'all decisions' : 'people and their HTTP rights',
    'for unlocking, too': approvals.isUnlockAmongThem,
    'a proposal waits': durationText(approvals.ttlMs),
  }),
  item(
    'single-sign-on',
    'Second factors: of the identity provider alone',
    ['1.1'],
    goodIf(sso !== null),
    { provider: sso === null ? null : sso.issuer },
  ),
];

const keeping = (config: Config): EvidenceItem[] => [
  item('retention', 'How long things are kept', ['2.9', '4.2'], 'told', {
    events: 'for ever',
    'verifiers of refused credentials': durationText(config.refusedTtlMs),
    'a request that nobody decides': durationText(config.pendingTtlMs),
    'not ready below (free bytes of the disk)': config.diskFreeMinBytes,
  }),
  item(
    'forwarding',
    'Who is told what happens',
    ['6.1', '6.2'],
    goodIf(config.siem !== null || config.webhook !== null),
    {
      SIEM: config.siem !== null,
      webhook: config.webhook !== null,
      'webhooks are signed': config.webhook === null ? null : config.webhook.secret !== null,
      'level of log lines': config.logLevel,
    },
  ),
];

export const settingsEvidence = (config: Config): EvidenceItem[] => [
  listeners(config),
  ...authentication(config),
  ...deciding(config),
  ...keeping(config),
];
