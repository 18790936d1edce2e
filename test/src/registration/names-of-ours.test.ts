/** A name that this service came to be reached by: who asked for it before gets no certificate for it. */
import { callOverTls, certify } from '../../support/certificate-in-hand.ts';
import { newCsr } from '../../support/csr.ts';
import { doorOf, registerPath, selfPath } from '../../support/door.ts';
import { startRegistry } from '../../support/service.ts';
import { assert, suite } from '../../support/suite.ts';

const test = suite('certificates for names of ours');

test('asked for, then ours, then granted: no certificate; in hand, then ours: none after it', async () => {
  const world = await startRegistry({ GATEBOOK_HTTPS_PORT: '0' });
  try {
    const door = doorOf(world);
    await door.unlock();
    const [waiting, inHand] = ['gate.plant.example', 'mqtt.plant.example'];
    const { csr } = newCsr(waiting);
    const body = { username: waiting, csr };
    const asked = await world.call('POST', registerPath, { token: null, body });
    assert.is(asked.status, 202);
    const held = await certify({ door, world }, {}, inHand);
    await world.restart({
      GATEBOOK_PUBLIC_URL: `https://${waiting}`,
      GATEBOOK_PUBLIC_MQTT_URLS: `mqtts://${inHand}:8883`,
    });
    await door.grant(asked.body.requestId);
    const polled = await world.call('GET', selfPath, { token: asked.body.registrationToken });
    assert.is(polled.body.certificate ?? null, null, JSON.stringify(polled.body).slice(0, 200));
    const types = await door.types(waiting);
    assert.not(types.includes('CertificateIssued'), types.join());
    const next = newCsr(inHand, held.keys);
    const renewed = await callOverTls(world, held, '/api/client-registry/certificate', {
      body: { csr: next.csr },
    });
    assert.ok(renewed.status >= 400, JSON.stringify(renewed.body).slice(0, 200));
    const issued = (await door.types(inHand)).filter((type) => type === 'CertificateIssued');
    assert.is(issued.length, 1);
  } finally {
    await world.stop();
  }
});

test.run();
