/** What opens MQTT over TLS, and which listeners that allows. */

import { parseConfig } from '../../../src/config/config.ts';
import { ConfigError } from '../../../src/config/fault.ts';
import { assert, suite } from '../../support/suite.ts';

const pem = (label: string) => `-----BEGIN ${label}-----\nAA==\n-----END ${label}-----\n`;

const test = suite('config of certificates at MQTT');

function faultsOf(environment: Record<string, string>): string[] {
  try {
    parseConfig(environment);
    return [];
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.faults.map(({ variable }) => variable);
  }
}

test('either is the default, and goes with every listener', () => {
  assert.is(parseConfig({}).clientAuth, 'either');
  assert.equal(faultsOf({ GATEBOOK_MQTT_TLS_CLIENT_AUTH: 'either' }), []);
  assert.equal(faultsOf({ GATEBOOK_MQTT_TLS_CLIENT_AUTH: 'password' }), [
    'GATEBOOK_MQTT_TLS_CLIENT_AUTH',
  ]);
});

for (const wanted of ['certificate', 'both'] as const) {
  const wants = { GATEBOOK_MQTT_TLS_CLIENT_AUTH: wanted };
  const off = { ...wants, GATEBOOK_MQTT_PORT: 'off' };

  test(`${wanted}: no listener without TLS beside it`, () => {
    assert.equal(faultsOf(wants), ['GATEBOOK_MQTT_PORT', 'GATEBOOK_MQTT_WS_PORT']);
    assert.equal(faultsOf({ ...wants, GATEBOOK_MQTT_WS_PORT: 'off' }), ['GATEBOOK_MQTT_PORT']);
    assert.equal(faultsOf({ ...off, GATEBOOK_MQTT_WS_PORT: '0' }), ['GATEBOOK_MQTT_WS_PORT']);
    assert.equal(faultsOf({ ...off, GATEBOOK_GATEWAY_UPSTREAM: 'mqtt://broker' }), [
      'GATEBOOK_GATEWAY_UPSTREAM',
      'GATEBOOK_GATEWAY_PORT',
    ]);
    assert.equal(faultsOf({ ...off, GATEBOOK_BROKER: 'mosquitto' }), []);
    assert.equal(faultsOf(off), []);
    assert.equal(faultsOf({ ...off, GATEBOOK_MQTT_WS_PORT: 'off' }), []);
  });

  test(`${wanted}: a gateway stands before brokers whose accounts the registry keeps`, () => {
    const gateway = {
      ...{ ...off, GATEBOOK_GATEWAY_UPSTREAM: 'mqtt://broker', GATEBOOK_GATEWAY_PORT: 'off' },
      ...{ GATEBOOK_GATEWAY_TLS_PORT: '0', GATEBOOK_GATEWAY_TLS_KEY: pem('PRIVATE KEY') },
      GATEBOOK_GATEWAY_TLS_CERT: pem('CERTIFICATE'),
    };
    const one = 'mosquitto+mqtt://keeper:password@one';
    const faults = (BROKER: string) => faultsOf({ ...gateway, GATEBOOK_BROKER: BROKER });
    assert.equal(faults(one), []);
    assert.equal(faults(`embedded,${one}`), []);
    for (const brokers of ['embedded', 'mosquitto', `${one},${one}`, `mosquitto,${one}`])
      assert.equal(faults(brokers), ['GATEBOOK_GATEWAY_UPSTREAM'], brokers);
  });

  test(`${wanted}: MQTT over TLS is on, though MQTT without it is off`, () => {
    assert.equal(parseConfig(off).mqttTlsPort, { port: 8883, isChosen: false });
    assert.is(parseConfig({ ...off, GATEBOOK_MQTT_TLS_PORT: 'off' }).mqttTlsPort, null);
  });
}

test.run();
