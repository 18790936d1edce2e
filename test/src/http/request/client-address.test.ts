import { sourceReader } from '../../../../src/http/request/client-address.ts';
import { forwardedHopsMax } from '../../../../src/limits/http.ts';
import { plainAddress } from '../../../../src/platform/networks.ts';
import { assert, suite } from '../../../support/suite.ts';

const test = suite('http source');

const proxies = ['10.0.0.0/8', 'fd00::/8', '127.0.0.1/32'];

// biome-ignore format: a table reads as a table
const table: [proxies: string[], peer: string | undefined, forwarded: string | undefined, source: string | null][] = [
  [[],      '10.0.0.1',          '1.2.3.4',                    '10.0.0.1'],
  [[],      '::ffff:10.0.0.1',   undefined,                    '10.0.0.1'],
  [[],      undefined,           '1.2.3.4',                    null],
  [proxies, '10.0.0.1',          undefined,                    '10.0.0.1'],
  [proxies, '10.0.0.1',          '1.2.3.4',                    '1.2.3.4'],
  [proxies, '::ffff:10.0.0.1',   '1.2.3.4',                    '1.2.3.4'],
  [proxies, 'fd00::1',           '1.2.3.4',                    '1.2.3.4'],
  [proxies, '9.9.9.9',           '1.2.3.4',                    '9.9.9.9'],
  [proxies, '10.0.0.1',          '6.6.6.6, 1.2.3.4',           '1.2.3.4'],
  [proxies, '10.0.0.1',          '6.6.6.6, 1.2.3.4, 10.0.0.2', '1.2.3.4'],
  [proxies, '10.0.0.1',          '10.0.0.3, 10.0.0.2',         '10.0.0.3'],
  [proxies, '10.0.0.1',          'unknown',                    null],
  [proxies, '10.0.0.1',          '1.2.3.4, unknown, 10.0.0.2', null],
  [proxies, '10.0.0.1',          '',                           null],
  [proxies, '10.0.0.1',          '1.2.3.4:5678',               '1.2.3.4'],
  [proxies, '10.0.0.1',          '[2001:db8::1]:443',          '2001:db8::1'],
  [proxies, '10.0.0.1',          '2001:DB8:0::0:1',            '2001:db8::1'],
];

for (const [trusted, peer, forwarded, source] of table) {
  test(`${peer} for ${forwarded} behind ${trusted.length} proxies is ${source}`, () =>
    assert.is(sourceReader(trusted)(peer, forwarded), source));
}

test('hops are followed so far and no farther', () => {
  const read = sourceReader(proxies);
  const hops = (count: number) => ['1.2.3.4', ...Array(count).fill('10.0.0.2')].join();
  assert.is(read('10.0.0.1', hops(forwardedHopsMax - 1)), '1.2.3.4');
  assert.is(read('10.0.0.1', hops(forwardedHopsMax)), null);
});

test('one address has one spelling', () => {
  assert.is(plainAddress('fe80::1%eth0'), 'fe80::1');
  assert.is(plainAddress('::ffff:a00:1'), '10.0.0.1');
  assert.is(plainAddress('0:0:0:0:0:0:0:1'), '::1');
  assert.is(plainAddress('1.2.3'), null);
});

test.run();
