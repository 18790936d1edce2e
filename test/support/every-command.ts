/** A registry whose log holds something of everything, made by its own commands. */

import type { World } from './service.ts';
import { assert } from './suite.ts';

/** Letters that JSON may write plainly or escaped, and some outside the first plane of Unicode. */
export const textInMoreThanOneWay = '“new” € \u{1f600} \u2028 \u007f\u001f"\\/ ½';

const must = async (
  { call }: World,
  method: string,
  path: string,
  body?: object,
  token?: null,
): Promise<{ requestId: string }> => {
  const answer = await call(method, path, { body, ...(token === null && { token }) });
  assert.ok(answer.status < 300, `${method} ${path}: ${answer.status} ${answer.body.detail}`);
  return answer.body;
};

/** Does what people and devices do, once each, so that the log has every kind of event that comes of it. */
export async function everyCommand(world: World): Promise<void> {
  const registry = '/api/client-registry';
  const permissions = [{ context: 'mqtt', resource: 'plant/#', operation: 'readWrite' }];
  await must(world, 'PUT', '/api/roles/press', { permissions, description: textInMoreThanOneWay });
  await must(world, 'POST', `${registry}/unlock`, {
    maxRequests: 1_000,
    note: textInMoreThanOneWay,
  });
  for (const [at, username] of ['press-1', 'press-2', 'press-3', 'press-4'].entries()) {
    const body = {
      username,
      password: `${at}123456789abcdef0123456789abcdef`,
      context: { größe: textInMoreThanOneWay },
    };
    const { requestId } = await must(world, 'POST', `${registry}/register`, body, null);
    const decide = (verb: string, with_: object) =>
      must(world, 'POST', `${registry}/requests/${requestId}/${verb}`, with_);
    if (at < 3)
      await decide('grant', {
        roles: ['press'],
        mqttPublishPrefix: 'a/ü/',
        reason: textInMoreThanOneWay,
      });
    else await decide('deny', { reason: 'nobody’s', blockedUntil: '2099-01-01T00:00:00.5+02:00' });
  }
  await must(world, 'PUT', '/api/users/press-1/authorization', { permissions });
  await must(world, 'POST', '/api/users/press-1/suspend');
  await must(world, 'POST', '/api/users/press-1/resume');
  await must(world, 'POST', '/api/users/press-1/rotate');
  await must(world, 'POST', '/api/users/press-2/revoke', { reason: 'stolen' });
  await must(world, 'POST', '/api/users/press-3/erase');
  await must(world, 'POST', '/api/users', { username: 'clerk', roles: ['registrar'] });
  await must(world, 'POST', '/api/tokens', { label: 'line dashboard' });
  await must(world, 'POST', `${registry}/lock`);
}
