/** The implicit door at a private Mosquitto: what the gateway, the registry and the broker come to together. */

import { doorOf, knockEverywhere, newName } from '../../../support/door.ts';
import { connected, programIsHere, type Version, versions } from '../../../support/mqtt-peers.ts';
import { startRegistry } from '../../../support/service.ts';
import { assert, suite } from '../../../support/suite.ts';
import { eventually } from '../hooks/peer.ts';

const test = suite('the implicit door at a private Mosquitto');

test('each state, credential and gate comes to what it comes to over HTTP', async () => {
  if (!programIsHere('mosquitto', '-h')) return;
  const world = await startRegistry({
    GATEBOOK_BROKER: 'mosquitto',
    GATEBOOK_SOURCE_ATTEMPTS_PER_MINUTE: '0',
  });
  try {
    let turn = 0;
    const door = doorOf(world);
    await knockEverywhere(door, async ({ username, state, told }, password) => {
      // Mosquitto knows no ends: it is told when the moment has come.
      if (state === 'expired')
        await eventually(async () =>
          (await door.types(username)).includes('CredentialDeactivated') ? true : undefined,
        );
      const version = versions[turn++ % versions.length] as Version;
      const client = await connected(world.mqtt.port, {
        ...{ version, username, password },
        clientId: newName('client'),
      });
      client.end();
      const refused = version === 5 ? 0x87 : 5;
      assert.is(client.code, told === '201' ? 0 : refused, `${username} by MQTT ${version}`);
    });
  } finally {
    await world.stop();
  }
});

test.run();
