/** What ends a client's certificate ends its sessions at once, by TLS and by secure WebSocket. */

import { type Certified, certified, mqttRights } from '../../support/certified.ts';
import { type Door, doorOf, strong } from '../../support/door.ts';
import { madeBefore } from '../../support/made-before.ts';
import { connectedOverTls } from '../../support/mqtt-over-tls.ts';
import { startRegistry, type World } from '../../support/service.ts';
import { assert, suite } from '../../support/suite.ts';

interface Here {
  world: World;
  door: Door;
}

const test = suite<Here>('sessions by certificate');

test.before(async (here) => {
  here.world = await startRegistry({
    ...{ GATEBOOK_MQTT_TLS_PORT: '0', GATEBOOK_MQTT_WSS_PORT: '0' },
    GATEBOOK_SOURCE_ATTEMPTS_PER_MINUTE: '0',
  });
  here.door = doorOf(here.world);
  await here.door.unlock();
});
test.after(({ world }) => world.stop());

const ends: Record<string, (door: Door, username: string) => Promise<unknown>> = {
  revoke: (door, username) => door.change(username, 'revoke'),
  suspend: (door, username) => door.change(username, 'suspend'),
  erase: (door, username) => door.change(username, 'erase'),
  rotate: (door, username) => door.change(username, 'rotate'),
  'the end of access': () => Promise.resolve(),
  async replacement(door, username) {
    assert.is((await door.ask(username, strong())).status, 409);
    const requests = await door.requestsOf(username);
    const one = requests.find(({ kind }: { kind: string }) => kind === 'replacement');
    await door.grant(one.requestId, mqttRights);
  },
};

for (const [name, end] of Object.entries(ends))
  test(`${name} closes them, and the certificate opens nothing any more`, async ({
    world,
    door,
  }) => {
    const ca = world.running.app.ca.chainPem;
    const connect = (
      { identity }: Pick<Certified, 'identity'>,
      listener: 'mqtts' | 'wss',
      clientId: string,
    ) =>
      connectedOverTls(
        world.running.ready[listener] as string,
        { ca, ...identity },
        { version: 5, clientId },
      );
    const enter = async (rights: object) => {
      const client = await certified(world, door, 'key', { rights });
      const sessions = await Promise.all([
        connect(client, 'mqtts', `${client.username}-tls`),
        connect(client, 'wss', `${client.username}-wss`),
      ]);
      assert.equal(
        sessions.map(({ code }) => code),
        [0, 0],
      );
      return { client, sessions };
    };
    const { client, sessions } =
      name === 'the end of access'
        ? (await madeBefore(2_500, (expiresAt) => enter({ expiresAt }))).made
        : await enter({});
    await end(door, client.username);
    for (const session of sessions) {
      assert.is((await session.take('disconnect')).reasonCode, 0x98);
      await session.closed;
    }
    assert.is((await connect(client, 'mqtts', '')).code, 0x87);
  });

test.run();
