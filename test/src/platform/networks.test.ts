import * as fc from 'fast-check';
import { matchesNetworks, networkOf, sourceKey } from '../../../src/platform/networks.ts';
import { assert, suite } from '../../support/suite.ts';

const test = suite('networks');

// biome-ignore format: a table reads as a table
const cases: readonly [string[], string | null, boolean][] = [
  [['10.0.0.0/8'], '10.255.0.1', true],          [['10.0.0.0/8'], '11.0.0.0', false],
  [['10.0.0.0/9'], '10.127.255.255', true],      [['10.0.0.0/9'], '10.128.0.0', false],
  [['192.0.2.7/32'], '192.0.2.7', true],         [['192.0.2.7/32'], '192.0.2.6', false],
  [['192.0.2.7/24'], '192.0.2.9', true],         [['0.0.0.0/0'], '203.0.113.1', true],
  [['2001:db8::/32'], '2001:db8:ffff::1', true], [['2001:db8::/32'], '2001:db9::1', false],
  [['2001:db8::/33'], '2001:db8:7fff::1', true], [['2001:db8::/33'], '2001:db8:8000::1', false],
  [['::1/128'], '::1', true],                    [['::1/128'], '0:0:0:0:0:0:0:1', true],
  [['::/0'], '2001:db8::1', true],               [['0.0.0.0/0'], '::1', false],
  [['10.0.0.0/8'], '::ffff:10.1.2.3', true],     [['10.0.0.0/8'], '::ffff:11.1.2.3', false],
  [['fe80::/10'], 'fe80::1%eth0', true],         [['10.0.0.0/8', '2001:db8::/32'], '2001:db8::5', true],
  [['10.0.0.0/8'], null, false],                 [['0.0.0.0/0', '::/0'], null, false],
  [['10.0.0.0/8'], 'not an address', false],     [['10.0.0.0/8'], '', false],
  [[], '10.0.0.1', false],
];
for (const [networks, address, inside] of cases)
  test(`${address} is ${inside ? '' : 'not '}in ${networks.join(' ') || 'nothing'}`, () =>
    assert.is(matchesNetworks(networks, address), inside));

const ipv4 = (bits: number) => [24, 16, 8, 0].map((shift) => (bits >>> shift) & 255).join('.');
test('every prefix length is what a comparison of bits says', () =>
  fc.assert(
    fc.property(
      fc.nat({ max: 0xffffffff }),
      fc.nat({ max: 32 }),
      fc.nat({ max: 31 }),
      (address, length, flipped) => {
        const other = (address ^ (1 << flipped)) >>> 0;
        const inside = length <= 31 - flipped;
        assert.is(matchesNetworks([`${ipv4(address)}/${length}`], ipv4(other)), inside);
        assert.is(matchesNetworks([`${ipv4(address)}/${length}`], ipv4(address)), true);
      },
    ),
    { numRuns: 300 },
  ));

// biome-ignore format: a table reads as a table
const keys: readonly [string | null, string][] = [
  ['192.0.2.7', '192.0.2.7'],
  [null, 'unknown'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
  ['2001:db8:1:2::', '2001:db8:1:2::/64'],
  ['2001:DB8:0001:0002::9', '2001:db8:1:2::/64'],
  ['2001:db8::9', '2001:db8:0:0::/64'],
  ['2001:db8:1::2:0:0:9', '2001:db8:1:0::/64'],
  ['1::2:3:4:5:6:7', '1:0:2:3::/64'],
  ['::1', '0:0:0:0::/64'],
  ['::', '0:0:0:0::/64'],
  ['fe80::1%eth0', 'fe80:0:0:0::/64'],
  ['1::', '1:0:0:0::/64'],
  ['::ffff:192.0.2.7', '192.0.2.7'],
  ['::FFFF:192.0.2.7', '192.0.2.7'],
];
for (const [address, key] of keys)
  test(`${address} counts as ${key}`, () => assert.is(sourceKey(address), key));
test('one host cannot be two sources by changing the last 64 bits', () =>
  fc.assert(
    fc.property(
      fc.array(fc.nat({ max: 0xffff }), { minLength: 4, maxLength: 4 }),
      fc.array(fc.nat({ max: 0xffff }), { minLength: 4, maxLength: 4 }),
      (network, host) => {
        const written = (words: number[]) =>
          new URL(`http://[${words.map((word) => word.toString(16)).join(':')}]`).hostname.slice(
            1,
            -1,
          );
        const mapped = network.every((word) => word === 0);
        if (mapped) return;
        const full = network.map((word) => word.toString(16)).join(':');
        assert.is(sourceKey(written([...network, ...host])), `${full}::/64`);
      },
    ),
    { numRuns: 300 },
  ));

test('the /48 is what the /64s of one customer have in common', () => {
  assert.is(networkOf(sourceKey('2001:db8:7:a::1')), '2001:db8:7::/48');
  assert.is(networkOf(sourceKey('2001:db8:7:ffff::1')), '2001:db8:7::/48');
  assert.is(networkOf(sourceKey('2001:db8::1')), '2001:db8:0::/48');
  assert.is(networkOf(sourceKey('192.0.2.7')), '192.0.2.7');
  assert.is(networkOf('unknown'), 'unknown');
});

test.run();
