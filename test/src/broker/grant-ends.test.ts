/** A grant ends by itself at every broker: with its live sessions, also where the process was down at that moment. */
import { setTimeout as sleep } from 'node:timers/promises';
import { doorOf, newName, strong } from '../../support/door.ts';
import { connected, until } from '../../support/mqtt-peers.ts';
import { skipped } from '../../support/skipped.ts';
import { assert, suite } from '../../support/suite.ts';
import { mosquittoIsHere } from './mosquitto/peer.ts';
import { type Beside, besideMosquitto, may } from './mosquitto/world.ts';

const test = suite('ends of grants at brokers');
const isHere = mosquittoIsHere();
if (!isHere) skipped('no mosquitto here');
let beside: Beside;

test.before(async () => {
  if (!isHere) return;
  beside = await besideMosquitto();
  await beside.unlock();
});
test.after(async () => {
  if (isHere) await beside.clean();
});

const when = (name: string, run: () => Promise<void>) =>
  test(name, async () => {
    if (isHere) await run();
  });

/** A client with live sessions at both brokers, whose access ends so many milliseconds from now. */
async function connectedForAWhile(lastsMs: number) {
  const { world, peer } = beside;
  const [username, password] = [newName(), strong()];
  const requestId = await beside.asked(username, password);
  await beside.staged(username);
  const expiresAt = new Date(Date.now() + lastsMs).toISOString();
  const granted = await doorOf(world).grant(requestId, {
    permissions: [may('readWrite', 'plant/#')],
    expiresAt,
  });
  assert.equal(
    granted.body.activations.map(({ status }: { status: string }) => status),
    ['active', 'active'],
  );
  const connect = (port: number) =>
    connected(port, { username, password, clientId: username, version: 5 });
  const embedded = await connect(world.mqtt.port);
  const mosquitto = await connect(peer.port);
  assert.equal([embedded.code, mosquitto.code], [0, 0]);
  return { username, expiresAt, connect, embedded, mosquitto };
}

const deactivations = async (username: string) => {
  const events = await doorOf(beside.world).events(username);
  return events
    .filter(({ type }: { type: string }) => type === 'CredentialDeactivated')
    .map(({ data }: { data: { broker: string } }) => data.broker)
    .sort();
};
const endedOnce = async (username: string, expiresAt: string) => {
  const events = await doorOf(beside.world).events(username);
  const ends = events.filter(({ type }: { type: string }) => type === 'AccessExpired');
  assert.is(ends.length, 1);
  assert.ok(ends[0].at >= expiresAt);
  assert.equal(ends[0].actor, { kind: 'system', name: 'gatebook' });
};
const bothTold = async (username: string) => {
  for (let tries = 0; (await deactivations(username)).length < 2; tries++) {
    assert.ok(tries < 200, 'both brokers tell that it is over');
    await sleep(20);
  }
  assert.equal(await deactivations(username), ['embedded', 'mosquitto']);
};

when('sessions are closed and nobody comes in again, while the process runs', async () => {
  const { username, expiresAt, connect, embedded, mosquitto } = await connectedForAWhile(1_500);
  await Promise.all([embedded.closed, mosquitto.closed]);
  assert.ok(Date.now() >= Date.parse(expiresAt));
  await bothTold(username);
  await endedOnce(username, expiresAt);
  assert.is((await connect(beside.world.mqtt.port)).code, 0x87);
  assert.is((await connect(beside.peer.port)).code, 0x87);
});

when('where the process was down, a broker beside it is told at the next start', async () => {
  const { username, expiresAt, connect, mosquitto } = await connectedForAWhile(1_500);
  let isOpen = true;
  void mosquitto.closed.then(() => (isOpen = false));
  await beside.world.running.stop();
  await sleep(Math.max(0, Date.parse(expiresAt) - Date.now()) + 50);
  assert.is(isOpen, true, 'nobody was there to tell Mosquitto');
  await beside.world.restart();
  await until(() => !isOpen);
  await bothTold(username);
  await endedOnce(username, expiresAt);
  assert.is((await connect(beside.world.mqtt.port)).code, 0x87);
  assert.is((await connect(beside.peer.port)).code, 0x87);
});

when('where Mosquitto was down, it is told when it is back', async () => {
  const { username, expiresAt, connect } = await connectedForAWhile(1_500);
  await beside.peer.kill();
  await sleep(Math.max(0, Date.parse(expiresAt) - Date.now()) + 150);
  await beside.peer.start();
  await bothTold(username);
  await endedOnce(username, expiresAt);
  assert.is((await connect(beside.peer.port)).code, 0x87);
});

test.run();
