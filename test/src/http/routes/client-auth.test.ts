/** Where MQTT wants certificates, nobody registers who could never connect. */

import { newCsr } from '../../../support/csr.ts';
import { doorOf, newName, registerPath, strong } from '../../../support/door.ts';
import { startRegistry } from '../../../support/service.ts';
import { assert, suite } from '../../../support/suite.ts';

const test = suite('registration where certificates are wanted');

const wanted = {
  certificate: { 'a password': ['#/csr'], 'a CSR': [], both: [] },
  both: { 'a password': ['#/csr'], 'a CSR': ['#/password'], both: [] },
} as const;

for (const [clientAuth, shown] of Object.entries(wanted))
  test(`${clientAuth}: what could never connect is 400`, async () => {
    const world = await startRegistry({
      GATEBOOK_MQTT_TLS_CLIENT_AUTH: clientAuth,
      ...{ GATEBOOK_MQTT_PORT: 'off', GATEBOOK_MQTT_WS_PORT: 'off', GATEBOOK_MQTT_TLS_PORT: '0' },
    });
    try {
      await doorOf(world).unlock();
      for (const [kind, pointers] of Object.entries(shown)) {
        const username = newName();
        const body = {
          username,
          ...(kind !== 'a CSR' && { password: strong() }),
          ...(kind !== 'a password' && { csr: newCsr(username).csr }),
        };
        const answer = await world.call('POST', registerPath, { token: null, body });
        assert.is(answer.status, pointers.length === 0 ? 202 : 400, JSON.stringify(answer.body));
        const faults: { pointer: string }[] = answer.body.errors ?? [];
        assert.equal(
          faults.map(({ pointer }) => pointer),
          pointers,
          kind,
        );
      }
    } finally {
      await world.stop();
    }
  });

test.run();
