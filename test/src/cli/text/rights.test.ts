import { rightsText } from '../../../../src/cli/text/rights.ts';
import { assert, suite } from '../../../support/suite.ts';

const test = suite('cli rights');

test('rights are said in one line, and none is empty', () => {
  assert.is(rightsText({}), '');
  assert.is(
    rightsText({
      roles: ['press', 'reader'],
      permissions: [{ context: 'mqtt', operation: 'read', resource: 'plant/#' }],
      mqttPublishPrefix: 'line4/',
      mqttClientId: 'c1',
      expiresAt: null,
    }),
    'roles press reader, mqtt:read:plant/#, prefix line4/, client id c1',
  );
});

test.run();
