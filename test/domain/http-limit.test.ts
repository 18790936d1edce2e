/** What is left of rights where somebody else made the token or the password. */

import { compiled, httpPermissionsOf, withinHttpLimit } from '../../domain/matching.ts';
import type { Permission } from '../../domain/permission.ts';
import { assert, suite } from '../support/suite.ts';

const test = suite('a limit on HTTP rights');

test('of permissions within a limit the covered operations stay, and MQTT as it is', () => {
  const http = (resource: string, operation: Permission['operation']): Permission => ({
    context: 'http',
    resource,
    operation,
  });
  const mqtt: Permission = { context: 'mqtt', resource: '#', operation: 'readWrite' };
  const limit = [http('/api/users/#', 'readWrite'), http('/api/roles', 'read')];
  assert.equal(
    withinHttpLimit(limit, [
      mqtt,
      http('/#', 'readWrite'),
      http('/api/users/+', 'write'),
      http('/api/roles', 'readWrite'),
      http('/api/tokens', 'read'),
    ]),
    [mqtt, http('/api/users/+', 'write'), http('/api/roles', 'read')],
  );
  assert.equal(httpPermissionsOf(compiled([mqtt, ...limit])), limit);
  assert.equal(withinHttpLimit([], [http('/api/users', 'read')]), []);
});

test.run();
