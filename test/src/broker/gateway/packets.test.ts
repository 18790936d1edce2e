import fc from 'fast-check';
import { generate, type IConnectPacket, type Packet, parser } from 'mqtt-packet';
import {
  answerIn,
  connectIn,
  packetBounds,
  withCredentials,
} from '../../../../src/broker/gateway/packets.ts';
import { proxyHeader } from '../../../../src/broker/gateway/proxy-protocol.ts';
import { connectPacket, versions } from '../../../support/mqtt-peers.ts';
import { assert, suite } from '../../../support/suite.ts';

const test = suite('gateway packets');

test('a CONNECT is found byte by byte, and nothing else is taken for one', () => {
  for (const version of versions) {
    const packet = connectPacket({
      version,
      username: 'press-7',
      password: 'secret',
      will: {
        topic: 'gone',
        payload: Buffer.from('x'),
        qos: 1,
        retain: true,
      },
    });
    const bytes = generate(packet, { protocolVersion: version });
    for (let length = 0; length < bytes.length; length++)
      assert.is(connectIn(bytes.subarray(0, length), 1_000), undefined);
    const more = Buffer.concat([bytes, Buffer.from([0xc0, 0])]);
    const seen = connectIn(more, 1_000);
    assert.equal(
      [seen?.version, seen?.username, seen?.clientId, String(seen?.password)],
      [version, 'press-7', 'press-7', 'secret'],
    );
    assert.is(connectIn(bytes, bytes.length - 1), null, 'larger than is allowed');
    for (let at = 0; at < bytes.length; at++) {
      const broken = Buffer.from(bytes);
      broken[at] = (broken[at] as number) ^ 0xff;
      connectIn(broken, 1_000);
    }
  }
  assert.is(connectIn(Buffer.from('GET / HTTP/1.1\r\n'), 1_000), null);
  assert.is(connectIn(Buffer.from([0xc0, 0]), 1_000), null);
  assert.is(packetBounds(Buffer.from([0x10, 0xff, 0xff, 0xff, 0xff, 1])), null);
});

const seed = 14;

test('a CONNECT with other credentials is the same CONNECT in all else', () => {
  const parsed = (bytes: Buffer): Packet[] => {
    const packets: Packet[] = [];
    const parsing = parser();
    parsing.on('packet', (packet) => packets.push(packet));
    parsing.parse(bytes);
    return packets;
  };
  const text = fc.string({ unit: 'binary', minLength: 1, maxLength: 200 });
  const payload = fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes));
  const options = fc.record(
    {
      version: fc.constantFrom(...versions),
      username: text,
      password: text,
      clientId: text,
      clean: fc.boolean(),
      keepalive: fc.nat(65_535),
      will: fc.record({
        topic: text,
        payload,
        qos: fc.constantFrom(0 as const, 1 as const, 2 as const),
        retain: fc.boolean(),
        properties: fc.record({
          willDelayInterval: fc.nat(1_000),
          userProperties: fc.constant({ a: 'b'.repeat(140) }),
        }),
      }),
      properties: fc.record({
        sessionExpiryInterval: fc.nat(1_000),
        userProperties: fc.constant({ c: 'd'.repeat(300) }),
      }),
    },
    { requiredKeys: ['version', 'clientId'] },
  );
  fc.assert(
    fc.property(options, text, text, (chosen, username, password) => {
      // A password goes with a username [MQTT-3.1.2-22].
      const { password: given, ...rest } = chosen;
      const before = connectPacket({
        ...rest,
        ...(chosen.username !== undefined && given !== undefined && { password: given }),
      });
      const bytes = generate(before, { protocolVersion: chosen.version });
      const ping = Buffer.from([0xc0, 0]);
      const [after, more] = parsed(
        withCredentials(Buffer.concat([bytes, ping]), username, password),
      );
      assert.is(more?.cmd, 'pingreq');
      const [same] = parsed(bytes) as [IConnectPacket];
      const { length: _, ...found } = after as IConnectPacket;
      const { length: __, ...wanted } = same;
      assert.equal({ ...found }, { ...wanted, username, password: Buffer.from(password) });
    }),
    { seed, numRuns: 500 },
  );
});

test('the answer is found behind AUTH packets, in any portions', () => {
  const auth = Buffer.from([0xf0, 2, 0x18, 0]);
  const connack = Buffer.from([0x20, 3, 0, 0x87, 0]);
  const after = Buffer.from([0x30, 5, 0, 1, 97, 98, 99]);
  const all = Buffer.concat([auth, auth, connack, after]);
  for (let size = 1; size <= all.length; size++) {
    let passed: Buffer = Buffer.alloc(0);
    let held: Buffer = Buffer.alloc(0);
    let code: number | undefined | null;
    let at = 0;
    for (; at < all.length && code === undefined; at += size) {
      const answer = answerIn(Buffer.concat([held, all.subarray(at, at + size)]), 1_000);
      passed = Buffer.concat([passed, answer.passed]);
      ({ held, code } = answer);
    }
    assert.is(code, 0x87, `in portions of ${size}`);
    assert.equal(Buffer.concat([passed, all.subarray(at)]), all);
  }
  assert.is(answerIn(after, 1_000).code, null);
  assert.is(answerIn(Buffer.from([0x20, 0]), 1_000).code, null, 'a CONNACK without a code');
});

test('the proxy header has the addresses as the specification wants them', () => {
  const ends = { remotePort: 0x1234, localPort: 1883 };
  assert.is(
    proxyHeader({ ...ends, remoteAddress: '::ffff:192.0.2.1', localAddress: '127.0.0.1' }).toString(
      'hex',
    ),
    '0d0a0d0a000d0a515549540a' + '21' + '11' + '000c' + 'c0000201' + '7f000001' + '1234' + '075b',
  );
  assert.is(
    proxyHeader({ ...ends, remoteAddress: 'fe80::1:2%eth0', localAddress: '::1' }).toString('hex'),
    '0d0a0d0a000d0a515549540a' +
      '21' +
      '21' +
      '0024' +
      'fe800000000000000000000000010002' +
      '00000000000000000000000000000001' +
      '1234' +
      '075b',
  );
  assert.is(proxyHeader({}).toString('hex'), '0d0a0d0a000d0a515549540a' + '21' + '00' + '0000');
});

test.run();
