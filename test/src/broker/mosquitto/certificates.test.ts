/** A real Mosquitto that lets clients in by their certificates (`use_identity_as_username`): what ends access there, and how soon. */

import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { callOverTls, certifiedClient, certify } from '../../../support/certificate-in-hand.ts';
import { type CredentialKind, certified, mqttRights } from '../../../support/certified.ts';
import { newCsr } from '../../../support/csr.ts';
import { type Door, doorOf, strong } from '../../../support/door.ts';
import { madeBefore } from '../../../support/made-before.ts';
import {
  type Connect,
  connected,
  connectPacket,
  programIsHere,
  publish,
  rawMqttOver,
  subscribed,
  until,
} from '../../../support/mqtt-peers.ts';
import { startRegistry, type World } from '../../../support/service.ts';
import { skipped } from '../../../support/skipped.ts';
import { assert, suite } from '../../../support/suite.ts';
import { type MosquittoPeer, mosquittoIsHere, mosquittoPeer } from './peer.ts';

interface Here {
  world: World;
  door: Door;
  peer: MosquittoPeer;
  files: string;
}
type Client = Awaited<ReturnType<typeof certified>>;

const test = suite<Here>('client certificates at Mosquitto');
const isHere = mosquittoIsHere() && programIsHere('openssl', 'version');
if (!isHere) skipped('no mosquitto here');

const when = (name: string, run: (here: Here) => Promise<void>) =>
  test(name, async (here) => {
    if (isHere) await run(here);
  });

test.before(async (here) => {
  if (!isHere) return;
  here.files = await mkdtemp(join(tmpdir(), 'gatebook-files-'));
  here.peer = await mosquittoPeer({ certificateFiles: here.files });
  here.world = await startRegistry({
    GATEBOOK_BROKER: here.peer.socketSetting,
    GATEBOOK_CERTIFICATE_FILES_DIR: here.files,
    GATEBOOK_CERTIFICATE_FILES_EXEC: here.peer.reload,
  });
  here.door = doorOf(here.world);
  await here.door.unlock({ maxRequests: 1_000 });
  await here.peer.startTls();
  await until(() => here.world.running.app.health()['broker:mosquitto'] === 'up');
});
test.after(async ({ world, peer, files }) => {
  await world?.stop();
  await peer?.clean();
  if (isHere) await rm(files, { recursive: true, force: true });
});

/** Without a session it was closed before its CONNACK: refused where TLS says so, which 1.3 does only after the client's own part. */
async function entering(
  { peer }: Here,
  { identity }: Pick<Client, 'identity'>,
  options: Connect = {},
) {
  let isRefused = false;
  const socket = connectTls({ ...identity, port: peer.tlsPort, rejectUnauthorized: false });
  socket.on('error', ({ code }: NodeJS.ErrnoException) => {
    isRefused ||= code?.includes('ALERT') === true;
  });
  const raw = rawMqttOver(socket, 5);
  try {
    await Promise.race([once(socket, 'secureConnect'), raw.closed.then(() => Promise.reject())]);
    raw.send(connectPacket({ version: 5, clientId: '', ...options }));
    const connack = await raw.take('connack');
    const session = { ...raw, socket: socket as TLSSocket, code: connack.reasonCode ?? -1 };
    return { session, isRefused };
  } catch {
    socket.destroy();
    return { session: null, isRefused };
  }
}

/** Null: it was closed before its CONNACK. */
const enters = async (...attempt: Parameters<typeof entering>) =>
  (await entering(...attempt)).session;

/** Asked again where it was closed for something else than its certificate. */
async function codeOf(...attempt: Parameters<typeof entering>): Promise<number | 'no handshake'> {
  for (let tries = 0; ; tries++) {
    const { session, isRefused } = await entering(...attempt);
    session?.end();
    if (session !== null) return session.code;
    if (isRefused) return 'no handshake';
    assert.ok(tries < 1_000, 'closed each time before its CONNACK, and never refused');
  }
}

/** Mosquitto is told to read the list, which on a busy machine it has done after the answer came. */
async function shutOut(here: Here, client: Pick<Client, 'identity'>): Promise<void> {
  for (let tries = 0; (await codeOf(here, client)) !== 'no handshake'; tries++)
    assert.ok(tries < 1_000, 'it still comes in');
}

async function mayPublish(client: NonNullable<Awaited<ReturnType<typeof enters>>>) {
  client.send(publish('plant/x', 'hello', { qos: 1 }));
  return ((await client.take('puback')).reasonCode ?? 0) < 0x80;
}

const kinds: readonly CredentialKind[] = ['key', 'both', 'added'];

when(
  'a certificate opens with the rights that were granted; a password beside a key does not',
  async (here) => {
    for (const kind of kinds) {
      const client = await certified(here.world, here.door, kind);
      const session = await enters(here, client);
      assert.is(session?.code, 0, kind);
      if (session === null) continue;
      assert.is(await mayPublish(session), true, kind);
      assert.equal(await subscribed(session as never, ['plant/#', 'other/#']), [1, 0x87]);
      session.end();
      if (client.password === null) continue;
      const { username, password } = client;
      const plain = await connected(here.peer.port, { version: 5, username, password });
      plain.end();
      assert.is(plain.code, kind === 'added' ? 0 : 0x87, kind);
    }
  },
);

const replace = async (door: Door, username: string) => {
  await door.ask(username, strong());
  const one = (await door.requestsOf(username)).find(
    ({ kind }: { kind: string }) => kind === 'replacement',
  );
  await door.grant(one.requestId, mqttRights);
};
const ends: Record<string, (door: Door, username: string) => Promise<unknown>> = {
  revoke: (door, username) => door.change(username, 'revoke'),
  suspend: (door, username) => door.change(username, 'suspend'),
  rotate: (door, username) => door.change(username, 'rotate'),
  erase: (door, username) => door.change(username, 'erase'),
  replacement: replace,
  'the end of access': () => Promise.resolve(),
};

for (const [name, end] of Object.entries(ends))
  when(`${name} ends the session, and the certificate does not come in again`, async (here) => {
    const stored = { clean: true, properties: { sessionExpiryInterval: 3_600 } };
    const enter = async (rights: object) => {
      const client = await certified(here.world, here.door, 'key', { rights });
      const session = await enters(here, client, { clientId: client.username, ...stored });
      assert.is(session?.code, 0);
      assert.equal(await subscribed(session as never, ['plant/#']), [1]);
      return { client, session: session as NonNullable<typeof session> };
    };
    const { client, session } =
      name === 'the end of access'
        ? (await madeBefore(1_500, (expiresAt) => enter({ expiresAt }))).made
        : await enter({});
    const began = performance.now();
    const ended = end(here.door, client.username);
    await session.closed;
    const closedMs = performance.now() - began;
    // Until Mosquitto has read the list, whoever comes back can do nothing.
    let tries = 0;
    for (; tries < 1_000; tries++) {
      const again = await enters(here, client, { clientId: client.username, clean: false });
      if (again === null && (await codeOf(here, client)) === 'no handshake') break;
      if (again === null) continue;
      if (again.code === 0) {
        again.send(publish('plant/x', 'hello', { qos: 1 }));
        const answer = await Promise.race([
          again.take('puback').catch(() => null),
          again.closed.then(() => null),
        ]);
        assert.ok(answer === null || (answer.reasonCode ?? 0) >= 0x80, `${name}: published`);
        assert.equal(
          again.received.filter(({ cmd }) => cmd === 'publish'),
          [],
        );
      }
      again.end();
    }
    const outMs = performance.now() - began;
    await ended;
    assert.is(await codeOf(here, client), 'no handshake');
    console.log(
      `  ${name}: closed after ${Math.round(closedMs)} ms, out after ${Math.round(outMs)} ms (${tries} connects without rights)`,
    );
  });

when('whoever stays in while the list is read again is closed after it', async (here) => {
  const client = await certified(here.world, here.door, 'key');
  const first = await enters(here, client);
  const revoking = here.door.change(client.username, 'revoke');
  await first?.closed;
  const second = await enters(here, client);
  await revoking;
  await second?.closed;
  await shutOut(here, client);
});

when(
  'renewed, both come in until the next one is taken, and the old one no more after that',
  async (here) => {
    const first = await certify(here, mqttRights);
    const { username, keys } = first;
    const { csr } = newCsr(username, keys);
    const renewal = '/api/client-registry/certificate';
    const { status, body } = await callOverTls(here.world, first, renewal, { body: { csr } });
    assert.is(status, 201);
    const next = certifiedClient(username, keys, body.certificate);
    const [old, fresh] = [
      await enters(here, { identity: first }),
      await enters(here, { identity: next }),
    ];
    assert.equal([old?.code, fresh?.code], [0, 0]);
    await callOverTls(here.world, next, '/api/client-registry/requests/self');
    await Promise.all([old?.closed, fresh?.closed]);
    await shutOut(here, { identity: first });
    const again = await enters(here, { identity: next });
    assert.is(again?.code, 0);
    if (again !== null) assert.is(await mayPublish(again), true);
    again?.end();
  },
);

when('resumed, it comes in again', async (here) => {
  const client = await certified(here.world, here.door, 'key');
  await here.door.change(client.username, 'suspend');
  await shutOut(here, client);
  await here.door.change(client.username, 'resume');
  for (let tries = 0; ; tries++) {
    const again = await enters(here, client);
    if (again === null && tries < 1_000) continue;
    assert.is(again?.code, 0);
    if (again !== null) assert.is(await mayPublish(again), true);
    again?.end();
    return;
  }
});

test.run();
