import {
  activationWords,
  countdown,
  durationWords,
  pairingGroups,
  relativeTime,
  searchText,
  wantsHttp,
  whereFrom,
} from '../../../../src/web/app/words.ts';
import { noRights, sentRights } from '../../../../src/web/rights/typed-rights.ts';
import { assert, suite } from '../../../support/suite.ts';

const test = suite('page words');
const at = '2026-11-23T10:00:00.000Z';
const later = (seconds: number) => Date.parse(at) + seconds * 1_000;

test('times are relative under a day, and never negative', () => {
  const said = [0, 8, 59, 60, 3_599, 3_600, 86_399].map((seconds) =>
    relativeTime(at, later(seconds)),
  );
  assert.equal(said, ['0 s', '8 s', '59 s', '1 min', '59 min', '1 h', '23 h']);
  for (const seconds of [86_400, -5])
    assert.match(relativeTime(at, later(seconds)), /^23 Nov, \d\d:\d\d$/);
});

test('a countdown ends at nought and counts hours', () => {
  const said = [-5_000, 0, 1, 59_001, 228_000, 3_828_000].map(countdown);
  assert.equal(said, ['0:00', '0:00', '0:01', '1:00', '3:48', '1:03:48']);
});

test('durations are said as people say them', () => {
  const said = [30_000, 60_000, 300_000, 7_200_000].map(durationWords);
  assert.equal(said, ['30 seconds', '1 minute', '5 minutes', '2 hours']);
});

test('a pairing ID is shown in two groups and found with or without the gap', () => {
  assert.is(pairingGroups('a1b2c3'), 'a1b 2c3');
  for (const typed of ['a1b 2c3', 'A1B2C3', ' a1b2c3 ']) assert.is(searchText(typed), 'a1b2c3');
  assert.is(searchText(' press-17 '), 'press-17');
  assert.is(searchText('press 17'), 'press 17');
});

test('where it is from, and what each broker says', () => {
  assert.is(whereFrom({ door: 'rest', source: '10.4.0.1', clientId: null }), 'REST from 10.4.0.1');
  assert.is(
    whereFrom({ door: 'mqtt', source: '10.4.0.1', clientId: 'tw-08' }),
    'MQTT from 10.4.0.1, client id tw-08',
  );
  assert.match(whereFrom({ door: 'mqtt', source: null, clientId: null }), 'may not see');
  assert.is(whereFrom({ door: 'est', source: '10.4.0.1', clientId: null }), 'EST from 10.4.0.1');
  const activation = (broker: string, status: 'active' | 'waiting') => ({
    broker,
    status,
    at: null,
    detail: null,
  });
  const activations = [activation('mosquitto', 'waiting'), activation('embedded', 'active')];
  assert.is(
    activationWords({ activations, kind: 'new' }),
    'Active at embedded, waiting at mosquitto',
  );
});

test('who asks for HTTP rights stands out', () => {
  const none = { requestedRoles: [], requestedPermissions: [] };
  assert.is(wantsHttp(none), false);
  assert.is(wantsHttp({ ...none, requestedRoles: ['press', 'administrator'] }), true);
  const http = { context: 'http', resource: '/api/#', operation: 'read' } as const;
  assert.is(wantsHttp({ ...none, requestedPermissions: [http] }), true);
});

test('an end that nobody touches stays to the second; another day ends with that day', () => {
  const endBefore = '2026-12-04T08:15:00.000Z';
  const typed = { ...noRights, ends: '2026-12-04', endBefore };
  assert.is(sentRights(typed).expiresAt, endBefore);
  const other = new Date(sentRights({ ...typed, ends: '2026-12-05' }).expiresAt ?? '');
  assert.equal([other.getDate(), other.getHours(), other.getMinutes()], [5, 23, 59]);
  assert.is(sentRights({ ...typed, ends: '' }).expiresAt, null);
});

test.run();
