import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseConfig } from '../../../src/config/config.ts';
import { ConfigError } from '../../../src/config/fault.ts';
import type { Environment } from '../../../src/config/reading.ts';
import { configTable } from '../../../src/config/variables.ts';
import { assert, suite } from '../../support/suite.ts';
import { selfSigned } from '../../support/tls.ts';

const test = suite('config');
const folder = mkdtempSync(join(tmpdir(), 'gatebook-config-'));
test.after(() => rmSync(folder, { recursive: true, force: true }));

/** The faults of an environment, as `VARIABLE problem`. */
function faultsOf(environment: Environment): string[] {
  try {
    parseConfig(environment);
    return [];
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.faults.map(({ variable, problem }) => `${variable} ${problem}`);
  }
}

test('an empty environment gives the defaults of WIRE', () => {
  assert.equal(parseConfig({}), {
    httpPort: 8080,
    httpsPort: { port: 8443, isChosen: false },
    mqttPort: 1883,
    mqttTlsPort: { port: 8883, isChosen: false },
    mqttWsPort: 9001,
    mqttWssPort: null,
    doorPort: null,
    doorTlsPort: null,
    tls: { given: null, names: [], ca: null, files: null, caOverlap: null },
    clientAuth: 'either',
    httpHost: '127.0.0.1',
    mqttHost: '127.0.0.1',
    doorHost: '127.0.0.1',
    dataDir: resolve('data'),
    hostileSeed: null,
    keysDir: resolve('data/keys'),
    store: 'sqlite',
    brokers: [{ kind: 'embedded' }],
    hookSecret: null,
    gateway: null,
    adminUsername: 'admin',
    adminPassword: null,
    logLevel: 'info',
    publicUrl: null,
    publicMqttUrls: [],
    trustedProxies: [],
    passwordPolicy: { min: 5, lower: 0, upper: 0, numeric: 0, symbol: 0 },
    sso: null,
    door: 'strict',
    pendingTtlMs: 86_400_000,
    certificateTtlMs: 8_760 * 3_600_000,
    est: { basic: 'optional', retryAfterSeconds: 30 },
    staleAfterMs: null,
    suspendsStale: false,
    endWarningsMs: [],
    refusedTtlMs: 30 * 86_400_000,
    sourceAttemptsPerMinute: 600,
    mqttConnectionsMax: 20_000,
    pendingMax: 10_000,
    pendingPerSourceMax: 1_000,
    approvals: { needed: 1, of: 'all', isUnlockAmongThem: false, ttlMs: 86_400_000 },
    webhook: null,
    ntfyUrl: null,
    siem: null,
    diskFreeMinBytes: 100_000_000,
  });
});

test('every variable is read', () => {
  const config = parseConfig({
    GATEBOOK_HTTP_PORT: '0',
    GATEBOOK_MQTT_PORT: 'off',
    GATEBOOK_MQTT_WS_PORT: '0',
    GATEBOOK_MQTT_WSS_PORT: '9002',
    GATEBOOK_DOOR_PORT: '8081',
    GATEBOOK_DOOR_TLS_PORT: '8082',
    GATEBOOK_TLS_NAMES: 'gate.plant, 192.0.2.9',
    GATEBOOK_HOST: '0.0.0.0',
    GATEBOOK_MQTT_HOST: 'mqtt.example',
    GATEBOOK_DOOR_HOST: '::1',
    GATEBOOK_DATA_DIR: '/var/lib/gatebook',
    GATEBOOK_KEYS_DIR: '/etc/gatebook/keys',
    GATEBOOK_STORE: 'sqlite',
    GATEBOOK_BROKER: 'embedded',
    GATEBOOK_HOOK_SECRET: 'a-secret-for-hooks',
    GATEBOOK_GATEWAY_UPSTREAM: 'mqtts://[::1]',
    GATEBOOK_GATEWAY_PORT: '0',
    GATEBOOK_GATEWAY_HOST: '127.0.0.1',
    GATEBOOK_GATEWAY_PROXY_PROTOCOL: 'v2',
    GATEBOOK_ADMIN_USERNAME: 'root',
    GATEBOOK_ADMIN_PASSWORD: 'correct horse',
    GATEBOOK_LOG_LEVEL: 'debug',
    GATEBOOK_PUBLIC_URL: 'https://gate.example/registry/',
    GATEBOOK_PUBLIC_MQTT_URLS: 'mqtt://gate.example:1883, wss://gate.example/mqtt',
    GATEBOOK_TRUSTED_PROXIES: '10.0.0.0/8 fd00::/8',
    GATEBOOK_PASSWORD_POLICY: '{"min":12,"numeric":1}',
    GATEBOOK_PENDING_TTL: '90s',
    GATEBOOK_CERTIFICATE_TTL: '90d',
    GATEBOOK_DOOR: 'lenient',
    GATEBOOK_EST_BASIC: 'required',
    GATEBOOK_EST_RETRY_AFTER: '2m',
    GATEBOOK_CERTIFICATE_FILES_DIR: '/srv/certificates',
    GATEBOOK_CERTIFICATE_FILES_EXEC: 'systemctl reload mosquitto',
    GATEBOOK_MQTT_TLS_CLIENT_AUTH: 'either',
    GATEBOOK_REFUSED_TTL: '2d',
    GATEBOOK_END_WARNINGS: '14d, 1d 14d',
    GATEBOOK_STALE_AFTER: '90d',
    GATEBOOK_STALE_SUSPEND: 'false',
    GATEBOOK_SOURCE_ATTEMPTS_PER_MINUTE: '0',
    GATEBOOK_MQTT_CONNECTIONS_MAX: '60000',
    GATEBOOK_PENDING_MAX: '5',
    GATEBOOK_PENDING_PER_SOURCE_MAX: '2',
    GATEBOOK_WEBHOOK_URL: 'https://hooks.example/gatebook',
    GATEBOOK_WEBHOOK_SECRET: 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw',
    GATEBOOK_WEBHOOK_FORMAT: 'cloudevents',
    GATEBOOK_NTFY_URL: 'https://ntfy.example/plant',
    GATEBOOK_SIEM_URL: 'https://siem.example/events',
    GATEBOOK_SIEM_TOKEN: 'Splunk 1234',
    GATEBOOK_SIEM_FROM: 'now',
    GATEBOOK_DISK_FREE_MIN: '2GB',
    GATEBOOK_APPROVALS: '3',
    GATEBOOK_APPROVALS_FOR: 'people',
    GATEBOOK_APPROVALS_UNLOCK: 'on',
    GATEBOOK_APPROVAL_TTL: '1h',
  });
  assert.equal(config, {
    httpPort: 0,
    httpsPort: { port: 0, isChosen: true },
    mqttPort: null,
    mqttTlsPort: null,
    mqttWsPort: 0,
    mqttWssPort: 9002,
    doorPort: 8081,
    doorTlsPort: 8082,
    tls: {
      ...{ given: null, names: ['gate.plant', '192.0.2.9'], ca: null, caOverlap: null },
      files: { dir: '/srv/certificates', command: 'systemctl reload mosquitto' },
    },
    clientAuth: 'either',
    httpHost: '0.0.0.0',
    mqttHost: 'mqtt.example',
    doorHost: '::1',
    dataDir: '/var/lib/gatebook',
    hostileSeed: null,
    keysDir: '/etc/gatebook/keys',
    store: 'sqlite',
    brokers: [{ kind: 'embedded' }],
    hookSecret: 'a-secret-for-hooks',
    gateway: {
      upstream: { host: '::1', port: 8883, tls: true },
      host: '127.0.0.1',
      port: 0,
      proxyProtocol: true,
    },
    adminUsername: 'root',
    adminPassword: 'correct horse',
    logLevel: 'debug',
    publicUrl: 'https://gate.example/registry',
    publicMqttUrls: ['mqtt://gate.example:1883', 'wss://gate.example/mqtt'],
    trustedProxies: ['10.0.0.0/8', 'fd00::/8'],
    passwordPolicy: { min: 12, lower: 0, upper: 0, numeric: 1, symbol: 0 },
    sso: null,
    door: 'lenient',
    pendingTtlMs: 90_000,
    certificateTtlMs: 90 * 86_400_000,
    est: { basic: 'required', retryAfterSeconds: 120 },
    staleAfterMs: 90 * 86_400_000,
    suspendsStale: false,
    endWarningsMs: [14 * 86_400_000, 86_400_000],
    refusedTtlMs: 172_800_000,
    sourceAttemptsPerMinute: 0,
    mqttConnectionsMax: 60_000,
    pendingMax: 5,
    pendingPerSourceMax: 2,
    approvals: { needed: 3, of: 'people', isUnlockAmongThem: true, ttlMs: 3_600_000 },
    webhook: {
      url: 'https://hooks.example/gatebook',
      secret: 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw',
      format: 'cloudevents',
    },
    ntfyUrl: 'https://ntfy.example/plant',
    siem: {
      to: { by: 'http', url: 'https://siem.example/events', authorization: 'Splunk 1234' },
      ...{ ca: null, from: 'now' },
    },
    diskFreeMinBytes: 2_000_000_000,
  });
});

test('every fault is listed at once, with the remedy', () => {
  const environment = {
    GATEBOOK_HTTP_PORT: '80800',
    GATEBOOK_PENDING_TTL: '5',
    GATEBOOK_HOST: 'a b',
    GATEBOOK_MQTT_WS_PORT: '1883',
    GATEBOOK_GATEWAY_TLS_PORT: '0',
  };
  assert.throws(
    () => parseConfig(environment),
    (error: Error) => {
      assert.is(error.name, 'ConfigError');
      assert.is(
        error.message,
        [
          'The configuration has 5 faults:',
          '  GATEBOOK_HTTP_PORT is "80800". Give a port from 0 to 65535 (0 takes a free one), or off.',
          '  GATEBOOK_HOST is "a b". Give a host name or an IP address, without a port.',
          '  GATEBOOK_PENDING_TTL is "5". Give a duration such as 500ms, 90s, 24h or 30d.',
          '  GATEBOOK_MQTT_WS_PORT is 1883, as is GATEBOOK_MQTT_PORT. Give each listener a port of its own (0 takes a free one).',
          '  GATEBOOK_GATEWAY_TLS_PORT is set without a key and a certificate. Set GATEBOOK_GATEWAY_TLS_KEY_FILE and GATEBOOK_GATEWAY_TLS_CERT_FILE.',
        ].join('\n'),
      );
      return true;
    },
  );
});

test('each of these values is a fault of its variable', () => {
  const wrong: Record<string, string[]> = {
    HTTP_PORT: ['none', '-1', '65536', '1e3', ' 80', '0x50'],
    MQTT_PORT: ['none', '70000'],
    HTTPS_PORT: ['on', '70000'],
    TLS_NAMES: ['https://gate.plant', 'gate plant/'],
    TLS_CERT: ['no certificate', '-----BEGIN CERTIFICATE-----'],
    TLS_KEY: ['-----BEGIN PRIVATE KEY-----'],
    HOST: ['http://a', '127.0.0.1:80', 'a/b', '-a'],
    STORE: ['postgres', 'postgres://localhost', 'kurrentdb:localhost', 'kurrentdb://'],
    BROKER: [
      'none',
      'mosquitto,mosquitto',
      'embedded,embedded',
      'mosquitto+mqtt://host',
      'mosquitto+unix://user:pw@host/a.sock',
      'emqx+http://localhost',
    ],
    ADMIN_USERNAME: ['ab', '.admin', 'a/b', 'a'.repeat(129)],
    ADMIN_PASSWORD: [
      'four',
      '😀😀😀😀',
      'a'.repeat(1025),
      'two\nlines',
      'well\ud800',
      'v4.public.AAAA',
    ],
    LOG_LEVEL: ['INFO', 'trace'],
    PUBLIC_URL: ['gate.example', 'ftp://a', 'https://user:pw@a', 'https://a/?b', 'https://a/#c'],
    PUBLIC_MQTT_URLS: ['http://a', 'mqtt://u:p@a', ','],
    TRUSTED_PROXIES: ['10.0.0.1', '10.0.0.0/33', 'fd00::/129', 'localhost/8', '10.0.0.0/8;a'],
    PASSWORD_POLICY: ['5', '{"min":-1}', '{"min":1.5}', '{"minimum":5}', '[]', '{', '{"min":1025}'],
    PENDING_TTL: ['0s', '-1s', '1', '1w', '1.5h', '36501d', '999999999999999d'],
    DOOR: ['open', 'Lenient'],
    EST_BASIC: ['none', 'on'],
    EST_RETRY_AFTER: ['0s', '1500ms', '30', '601s', '11m'],
    SOURCE_ATTEMPTS_PER_MINUTE: ['-1', '1000001', 'many'],
    PENDING_MAX: ['0', '1000001'],
    PENDING_PER_SOURCE_MAX: ['0'],
    WEBHOOK_URL: ['ftp://x', 'https://user:pass@x'],
    WEBHOOK_SECRET: ['short', 'whsec_c2hvcnQ='],
    WEBHOOK_FORMAT: ['json'],
    NTFY_URL: ['x'],
    SIEM_URL: ['udp://a:514', 'syslog://a', 'syslog+tcp://a/b', 'syslog+tls://u@a', 'https://a?b'],
    APPROVALS: ['0', '10', 'x'],
    APPROVALS_FOR: ['some'],
    APPROVALS_UNLOCK: ['yes'],
    APPROVAL_TTL: ['1'],
  };
  for (const [name, values] of Object.entries(wrong))
    for (const value of values) {
      const faults = faultsOf({ [`GATEBOOK_${name}`]: value });
      assert.is(faults.length, 1, `${name}=${value}: ${faults}`);
      assert.match(faults[0] ?? '', new RegExp(`^GATEBOOK_${name} `));
    }
});

test('a variable that nobody knows is a fault, with the name that was meant', () => {
  assert.throws(
    () => parseConfig({ GATEBOOK_HTP_PORT: '1' }),
    /GATEBOOK_HTP_PORT is not known\. Did you mean GATEBOOK_HTTP_PORT\?/,
  );
  assert.equal(faultsOf({ GATEBOOK_QQQQQQQQQQ: '1' }), ['GATEBOOK_QQQQQQQQQQ is not known']);
  // The prefix, which all of them have, makes no two alike.
  assert.throws(
    () => parseConfig({ GATEBOOK_MQTT: 'off' }),
    /GATEBOOK_MQTT is not known\. Remove it/,
  );
});

test("the command line's own variables are none of the service's business, and empty ones are not set", () => {
  assert.equal(
    faultsOf({
      GATEBOOK_URL: 'x',
      GATEBOOK_TOKEN: 'x',
      GATEBOOK_USERNAME: 'x',
      GATEBOOK_PASSWORD: 'x',
      GATEBOOK_PASSWORD_FILE: 'x',
      GATEBOOK_HTTP_PORT: '',
      GATEBOOK_ADMIN_PASSWORD: '',
      GATEBOOK_UNKNOWN: '',
      OTHER: 'x',
    }),
    [],
  );
  assert.is(parseConfig({ GATEBOOK_ADMIN_PASSWORD: '' }).adminPassword, null);
});

test('a value can come from a file, without its last line end', () => {
  const path = join(folder, 'password');
  writeFileSync(path, 'from a file\r\n');
  assert.is(parseConfig({ GATEBOOK_ADMIN_PASSWORD_FILE: path }).adminPassword, 'from a file');
  writeFileSync(path, '8085\n');
  assert.is(parseConfig({ GATEBOOK_HTTP_PORT_FILE: path }).httpPort, 8085);
  assert.equal(faultsOf({ GATEBOOK_HTTP_PORT_FILE: path, GATEBOOK_HTTP_PORT: '1' }), [
    'GATEBOOK_HTTP_PORT_FILE is set beside GATEBOOK_HTTP_PORT',
  ]);
  assert.equal(faultsOf({ GATEBOOK_HTTP_PORT_FILE: join(folder, 'absent') }), [
    'GATEBOOK_HTTP_PORT_FILE names a file that cannot be read (ENOENT)',
  ]);
  writeFileSync(path, 'x'.repeat(64 * 1024 + 1));
  assert.equal(faultsOf({ GATEBOOK_HTTP_PORT_FILE: path }), [
    'GATEBOOK_HTTP_PORT_FILE names a file that cannot be read (EFBIG)',
  ]);
});

test('no fault repeats a secret, or what came from a file', () => {
  const path = join(folder, 'secret');
  writeFileSync(path, 'hunter2');
  const environment = {
    GATEBOOK_STORE: 'postgres://user:hunter2@host',
    GATEBOOK_BROKER: 'mosquitto+mqtt://user:hunter2@host/topic',
    GATEBOOK_ADMIN_PASSWORD: `hunter2${'x'.repeat(1024)}`,
    GATEBOOK_PUBLIC_URL: 'https://user:hunter2@host',
    GATEBOOK_PUBLIC_MQTT_URLS: 'mqtt://user:hunter2@host',
    GATEBOOK_HOOK_SECRET: 'hunter2',
    GATEBOOK_HTTP_PORT_FILE: path,
  };
  assert.is(faultsOf(environment).length, 7);
  assert.throws(
    () => parseConfig(environment),
    (error: Error) =>
      !error.stack?.includes('hunter2') && !JSON.stringify(error).includes('hunter2'),
  );
});

test('a fault holds nothing that a terminal would obey', () => {
  assert.equal(faultsOf({ GATEBOOK_HOST: '\x1b[31m\u009b\u202e', 'GATEBOOK_\x1b': '1' }), [
    'GATEBOOK_HOST is "\\u001b[31m??"',
    'GATEBOOK_\\u001b is not known',
  ]);
});

test('two listeners do not get one port on one address', () => {
  assert.equal(faultsOf({ GATEBOOK_HTTP_PORT: '1883' }), [
    'GATEBOOK_MQTT_PORT is 1883, as is GATEBOOK_HTTP_PORT',
  ]);
  assert.equal(faultsOf({ GATEBOOK_HTTP_PORT: '1883', GATEBOOK_HTTP_HOST: '127.0.0.2' }), []);
  assert.is(faultsOf({ GATEBOOK_HTTP_PORT: '1883', GATEBOOK_HTTP_HOST: '0.0.0.0' }).length, 1);
  assert.equal(
    faultsOf({ GATEBOOK_HTTP_PORT: '0', GATEBOOK_MQTT_PORT: '0', GATEBOOK_MQTT_WS_PORT: '0' }),
    [],
  );
});

const tlsPorts = (environment: Record<string, string>) => {
  const { httpsPort, mqttTlsPort } = parseConfig(environment);
  return [httpsPort?.port ?? null, mqttTlsPort?.port ?? null];
};

test('TLS is on until it is off, on free ports beside free ones', () => {
  assert.equal(tlsPorts({}), [8443, 8883]);
  assert.equal(tlsPorts({ GATEBOOK_HTTPS_PORT: 'off', GATEBOOK_MQTT_TLS_PORT: 'off' }), [
    null,
    null,
  ]);
  assert.equal(tlsPorts({ GATEBOOK_HTTP_PORT: '0', GATEBOOK_MQTT_PORT: '0' }), [0, 0]);
  assert.equal(tlsPorts({ GATEBOOK_HTTP_PORT: 'off' }), [8443, 8883]);
  assert.equal(tlsPorts({ GATEBOOK_MQTT_PORT: 'off' }), [8443, null]);
  assert.equal(
    tlsPorts({ GATEBOOK_MQTT_PORT: 'off', GATEBOOK_MQTT_TLS_PORT: '8884' }),
    [8443, 8884],
  );
});

test('a TLS port that nobody chose gives way to one that somebody did', () => {
  assert.equal(tlsPorts({ GATEBOOK_HTTP_PORT: '8443' }), [null, 8883]);
  assert.equal(tlsPorts({ GATEBOOK_MQTT_PORT: '8883' }), [8443, null]);
  assert.equal(faultsOf({ GATEBOOK_HTTPS_PORT: '8080' }), [
    'GATEBOOK_HTTPS_PORT is 8080, as is GATEBOOK_HTTP_PORT',
  ]);
});

test('page and API are somewhere', () => {
  assert.equal(faultsOf({ GATEBOOK_HTTP_PORT: 'off', GATEBOOK_HTTPS_PORT: 'off' }), [
    'GATEBOOK_HTTP_PORT is off, as is GATEBOOK_HTTPS_PORT',
  ]);
});

test('a certificate is given with its key', async () => {
  const [one, other] = [await selfSigned(), await selfSigned()];
  const given = { GATEBOOK_TLS_CERT: one.cert, GATEBOOK_TLS_KEY: one.key };
  assert.equal(parseConfig(given).tls.given, { ...one, certFile: null, keyFile: null });
  assert.equal(faultsOf({ ...given, GATEBOOK_TLS_KEY: other.key }), [
    'GATEBOOK_TLS_KEY is not the key of the certificate in GATEBOOK_TLS_CERT',
  ]);
  assert.equal(faultsOf({ GATEBOOK_TLS_CERT: one.cert }), [
    'GATEBOOK_TLS_CERT is set without GATEBOOK_TLS_KEY',
  ]);
  const broken = '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n';
  assert.equal(faultsOf({ ...given, GATEBOOK_TLS_CERT: broken }), [
    'GATEBOOK_TLS_CERT holds no certificate that can be read',
  ]);
});

test('the table for people has every variable, with its default', () => {
  assert.equal(configTable.find(({ name }) => name === 'GATEBOOK_HTTP_PORT')?.default, '8080');
  assert.ok(configTable.every(({ default: value, meaning }) => value !== '' && meaning !== ''));
});

test('who is suspended for not being seen must have been seen', () => {
  const suspends = { GATEBOOK_STALE_SUSPEND: 'true' };
  const after = { ...suspends, GATEBOOK_STALE_AFTER: '90d' };
  const parsed = parseConfig(after);
  assert.equal([parsed.suspendsStale, parsed.staleAfterMs], [true, 90 * 86_400_000]);
  assert.equal(faultsOf(suspends), [
    'GATEBOOK_STALE_SUSPEND is true, where GATEBOOK_STALE_AFTER is off',
  ]);
  assert.equal(faultsOf({ ...after, GATEBOOK_STORE: 'kurrentdb://host' }), [
    'GATEBOOK_STALE_SUSPEND is true, where several nodes may share the log, and each sees its own clients alone',
  ]);
  const given = { GATEBOOK_BROKER: 'mosquitto+mqtt://keeper:secret@127.0.0.1:1884' };
  assert.equal(faultsOf({ ...after, ...given }), [
    'GATEBOOK_STALE_SUSPEND is true, and a given Mosquitto does not tell who connects',
  ]);
  const gateway = { GATEBOOK_GATEWAY_UPSTREAM: 'mqtt://127.0.0.1:1884' };
  assert.is(parseConfig({ ...after, ...given, ...gateway }).suspendsStale, true);
  assert.is(parseConfig({ ...after, GATEBOOK_BROKER: 'mosquitto' }).suspendsStale, true);
});

test('a command after changed files wants the files', () => {
  assert.throws(
    () => parseConfig({ GATEBOOK_CERTIFICATE_FILES_EXEC: 'true' }),
    /GATEBOOK_CERTIFICATE_FILES_EXEC is set without GATEBOOK_CERTIFICATE_FILES_DIR/,
  );
});

test.run();
