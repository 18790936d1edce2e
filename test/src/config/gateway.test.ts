/** The configuration of brokers that ask, and of the gateway. */

import { parseConfig } from '../../../src/config/config.ts';
import { ConfigError } from '../../../src/config/fault.ts';
import { assert, suite } from '../../support/suite.ts';

const test = suite('config of hooks and gateway');

function faultsOf(environment: Record<string, string>): string[] {
  try {
    parseConfig(environment);
    return [];
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.faults.map(({ variable }) => variable);
  }
}

test('a broker that asks is its REST API, and who calls it', () => {
  const { brokers } = parseConfig({
    GATEBOOK_BROKER:
      'rabbitmq+http://user:p%40ss@rabbit:15672/base/?vhost=/&vhost=plant, ' +
      'emqx+https://key:secret@[::1]:18083 vernemq+http://key@vernemq:8888',
  });
  assert.equal(brokers, [
    {
      kind: 'rabbitmq',
      api: { url: 'http://rabbit:15672/base', username: 'user', password: 'p@ss' },
      vhosts: ['/', 'plant'],
      byCertificate: false,
    },
    {
      kind: 'emqx',
      api: { url: 'https://[::1]:18083', username: 'key', password: 'secret' },
      vhosts: ['/'],
      byCertificate: false,
    },
    {
      kind: 'vernemq',
      api: { url: 'http://vernemq:8888', username: 'key', password: '' },
      vhosts: ['/'],
      byCertificate: false,
    },
  ]);
});

test('RabbitMQ lets in by certificates where it says that it checks them, by files that there are', () => {
  const address = 'rabbitmq+http://user:pw@rabbit:15672/?vhost=plant&certificates=crl';
  const files = { GATEBOOK_CERTIFICATE_FILES_DIR: 'certificates' };
  const [broker] = parseConfig({ GATEBOOK_BROKER: address, ...files }).brokers;
  assert.equal(broker?.kind === 'rabbitmq' && [broker.byCertificate, broker.vhosts], [
    true,
    ['plant'],
  ]);
  assert.equal(faultsOf({ GATEBOOK_BROKER: address }), ['GATEBOOK_BROKER']);
  for (const wrong of [
    address.replace('=crl', '=yes'),
    'emqx+http://key:secret@emqx:18083/?certificates=crl',
  ])
    assert.equal(faultsOf({ GATEBOOK_BROKER: wrong, ...files }), ['GATEBOOK_BROKER'], wrong);
});

test('each of these values is a fault of its variable', () => {
  const wrong: Record<string, string[]> = {
    BROKER: [
      'rabbitmq',
      'rabbitmq+http://host',
      'rabbitmq+http://user@host',
      'rabbitmq+mqtt://user:pw@host',
      'rabbitmq+http://user:pw@host/?x=1',
      'emqx+http://key:secret@host/?vhost=a',
      'vernemq+http://key@host/#a',
      'vernemq+http://%zz@host',
    ],
    HOOK_SECRET: ['short', 'has a blank in it', 'a/path/of/sixteen', 'x'.repeat(257)],
    GATEWAY_UPSTREAM: ['host:1883', 'http://host', 'mqtt://user:pw@host', 'mqtt://host?a'],
    GATEWAY_PORT: ['on', '70000'],
    GATEWAY_PROXY_PROTOCOL: ['v1', 'on'],
    GATEWAY_TLS_KEY: ['no key'],
    GATEWAY_TLS_PORT: ['8883'],
  };
  for (const [name, values] of Object.entries(wrong))
    for (const value of values)
      assert.equal(
        faultsOf({ [`GATEBOOK_${name}`]: value }),
        [`GATEBOOK_${name}`],
        `${name}=${value}`,
      );
});

test('TLS at the gateway takes a port, a key and a certificate', () => {
  const pem = (what: string) => `-----BEGIN ${what}-----\nAAAA\n-----END ${what}-----\n`;
  const { gateway } = parseConfig({
    GATEBOOK_GATEWAY_UPSTREAM: 'mqtt://localhost',
    GATEBOOK_GATEWAY_TLS_PORT: '0',
    GATEBOOK_GATEWAY_TLS_KEY: pem('PRIVATE KEY'),
    GATEBOOK_GATEWAY_TLS_CERT: pem('CERTIFICATE'),
  });
  assert.equal(gateway?.upstream, { host: 'localhost', port: 1883, tls: false });
  assert.equal(gateway?.tls, {
    ...{ host: '127.0.0.1', port: 0 },
    ...{ key: pem('PRIVATE KEY'), cert: pem('CERTIFICATE') },
  });
});

test('a gateway can listen with TLS alone, and listens somewhere', () => {
  const pem = (what: string) => `-----BEGIN ${what}-----\nAAAA\n-----END ${what}-----\n`;
  const off = { GATEBOOK_GATEWAY_UPSTREAM: 'mqtt://localhost', GATEBOOK_GATEWAY_PORT: 'off' };
  const { gateway } = parseConfig({
    ...off,
    GATEBOOK_GATEWAY_TLS_PORT: '0',
    GATEBOOK_GATEWAY_TLS_KEY: pem('PRIVATE KEY'),
    GATEBOOK_GATEWAY_TLS_CERT: pem('CERTIFICATE'),
  });
  assert.equal([gateway?.port, gateway?.tls?.port], [null, 0]);
  assert.equal(faultsOf(off), ['GATEBOOK_GATEWAY_PORT']);
});

test('the gateway gets no port that something else has', () => {
  const faults = faultsOf({
    GATEBOOK_GATEWAY_UPSTREAM: 'mqtt://broker',
    GATEBOOK_GATEWAY_PORT: '1883',
  });
  assert.equal(faults, ['GATEBOOK_GATEWAY_PORT']);
});

test.run();
