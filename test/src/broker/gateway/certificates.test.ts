/** Client certificates before a private Mosquitto: the gateway judges them, and the broker learns of what was judged alone. */
import { setTimeout as sleep } from 'node:timers/promises';
import { type CredentialKind, certified, mqttRights } from '../../../support/certified.ts';
import { type Door, doorOf, strong } from '../../../support/door.ts';
import { connectedOverTls } from '../../../support/mqtt-over-tls.ts';
import {
  type Connect,
  connected,
  programIsHere,
  publish,
  subscribed,
  until,
  type Version,
  versions,
} from '../../../support/mqtt-peers.ts';
import { startRegistry, type World } from '../../../support/service.ts';
import { assert, suite } from '../../../support/suite.ts';
import { selfSigned } from '../../../support/tls.ts';
import { mosquittoIsHere, mosquittoPeer } from '../mosquitto/peer.ts';

interface Here {
  world: World;
  door: Door;
}
type Client = Awaited<ReturnType<typeof certified>>;

const test = suite<Here>('client certificates at a private Mosquitto');
const isHere = programIsHere('mosquitto', '-h');

const when = (name: string, run: (here: Here) => Promise<void>) =>
  test(name, async (here) => {
    if (isHere) await run(here);
  });

test.before(async (here) => {
  if (!isHere) return;
  here.world = await startRegistry({
    GATEBOOK_BROKER: 'mosquitto',
    GATEBOOK_MQTT_TLS_PORT: '0',
    GATEBOOK_MQTT_WSS_PORT: '0',
  });
  here.door = doorOf(here.world);
  await here.door.unlock({ maxRequests: 1_000 });
});
test.after(async ({ world }) => {
  if (isHere) await world.stop();
});

/** By its certificate, unless told otherwise. */
async function enters(
  { world }: Here,
  { identity }: Pick<Client, 'identity'>,
  options: Connect = {},
  listener = 'mqtts',
) {
  const url = world.running.ready[listener] as string;
  const ca = world.running.app.ca.chainPem;
  return await connectedOverTls(url, { ca, ...identity }, { version: 5, clientId: '', ...options });
}

const codeOf = async (...attempt: Parameters<typeof enters>): Promise<number> => {
  const client = await enters(...attempt);
  client.end();
  return client.code;
};

/** The gateway learns a moment later that a client has gone. */
async function eventuallyIs(code: number, connect: () => ReturnType<typeof connected>) {
  for (let tries = 0; ; tries++) {
    const client = await connect();
    client.end();
    if (client.code === code) return;
    assert.ok(tries < 100, `still ${client.code}`);
    await sleep(20);
  }
}

/** The broker is told of a new certificate a moment after its client. */
async function entersSoon(...attempt: Parameters<typeof enters>) {
  for (let tries = 0; ; tries++) {
    const client = await enters(...attempt);
    if (client.code !== 0x88 || tries === 100) return client;
    client.end();
    await sleep(20);
  }
}

async function active(here: Here, kind: CredentialKind): Promise<Client> {
  const client = await certified(here.world, here.door, kind);
  const opened = await entersSoon(here, client);
  assert.is(opened.code, 0, kind);
  opened.end();
  return client;
}

when('a certificate opens alone, or beside a password that is right', async (here) => {
  for (const kind of ['key', 'both', 'added'] as const) {
    const client = await active(here, kind);
    const { username, password } = client;
    assert.is(await codeOf(here, client, {}, 'wss'), 0);
    assert.is(await codeOf(here, client, { username }), 0);
    assert.is(await codeOf(here, client, { username: 'somebody' }), 0x87);
    assert.is(await codeOf(here, client, { username, password: strong() }), 0x87);
    if (password !== null) assert.is(await codeOf(here, client, { username, password }), 0);
  }
});

when('a password beside a key is no way in, and one that a key was added to is', async (here) => {
  for (const [kind, code] of [
    ['both', 0x87],
    ['added', 0],
    ['password', 0],
  ] as const) {
    const { username, password } =
      kind === 'password' ? await certified(here.world, here.door, kind) : await active(here, kind);
    const options = { username, password: password as string, version: 5, clientId: '' } as const;
    const plain = await connected(here.world.mqtt.port, options);
    plain.end();
    assert.is(plain.code, code, kind);
    assert.is(await codeOf(here, { identity: null }, options), code, kind);
    const wrong = { ...options, password: strong() };
    assert.is(await codeOf(here, { identity: null }, wrong), 0x87, kind);
  }
});

when('it publishes and reads by its rights, in every version of MQTT', async (here) => {
  const client = await active(here, 'key');
  for (const version of versions) {
    const will = {
      topic: 'plant/will',
      payload: Buffer.from('gone'),
      qos: 1,
      retain: false,
    } as const;
    const session = await enters(here, client, { version, clientId: `of-press-${version}`, will });
    assert.is(session.code, 0);
    // MQTT 3.1 has no code for it: Mosquitto grants, and sends nothing.
    const refused = { 3: 1, 4: 0x80, 5: 0x87 }[version];
    assert.equal(await subscribed(session as never, ['plant/#', 'other/#']), [1, refused]);
    session.send(publish('plant/x', `by ${version}`, { qos: 1 }));
    assert.is(String((await session.take('publish')).payload), `by ${version}`);
    session.end();
  }
});

when(
  'what ends access ends the session, and the certificate does not come in again',
  async (here) => {
    for (const change of ['suspend', 'revoke', 'rotate', 'erase'] as const) {
      const client = await active(here, 'key');
      const session = await enters(here, client);
      const began = performance.now();
      await here.door.change(client.username, change);
      await session.closed;
      console.log(`  ${change}: closed after ${Math.round(performance.now() - began)} ms`);
      assert.is(await codeOf(here, client), 0x87, change);
      if (change !== 'suspend') continue;
      await here.door.change(client.username, 'resume');
      const again = await entersSoon(here, client);
      assert.is(again.code, 0);
      again.end();
    }
  },
);

when(
  'a certificate of ours that is good no more refuses, whatever password comes along',
  async (here) => {
    const client = await active(here, 'added');
    const { username, password } = client;
    await here.door.ask(username, strong());
    const [one] = (await here.door.requestsOf(username)).filter(
      ({ kind }: { kind: string }) => kind === 'replacement',
    );
    const session = await enters(here, client);
    await here.door.grant(one.requestId, mqttRights);
    await session.closed;
    assert.is(await codeOf(here, client), 0x87);
    assert.is(await codeOf(here, client, { username, password: password as string }), 0x87);
  },
);

when('the end of the certificate ends the session that it opened', async () => {
  const world = await startRegistry({
    ...{ GATEBOOK_BROKER: 'mosquitto', GATEBOOK_MQTT_TLS_PORT: '0' },
    GATEBOOK_CERTIFICATE_TTL: '3s',
  });
  try {
    const here = { world, door: doorOf(world) };
    await here.door.unlock();
    const client = await active(here, 'added');
    const { username, password } = client;
    const session = await enters(here, client);
    const byPassword = await connected(world.mqtt.port, {
      ...{ username, password: password as string, version: 5, clientId: 'by-password' },
    });
    assert.equal([session.code, byPassword.code], [0, 0]);
    await session.closed;
    byPassword.send({ cmd: 'pingreq' });
    await byPassword.take('pingresp');
    byPassword.end();
    assert.is(await codeOf(here, client), 0x87);
  } finally {
    await world.stop();
  }
});

when(
  'before a Mosquitto of somebody else whose accounts the registry keeps it is the same',
  async () => {
    if (!mosquittoIsHere()) return;
    const peer = await mosquittoPeer();
    const { key, cert } = await selfSigned();
    const world = await startRegistry({
      GATEBOOK_BROKER: peer.socketSetting,
      GATEBOOK_GATEWAY_UPSTREAM: `mqtt://127.0.0.1:${peer.port}`,
      ...{ GATEBOOK_GATEWAY_PORT: '0', GATEBOOK_GATEWAY_TLS_PORT: '0' },
      ...{ GATEBOOK_GATEWAY_TLS_KEY: key, GATEBOOK_GATEWAY_TLS_CERT: cert },
    });
    try {
      const door = doorOf(world);
      await door.unlock();
      await until(() => world.running.app.health()['broker:mosquitto'] === 'up');
      const { username, password, identity } = await certified(world, door, 'both');
      const comes = (more: Connect = {}) =>
        connectedOverTls(
          world.running.ready.gatewayTls as string,
          { ca: cert, ...identity },
          { version: 5, clientId: '', ...more },
        );
      let session = await comes();
      for (let tries = 0; session.code === 0x88 && tries < 100; tries++) session = await comes();
      assert.is(session.code, 0);
      const alone = { version: 5, username, password: password as string } as const;
      for (const port of [peer.port, Number(new URL(world.running.ready.gateway as string).port)]) {
        const byPassword = await connected(port, alone);
        byPassword.end();
        assert.is(byPassword.code, 0x87);
      }
      await door.change(username, 'revoke');
      await session.closed;
      assert.is((await comes()).code, 0x87);
    } finally {
      await world.stop();
      await peer.clean();
    }
  },
);

for (const mode of ['certificate', 'both'] as const)
  when(`${mode}: what opens at the embedded broker opens here`, async () => {
    const settings = { GATEBOOK_MQTT_PORT: 'off', GATEBOOK_MQTT_WS_PORT: 'off' };
    const world = await startRegistry({
      ...{ ...settings, GATEBOOK_BROKER: 'mosquitto', GATEBOOK_MQTT_TLS_PORT: '0' },
      GATEBOOK_MQTT_TLS_CLIENT_AUTH: mode,
    });
    try {
      const here = { world, door: doorOf(world) };
      await here.door.unlock();
      const client = await certified(world, here.door, 'both');
      const { username, password } = client;
      const both = { username, password: password as string };
      const opened = await entersSoon(here, client, both);
      assert.is(opened.code, 0);
      opened.end();
      assert.is(await codeOf(here, client), mode === 'both' ? 0x87 : 0);
      assert.is(await codeOf(here, { identity: null }, both), 0x87);
      for (const version of versions as readonly Version[])
        assert.is(
          await codeOf(here, { identity: null }, { version, clientId: 'press-0' }),
          version === 5 ? 0x87 : 5,
        );
    } finally {
      await world.stop();
    }
  });

when(
  'nobody else takes a client id over, of a client that is here or keeps a session',
  async (here) => {
    const { world, door } = here;
    const someone = async () => {
      const client = await certified(world, door, 'password');
      return { username: client.username, password: client.password as string };
    };
    const [ada, ben] = [await someone(), await someone()];
    const comes = (who: typeof ada, version: Version, clientId: string, clean = true) =>
      connected(world.mqtt.port, { ...who, version, clientId, clean });
    for (const version of versions) {
      const [taken, refused] = version === 5 ? [0x85, 0x87] : [2, 5];
      const first = await comes(ada, version, `of-ada-${version}`);
      assert.is(first.code, 0);
      assert.is((await comes(ben, version, `of-ada-${version}`)).code, taken);
      const wrong = { ...ben, password: strong() };
      assert.is((await comes(wrong, version, `of-ada-${version}`)).code, refused);
      assert.is((await comes(ben, version, ada.username)).code, taken);
      first.send({ cmd: 'pingreq' });
      await first.take('pingresp');
      const again = await comes(ada, version, `of-ada-${version}`);
      assert.is(again.code, 0);
      await first.closed;
      again.send({ cmd: 'disconnect' });
      await again.closed;
      await eventuallyIs(0, () => comes(ben, version, `of-ada-${version}`));
    }
    const keeps = await comes(ada, 4, 'kept', false);
    keeps.send({ cmd: 'disconnect' });
    await keeps.closed;
    assert.is((await comes(ben, 4, 'kept')).code, 2);
    const back = await comes(ada, 4, 'kept', false);
    assert.is(back.connack.sessionPresent, true);
    back.send({ cmd: 'disconnect' });
    await back.closed;
    await door.command(`/api/users/${ada.username}/revoke`, {});
    assert.is((await comes(ben, 4, 'kept')).code, 0);
  },
);

test.run();
