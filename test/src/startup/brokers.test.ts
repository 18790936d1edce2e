/** The service as it is built: a name is its owner's client id, and a limit that was reached is counted. */

import { doorOf } from '../../support/door.ts';
import { connected } from '../../support/mqtt-peers.ts';
import { startRegistry, type World } from '../../support/service.ts';
import { assert, suite } from '../../support/suite.ts';

const test = suite<{ world: World }>('the brokers of a service');
test.before(async (here) => {
  here.world = await startRegistry();
});
test.after(({ world }) => world.stop());

test("another client's name as a client id is refused and counted, that of a request is not", async ({
  world,
}) => {
  const door = doorOf(world);
  await door.unlock();
  const { username, password } = await door.active({});
  const waiting = await door.ask('waits-for-it', 'hunter-22');
  assert.is(waiting.status, 202);
  const codeAs = async (clientId: string) => {
    const client = await connected(world.mqtt.port, { username, password, clientId });
    client.end();
    return client.code;
  };
  assert.is(await codeAs('admin'), 2);
  assert.is(await codeAs('waits-for-it'), 0);
  assert.is(await codeAs(username), 0);
  const { body } = await world.call('GET', '/metrics');
  assert.match(body, 'gatebook_mqtt_limits_reached_total{limit="client-id"} 1\n');
});

test.run();
