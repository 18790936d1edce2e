/** Lets a device in whom a trial goes on to look at. */
import { registerPath } from '../support/door.ts';
import type { Served } from '../support/process.ts';

/** It asks, and is granted what it does at `plant/#`. */
export async function grantedAt(
  { served, token }: { readonly served: Served; readonly token: string },
  { username, password }: { readonly username: string; readonly password: string },
): Promise<void> {
  const asked = await served.call('POST', registerPath, { body: { username, password } });
  const grant = `/api/client-registry/requests/${asked.body.requestId}/grant`;
  const permissions = [{ context: 'mqtt', resource: 'plant/#', operation: 'readWrite' }];
  const { status } = await served.call('POST', grant, { token, body: { permissions } });
  if (status !== 200) throw new Error(`${username} is granted with ${status}`);
}
