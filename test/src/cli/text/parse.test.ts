import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import {
  cidrOf,
  countOf,
  durationOf,
  instantOf,
  MistypedError,
  pastInstantOf,
  permissionOf,
} from '../../../../src/cli/text/parse.ts';
import { permissionText } from '../../../../src/cli/text/rights.ts';

const test = suite('cli parse');
const now = new Date('2026-11-23T10:00:00.000Z');

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

test.run();
