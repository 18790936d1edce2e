import type { Request } from '../../../../src/api/output.ts';
import {
  chosenBy,
  everyRequest,
  inNetwork,
  orders,
} from '../../../../src/web/registry/request-choice.ts';
import { assert, suite } from '../../../support/suite.ts';

const test = suite('which requests are looked at');

const request = (username: string, more: Partial<Request> = {}) =>
  ({
    ...{ username, door: 'rest', source: '10.4.0.17', clientId: null, context: null },
    ...{ contested: false, requestedAt: '2026-11-23T14:30:00.000Z', ...more },
  }) as Request;

test('a network is CIDR, an address, or the beginning of one', () => {
  const inside: readonly (readonly [string, string, boolean])[] = [
    ['10.4.0.0/16', '10.4.255.1', true],
    ['10.4.0.0/16', '10.5.0.1', false],
    ['10.4.0.17/31', '10.4.0.16', true],
    ['0.0.0.0/0', '203.0.113.9', true],
    ['0.0.0.0/0', '::1', false],
    ['10.4.0.1', '10.4.0.1', true],
    ['10.4.0.1', '10.4.0.17', false],
    ['10.4.', '10.4.0.17', true],
    ['10.4.0.0/', '10.4.0.0', true],
    ['fd00:1::/32', 'fd00:1:2::9', true],
    ['fd00:1::/32', 'fd00:2::9', false],
    ['fd00::1', 'fd00:0:0:0:0:0:0:1', true],
    ['10.4.0.0/33', '10.4.0.1', false],
    ['999.1.1.1', '10.4.0.1', false],
    ['1::2::3', '::1', false],
  ];
  for (const [network, address, is] of inside)
    assert.is(inNetwork(network)(address), is, `${address} in ${network}`);
});

test('way, network, contest and what a device says narrow; an address that is hidden fits no network', () => {
  const all = [
    request('a', { context: { line: '4', model: 'HP-200' } }),
    request('b', { door: 'mqtt', clientId: 'tw-08', source: '10.9.0.1' }),
    request('c', { contested: true, source: null, context: { line: '40' } }),
  ];
  const names = (change: Partial<typeof everyRequest>) =>
    all
      .filter(chosenBy({ ...everyRequest, ...change }))
      .map(({ username }) => username)
      .join('');
  assert.is(names({}), 'abc');
  assert.is(names({ door: 'mqtt' }), 'b');
  assert.is(names({ network: '10.0.0.0/8' }), 'ab');
  assert.is(names({ contested: true }), 'c');
  assert.is(names({ said: 'line=4' }), 'ac');
  assert.is(names({ said: 'model=hp' }), 'a');
  assert.is(names({ said: 'TW-0' }), 'b');
  assert.is(names({ said: 'line=5' }), '');
});

test('contested ones come first, then the newest', () => {
  const at = (minute: number) => `2026-11-23T14:3${minute}:00.000Z`;
  const all = [
    request('p-10', { requestedAt: at(3), source: '10.0.0.9' }),
    request('p-9', { requestedAt: at(2), source: '10.0.0.10' }),
    request('p-1', { requestedAt: at(1), contested: true, source: '10.0.0.2' }),
  ];
  const names = (sort: keyof typeof orders) =>
    all
      .toSorted(orders[sort])
      .map(({ username }) => username)
      .join(' ');
  assert.is(names('contested'), 'p-1 p-10 p-9');
  assert.is(names('newest'), 'p-10 p-9 p-1');
  assert.is(names('oldest'), 'p-1 p-9 p-10');
  assert.is(names('name'), 'p-1 p-9 p-10');
  assert.is(names('source'), 'p-1 p-10 p-9');
});

test.run();
