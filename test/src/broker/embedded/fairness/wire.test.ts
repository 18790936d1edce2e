/** Packets that are encoded here are, byte for byte, those of mqtt-packet; they leave in their order, and nothing overtakes them. */
import { PassThrough } from 'node:stream';
import { setImmediate as turn } from 'node:timers/promises';
import { generate } from 'mqtt-packet';
import { Gathered } from '../../../../../src/broker/embedded/fairness/gathered.ts';
import { puback, publishOnWire } from '../../../../../src/broker/embedded/fairness/wire.ts';
import { mqttGatheredBytes } from '../../../../../src/limits/mqtt.ts';
import { assert, suite } from '../../../../support/suite.ts';

const test = suite('embedded broker: packets on the wire');

/** Lengths at which a PUBLISH gets a longer header, or its payload is no longer copied. */
const payloadLengths = [
  0,
  1,
  110,
  130,
  16_350,
  mqttGatheredBytes,
  mqttGatheredBytes + 1,
  2_097_150,
];

async function written(send: (gathered: Gathered) => void): Promise<Buffer[]> {
  const stream = new PassThrough({ highWaterMark: 8 * 1024 * 1024 });
  const pieces: Buffer[] = [];
  stream.on('data', (piece: Buffer) => pieces.push(piece));
  send(new Gathered(stream));
  await turn();
  await turn();
  return pieces;
}

let brokerCounter = 0;
const message = (topic: string, payload: Buffer | string, qos: 0 | 1 | 2, retain: boolean) => ({
  ...{ cmd: 'publish' as const, brokerId: 'broker', topic, payload, qos, retain, dup: false },
  brokerCounter: ++brokerCounter,
});

test('a PUBLISH is what mqtt-packet makes of it', async () => {
  for (const protocolVersion of [3, 4, 5] as const)
    for (const qos of [0, 1, 2] as const)
      for (const length of payloadLengths) {
        const packet = message(`plant/π/${qos}`, Buffer.alloc(length, length), qos, length === 1);
        const sent = Buffer.concat(
          await written((out) => out.add(publishOnWire(packet, protocolVersion), 0x1234)),
        );
        const expected = generate({ ...packet, messageId: 0x1234 }, { protocolVersion });
        assert.ok(sent.equals(expected), `MQTT ${protocolVersion}, QoS ${qos}, ${length} bytes`);
      }
});

test('a text, and properties of MQTT 5, are sent as well', async () => {
  const text = message('a', 'grüße', 0, true);
  assert.ok(publishOnWire(text, 4).head.equals(generate(text)));
  const packet = { ...message('a', 'x', 1, false), messageId: 7, properties: { contentType: 't' } };
  const expected = generate(packet, { protocolVersion: 5 });
  assert.ok(publishOnWire(packet, 5).head.equals(expected));
});

test('one encoding serves all readers of a message, but no other message, QoS or version', () => {
  const packet = message('a', 'x', 1, false);
  assert.is(publishOnWire(packet, 4), publishOnWire({ ...packet }, 4));
  const others = [
    publishOnWire({ ...packet, qos: 0 }, 4),
    publishOnWire(packet, 5),
    publishOnWire({ ...packet, retain: true }, 5),
    publishOnWire({ ...packet, brokerCounter: 0 }, 5),
  ];
  assert.is(new Set(others.map(({ head }) => head.toString('hex'))).size, 3);
  assert.is(new Set(others).size, 4);
});

test('the place of an id is empty until it is sent, whatever was in its memory', () => {
  const { allocUnsafe } = Buffer;
  Buffer.allocUnsafe = (size) => Buffer.alloc(size, 0xff);
  try {
    for (const version of [4, 5] as const) {
      const { head, idAt } = publishOnWire(message('a', 'x', 1, false), version);
      assert.is(head.readUInt16BE(idAt), 0);
    }
  } finally {
    Buffer.allocUnsafe = allocUnsafe;
  }
});

test('what is sent in one turn is one write, in order, each with its own id', async () => {
  const packet = publishOnWire(message('a', 'x', 1, false), 4);
  const pieces = await written((out) => {
    out.add(packet, 1);
    out.add(puback, 0xfffe);
    out.add(packet, 0x0203);
  });
  assert.equal(
    pieces.map((piece) => piece.toString('hex')),
    ['3206000161000178' + '4002fffe' + '3206000161020378'],
  );
});

test('what is more than one write holds does not wait for the end of the turn', async () => {
  const stream = new PassThrough({ highWaterMark: 1 });
  const out = new Gathered(stream);
  const packet = publishOnWire(message('a', 'x'.repeat(mqttGatheredBytes / 2), 0, false), 4);
  out.add(packet, 0);
  assert.is(stream.writableNeedDrain, false);
  out.add(packet, 0);
  assert.is(stream.writableNeedDrain, true);
});

test.run();
