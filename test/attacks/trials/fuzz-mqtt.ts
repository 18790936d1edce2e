/** MQTT with what is nearly right, before the CONNECT and as a client that was let in: it goes on for everybody else. */
import { connect, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { generate, type Packet } from 'mqtt-packet';
import { connected, connectPacket, subscribed } from '../../support/mqtt-peers.ts';
import { newFolder, removeFolder, type Served, serve } from '../../support/process.ts';
import type { Chance } from '../../trials/random.ts';
import type { Given, Told, Trial } from '../../trials/trial.ts';
import { mutatedBytes } from '../mutate.ts';

const inputsWhole = 1_000_000;
const atOnce = 24;
/** Inputs over one connection, unless it is closed before. */
const inputsAConnection = 20;
const goodEvery = 5_000;
const username = 'fuzzing';
const password = '0123456789abcdef0123456789abcdef';
const other = { username: 'bystander', password: 'fedcba9876543210fedcba9876543210' };

const corpus = (chance: Chance): Packet[] => {
  const topic = chance.pick([
    ...[
      'plant/fuzzing/a',
      'plant/bystander/a',
      '$SYS/x',
      '$share/g/plant/#',
      '#',
      '+',
      'a/\0/b',
      '',
    ],
    ...['/'.repeat(200), 'x'.repeat(5_000), 'gatebook/registry', '$CONTROL/dynamic-security/v1'],
  ]);
  const [qos, messageId] = [chance.pick([0, 1, 2] as const), chance.below(65_536)];
  const payload = 'x'.repeat(chance.pick([0, 1, 500, 60_000]));
  return [
    { cmd: 'publish', topic, payload, qos, messageId, retain: chance.is(0.3), dup: false },
    { cmd: 'subscribe', messageId, subscriptions: [{ topic, qos }] },
    { cmd: 'unsubscribe', messageId, unsubscriptions: [topic] },
    ...(['puback', 'pubrec', 'pubrel', 'pubcomp'] as const).map(
      (cmd): Packet => ({ cmd, messageId }),
    ),
    { cmd: 'pingreq' },
    { cmd: 'disconnect' },
    connectPacket({
      username,
      password,
      clientId: username,
      version: chance.pick([3, 4, 5] as const),
    }),
  ];
};

function inputOf(chance: Chance): Buffer {
  const packet = chance.pick(corpus(chance));
  let bytes: Buffer;
  try {
    bytes = generate(packet, { protocolVersion: chance.pick([4, 5]) });
  } catch {
    // The writer does not write such a one: by hand then.
    bytes = Buffer.from([chance.below(256), chance.below(256), chance.below(256)]);
  }
  return chance.is(0.75) ? mutatedBytes(chance, bytes) : bytes;
}

/** Somebody else publishes and hears it, as if nothing were. */
async function bystander({ mqttPort }: Served): Promise<boolean> {
  const client = await connected(mqttPort, { ...other, clientId: other.username });
  if (client.code !== 0) return false;
  const topic = `plant/${other.username}/good`;
  await subscribed(client, [topic]);
  client.send({ cmd: 'publish', topic, payload: 'good', qos: 0, dup: false, retain: false });
  const { payload } = await client.take('publish');
  client.end();
  return String(payload) === 'good';
}

async function attack(served: Served, chance: Chance): Promise<void> {
  const socket: Socket = connect(served.mqttPort, '127.0.0.1');
  socket.on('error', () => undefined);
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  const heard = new Promise<void>((resolve) => socket.once('data', () => resolve()));
  const isLetIn = chance.is(0.7);
  socket.resume();
  if (isLetIn) {
    const version = chance.pick([3, 4, 5] as const);
    const clientId = `fuzzing-${chance.below(50)}`;
    const packet = connectPacket({ username, password, clientId, version });
    socket.write(generate(packet, { protocolVersion: version }));
    await Promise.race([heard, closed]);
  }
  for (let count = 0; count < inputsAConnection && !socket.destroyed; count++)
    socket.write(inputOf(chance));
  await Promise.race([delay(20), closed]);
  socket.destroy();
}

async function admitted(served: Served, token: string): Promise<void> {
  const permissions = [
    { context: 'mqtt', operation: 'readWrite', resource: `plant/\${username}/#` },
  ];
  for (const one of [{ username, password }, other]) {
    const { status } = await served.call('POST', '/api/users', {
      token,
      body: { ...one, permissions },
    });
    if (status !== 201) throw new Error(`${one.username}: ${status}`);
  }
}

async function run({ chance, share }: Given): Promise<Told> {
  const inputs = Math.max(500, Math.round(inputsWhole * share));
  const dataDir = await newFolder();
  const violations: string[] = [];
  let left = inputs;
  let good = 0;
  try {
    const served = await serve(dataDir, {
      ...{ GATEBOOK_SOURCE_ATTEMPTS_PER_MINUTE: '0', GATEBOOK_HTTPS_PORT: '0' },
      GATEBOOK_LOG_LEVEL: 'error',
    });
    await admitted(served, await served.signIn());
    const one = async () => {
      while (left > 0 && violations.length === 0) {
        left -= inputsAConnection;
        await attack(served, chance);
      }
    };
    const watch = async () => {
      for (let due = left; left > 0; await delay(50)) {
        if (left > due) continue;
        due -= goodEvery;
        if (await bystander(served)) good++;
        else violations.push('somebody else cannot publish any more');
      }
    };
    await Promise.all([watch(), ...Array.from({ length: atOnce }, one)]);
    if (!(await bystander(served))) violations.push('afterwards nobody can publish');
    const said = (served.output.err + served.output.out)
      .split('\n')
      .filter((text) => /unhandled|uncaught|"level":"error"/i.test(text));
    violations.push(...said.slice(0, 5));
    served.kill('SIGTERM');
    if ((await served.ended) !== 0) violations.push('SIGTERM did not end it with 0');
  } finally {
    await removeFolder(dataDir);
  }
  return { rounds: inputs, figures: `somebody else published ${good} times meanwhile`, violations };
}

export const fuzzMqtt: Trial = {
  name: 'mqtt',
  title: 'fuzzed MQTT, before and after CONNECT',
  run,
};
