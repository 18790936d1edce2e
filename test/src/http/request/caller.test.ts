/** A caller who hangs up while it is looked at who they are leaves nothing behind. */
import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import type { Exchange } from '../../../../src/http/edge.ts';
import { requestCallerOf } from '../../../../src/http/request/caller.ts';
import type { Route } from '../../../../src/http/route.ts';
import { assert, suite } from '../../../support/suite.ts';

const test = suite('callers');
const timers = () => process.getActiveResourcesInfo().filter((one) => one === 'Timeout').length;

async function callerOf(response: ServerResponse) {
  const caller = { username: 'ada', permissions: [], tokenId: null } as never;
  const exchange = {
    ...{ req: response.req, res: response, method: 'GET', path: '/x', querystring: '', params: {} },
    ...{ host: 'x', state: {}, accepts: () => false },
  } as unknown as Exchange;
  return await requestCallerOf({ access: 'signed-in' } as unknown as Route, exchange, {
    ...{ authenticate: async () => caller, current: () => caller },
    certificateOf: () => null,
  });
}

test('one who is gone is not looked at any more, one who is there is until they go', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  try {
    const client = connect((server.address() as AddressInfo).port, '127.0.0.1');
    client.write('GET /x HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer v4.public.x\r\n\r\n');
    const [, response] = (await once(server, 'request')) as [unknown, ServerResponse];
    const caller = await callerOf(response);
    const before = timers();
    caller.ended(response);
    assert.is(timers(), before + 1);
    client.destroy();
    await once(response, 'close');
    assert.is(timers(), before);
    caller.ended(response);
    assert.is(timers(), before);
  } finally {
    server.close();
    server.closeAllConnections();
  }
});

test.run();
