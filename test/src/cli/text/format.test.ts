import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import {
  agoText,
  cidrOf,
  countOf,
  dateTimeText,
  durationOf,
  durationText,
  instantOf,
  MistypedError,
  momentText,
  pairingText,
  pastInstantOf,
  permissionOf,
  permissionText,
  rightsText,
} from '../../../../src/cli/text/format.ts';

const test = suite('cli words');
const now = new Date('2026-11-23T10:00:00.000Z');

test('a duration is said in its two largest units', () => {
  const said: [number, string][] = [
    [0, '0 ms'],
    [500, '500 ms'],
    [12_000, '12 s'],
    [300_000, '5 min'],
    [252_000, '4 min 12 s'],
    [3_600_000, '1 h'],
    [5_400_000, '1 h 30 min'],
    [3_601_000, '1 h'],
    [183_600_000, '2 d 3 h'],
    [59_999, '1 min'],
  ];
  for (const [durationMs, text] of said) assert.is(durationText(durationMs), text);
});

test('how long ago is said in one unit, and never in the future', () => {
  assert.is(agoText('2026-11-23T09:59:48.000Z', now), '12 s');
  assert.is(agoText('2026-11-23T09:58:59.000Z', now), '1 min');
  assert.is(agoText('2026-11-20T09:00:00.000Z', now), '3 d');
  assert.is(agoText('2026-11-23T10:00:05.000Z', now), '0 s');
  assert.is(agoText(null, now), '–');
});

test('a moment of today is a time of day', () => {
  assert.match(momentText(now.toISOString(), now), /^\d\d:00:00$/);
  assert.match(momentText('2026-11-20T10:00:00.000Z', now), /^2026-11-20 \d\d:00:00$/);
  assert.is(dateTimeText(null), '–');
  assert.is(dateTimeText('nonsense'), '–');
});

test('an instant is read from a duration, a day or an instant', () => {
  assert.is(instantOf('30d', now), '2026-12-23T10:00:00.000Z');
  assert.is(instantOf('2026-12-31T12:00:00Z', now), '2026-12-31T12:00:00.000Z');
  assert.is(instantOf('2026-12-31T12:00+01:00', now), '2026-12-31T11:00:00.000Z');
  assert.is(instantOf('2026-12-31', now), new Date(2026, 11, 31).toISOString());
  for (const text of ['tomorrow', '2026-13-01', '31.12.2026', '', '2026'])
    assert.throws(
      () => instantOf(text, now),
      (error: Error) => error instanceof MistypedError,
    );
});

test('of what has been, a duration counts back', () => {
  assert.is(pastInstantOf('30d', now), '2026-10-24T10:00:00.000Z');
  assert.is(pastInstantOf('2026-11-01T12:00:00Z', now), '2026-11-01T12:00:00.000Z');
  assert.throws(
    () => pastInstantOf('yesterday', now),
    (error: Error) => error instanceof MistypedError,
  );
});

test('a permission is read as it is said', () => {
  const text = 'mqtt:readWrite:plant/a:b/#';
  assert.is(permissionText(permissionOf(text)), text);
  assert.equal(permissionOf('http:read:/api/users'), {
    context: 'http',
    operation: 'read',
    resource: '/api/users',
  });
  for (const wrong of [
    'plant/#',
    'mqtt:plant/#',
    'mqtt:publish:a',
    'coap:read:a',
    'mqtt:read:',
    '',
  ])
    assert.throws(() => permissionOf(wrong), /is no permission\. Give CONTEXT:OPERATION:RESOURCE/);
});

test('numbers, networks and durations say what they should have been', () => {
  assert.is(countOf('20', 1, 100), 20);
  assert.throws(() => countOf('0', 1, 100), '"0" is not a number from 1 to 100.');
  assert.throws(() => countOf('1e2', 1, 100), /is not a number/);
  assert.is(cidrOf('10.0.0.0/8'), '10.0.0.0/8');
  assert.throws(() => cidrOf('10.0.0.1'), /is no CIDR/);
  assert.is(durationOf('5m'), 300_000);
  assert.throws(() => durationOf('5'), /is no duration/);
});

test('rights are said in one line, and none is empty', () => {
  assert.is(rightsText({}), '');
  assert.is(
    rightsText({
      roles: ['press', 'reader'],
      permissions: [permissionOf('mqtt:read:plant/#')],
      mqttPublishPrefix: 'line4/',
      mqttClientId: 'c1',
      expiresAt: null,
    }),
    'roles press reader, mqtt:read:plant/#, prefix line4/, client id c1',
  );
  assert.is(pairingText('a1b2c3'), 'a1b 2c3');
  assert.is(pairingText(null), '–');
});

test.run();
