/** What is read of plain packets is what mqtt-packet reads of them, however they come in pieces. */
import { generate, type IConnectPacket, type Packet, parser } from 'mqtt-packet';
import {
  type PacketParser,
  parsingPlainly,
  plainConnect,
} from '../../../../../src/broker/embedded/fairness/plain-packets.ts';
import { publish, type Version, versions } from '../../../../support/mqtt-peers.ts';
import { assert, suite } from '../../../../support/suite.ts';

const test = suite('embedded broker: plain packets');

const settings = (version: Version) => ({ protocolVersion: version });

/** What is emitted for these pieces, packets and errors in their order; a field without a value is none. */
function read(version: Version, pieces: readonly Buffer[], isPlain: boolean) {
  const parsing = parser(settings(version)) as unknown as PacketParser & NodeJS.EventEmitter;
  const told: unknown[] = [];
  parsing.on('packet', (packet: object) =>
    told.push(
      Object.fromEntries(Object.entries(packet).filter(([, value]) => value !== undefined)),
    ),
  );
  parsing.on('error', (error: Error) => told.push(error.message));
  const parse = isPlain ? parsingPlainly(parsing, () => true) : parsing.parse.bind(parsing);
  // Whoever reads on closes the connection at an error.
  for (const piece of pieces) if (parsing.error === null) parse(Buffer.from(piece));
  return told;
}

/** Numbers that look like chance, the same in every run. */
function chance(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    return Math.floor((state / 2_147_483_648) * below);
  };
}

function cut(bytes: Buffer, lot: (below: number) => number): Buffer[] {
  const pieces: Buffer[] = [];
  for (let at = 0; at < bytes.length; ) {
    const end = at + 1 + lot(lot(3) === 0 ? 4 : 600);
    pieces.push(bytes.subarray(at, end));
    at = end;
  }
  return pieces;
}

function somePacket(lot: (below: number) => number): Packet {
  const messageId = lot(65_536);
  const kind = lot(12);
  if (kind === 0) return { cmd: 'pingreq' };
  if (kind === 1) return { cmd: 'pubrel', messageId: messageId || 1 };
  if (kind === 2)
    return { cmd: 'subscribe', messageId: 1 + lot(9), subscriptions: [{ topic: 'a/+', qos: 1 }] };
  if (kind < 5) return { cmd: 'puback', messageId: messageId || 1 };
  const length = [0, 1, 100, 118, 119, 120, 121, 122, 127, 128, 300, 17_000][lot(12)] as number;
  return {
    ...publish('plant/ä'.slice(0, 1 + lot(7)), 'x'.repeat(length), { qos: lot(3) as 0 | 1 | 2 }),
    ...{ messageId: messageId || 1, retain: lot(2) === 0, dup: lot(2) === 0 },
    ...(lot(8) === 0 ? { properties: { responseTopic: 'a' } } : {}),
  } as Packet;
}

for (const version of versions) {
  test(`version ${version}: packets of all kinds, in any pieces`, () => {
    for (let seed = 1; seed <= 100; seed++) {
      const lot = chance(seed);
      const bytes = Buffer.concat(
        Array.from({ length: 1 + lot(30) }, () => generate(somePacket(lot), settings(version))),
      );
      const pieces = cut(bytes, lot);
      assert.equal(read(version, pieces, true), read(version, pieces, false), `seed ${seed}`);
    }
  });

  test(`version ${version}: bytes of which some are wrong`, () => {
    for (let seed = 1; seed <= 500; seed++) {
      const lot = chance(seed);
      const bytes = Buffer.concat(
        Array.from({ length: 1 + lot(6) }, () => generate(somePacket(lot), settings(version))),
      ).subarray(0, 500);
      for (let fault = lot(4); fault >= 0; fault--) bytes[lot(bytes.length)] = lot(256);
      const pieces = cut(bytes, lot);
      // By single bytes: else mqtt-packet reads on behind a packet that is too short.
      const singly = [...bytes].map((byte) => Buffer.from([byte]));
      assert.equal(read(version, pieces, true), read(version, singly, false), `seed ${seed}`);
    }
  });
}

test('what may not be plain yet is parsed by mqtt-packet alone', () => {
  const parsing = parser(settings(4)) as unknown as PacketParser & NodeJS.EventEmitter;
  const byParser: unknown[] = [];
  parsing.on('packet', (packet) => byParser.push(packet.constructor.name));
  let isPlain = false;
  const parse = parsingPlainly(parsing, () => isPlain);
  parse(generate(publish('a', 'x')));
  isPlain = true;
  parse(generate(publish('a', 'x')));
  assert.equal(byParser, ['Packet', 'Object']);
});

/** What mqtt-packet reads of a CONNECT that is plain; null: of anything else. */
function plainlyParsed(bytes: Buffer) {
  const [packet, ...more] = read(4, [bytes], false) as IConnectPacket[];
  const { cmd, will, properties, clean, clientId, username, password } = packet ?? {};
  if (cmd !== 'connect' || more.length > 0 || will !== undefined || properties !== undefined)
    return null;
  if (clean !== true || clientId === '') return null;
  const { protocolVersion: version, keepalive: keepAliveSeconds } = packet as IConnectPacket;
  return { version, keepAliveSeconds, clientId, username, password };
}

function someConnect(lot: (below: number) => number, version: Version): Buffer {
  const text = () => 'gerät-1'.slice(0, 1 + lot(7)).repeat(1 + lot(30));
  return generate(
    {
      ...{ cmd: 'connect', protocolVersion: version, clean: lot(6) > 0, keepalive: lot(65_536) },
      ...{ protocolId: version === 3 ? 'MQIsdp' : 'MQTT', clientId: text() },
      ...[{}, { username: text() }, { username: text(), password: Buffer.from(text()) }][lot(3)],
      ...(lot(6) === 0
        ? { will: { topic: 'a', payload: Buffer.from('b'), qos: 1, retain: false } }
        : {}),
      ...(version === 5 && lot(4) === 0 ? { properties: { receiveMaximum: 9 } } : {}),
    } as Packet,
    settings(version),
  );
}

for (const version of versions)
  test(`version ${version}: a plain CONNECT is read as mqtt-packet reads it, and nothing else as one`, () => {
    for (let seed = 1; seed <= 500; seed++) {
      const lot = chance(seed);
      const bytes = someConnect(lot, version);
      assert.equal(plainConnect(bytes), plainlyParsed(bytes), `seed ${seed}`);
      assert.equal(plainConnect(bytes.subarray(0, lot(bytes.length))), null, `seed ${seed}, cut`);
      assert.equal(plainConnect(Buffer.concat([bytes, bytes.subarray(0, 1 + lot(9))])), null);
      for (let fault = lot(3); fault >= 0; fault--) bytes[lot(bytes.length)] = lot(256);
      const found = plainConnect(bytes);
      if (found !== null) assert.equal(found, plainlyParsed(bytes), `seed ${seed}, wrong bytes`);
    }
  });

test.run();
