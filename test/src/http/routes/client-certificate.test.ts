/** A client certificate at HTTPS: who it names, and what it is worth by the log at each request. */
import { Agent } from 'node:https';
import { callOverTls, certify } from '../../../support/certificate-in-hand.ts';
import { newName, selfPath } from '../../../support/door.ts';
import { doorSuite } from '../../../support/door-suite.ts';
import { assert } from '../../../support/suite.ts';
import { overTls, selfSigned } from '../../../support/tls.ts';

const test = doorSuite('a client certificate at HTTPS');
const rights = { permissions: [{ context: 'mqtt', resource: 'plant/#', operation: 'readWrite' }] };

test('its holder is told rights and reasons, by the log at each request', async (here) => {
  const { door, world } = here;
  const one = await certify(here, rights);
  const self = async () => {
    const { status, body } = await callOverTls(world, one, selfPath);
    return [status, body.permissions ?? body.reason];
  };
  assert.equal(await self(), [201, rights.permissions]);
  await door.change(one.username, 'suspend', { reason: 'stolen' });
  assert.equal(await self(), [403, 'stolen']);
  await door.change(one.username, 'resume');
  assert.equal(await self(), [201, rights.permissions]);
  await door.change(one.username, 'revoke', { reason: 'sold' });
  assert.equal(await self(), [410, 'sold']);
  await door.change(one.username, 'reinstate');
  assert.equal(await self(), [401, undefined]);
});

test('a connection that was opened before is asked anew', async (here) => {
  const { door, world } = here;
  const { username, key, cert } = await certify(here);
  const ca = await (await fetch(`${world.url}/ca/certificate`)).text();
  // Kept alive, and then resumed: neither asks for the certificate again.
  for (const agent of [new Agent({ keepAlive: true, maxSockets: 1 }), new Agent()]) {
    const self = async () =>
      (await overTls(`${world.running.ready.https}${selfPath}`, { ca, key, cert, agent })).status;
    assert.equal([await self(), await self()], [201, 201]);
    await door.change(username, 'suspend');
    assert.is(await self(), 403);
    await door.change(username, 'resume');
    agent.destroy();
  }
});

test('none, a foreign one and a name in a header stand for nobody', async (here) => {
  const { world } = here;
  const { username, cert } = await certify(here);
  const foreign = await selfSigned(username);
  for (const shown of [null, foreign]) {
    const { status } = await callOverTls(world, shown, selfPath, {
      headers: {
        'X-Client-Cert': encodeURIComponent(cert),
        'X-Forwarded-Client-Cert': cert.replaceAll('\n', ''),
      },
    });
    assert.is(status, 401);
  }
  assert.is((await fetch(`${world.url}${selfPath}`)).status, 401);
});

test('it never stands for a Bearer token', async (here) => {
  const one = await certify(here, {
    permissions: [{ context: 'http', resource: '/#', operation: 'readWrite' }],
  });
  for (const path of ['/api/whoami', '/api/users'])
    assert.is((await callOverTls(here.world, one, path)).status, 401, path);
  assert.is(
    (await callOverTls(here.world, one, '/api/tokens', { body: { label: newName() } })).status,
    401,
  );
});

test.run();
