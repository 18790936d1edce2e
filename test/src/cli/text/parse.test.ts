import { cidrOf, countOf, durationOf, permissionOf } from '../../../../src/cli/text/parse.ts';
import { permissionText } from '../../../../src/cli/text/rights.ts';
import { assert, suite } from '../../../support/suite.ts';

const test = suite('cli parse');

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
  assert.is(cidrOf('10.0.0.1'), '10.0.0.1/32');
  assert.is(cidrOf('fd00::1'), 'fd00::1/128');
  for (const wrong of ['10.0.0', '10.0.0.1/33', 'press-17', ''])
    assert.throws(() => cidrOf(wrong), /is no network/);
  assert.is(durationOf('5m'), 300_000);
  assert.throws(() => durationOf('5'), /is no duration/);
});

test.run();
