/** What an operator reads at level info, and what not. */

import { createLogger } from '../../../src/logger.ts';
import { createOperatorLog } from '../../../src/notifications/operator-log.ts';
import { networkText } from '../../../src/platform/networks.ts';
import { startRegistry } from '../../support/service.ts';
import { assert, suite } from '../../support/suite.ts';

const test = suite('operator log');

test('unlock, request, decision, failed sign-in and lock, with name and network', async () => {
  const world = await startRegistry({ GATEBOOK_TRUSTED_PROXIES: '127.0.0.1/32' });
  const headers = { 'X-Forwarded-For': '203.0.113.77' };
  const said = () =>
    world.lines
      .map((line) => JSON.parse(line))
      .filter(({ level, network }) => level === 'info' && network !== undefined)
      .map(({ time: _, level: __, requestId: ___, until: ____, ...line }) => line);
  try {
    await world.call('POST', '/api/client-registry/unlock', { body: {}, headers });
    const password = 'a secret of this press';
    await world.call('POST', '/api/client-registry/register', {
      ...{ token: null, headers, body: { username: 'press-7', password } },
    });
    const { body } = await world.call('GET', '/api/client-registry/requests');
    const { requestId } = body.items[0];
    await world.call('POST', `/api/client-registry/requests/${requestId}/grant`, {
      ...{ body: {}, headers },
    });
    for (const username of ['admin', 'my-secret-typed-as-name'])
      await world.call('POST', '/api/login', {
        ...{ token: null, headers, body: { username, password: 'wrong password' } },
      });
    const traceId = '4bf92f3577b34da6a3ce929d0e0e4736';
    const traced = { ...headers, traceparent: `00-${traceId}-00f067aa0ba902b7-01` };
    await world.call('POST', '/api/client-registry/lock', { headers: traced });
    const network = '203.0.113.0/24';
    assert.equal(said(), [
      { msg: 'A user was made', username: 'admin', by: 'gatebook', network: null },
      { msg: 'The registry was unlocked', by: 'admin', network },
      { msg: 'A client asks for access', username: 'press-7', by: 'press-7', network },
      { msg: 'A request was granted', username: 'press-7', by: 'admin', network },
      { msg: 'A sign-in failed', username: 'admin', network, code: 'credentials-invalid' },
      { msg: 'A sign-in failed', username: null, network, code: 'credentials-invalid' },
      { msg: 'The registry was locked', by: 'admin', network, traceId },
    ]);
    const all = world.lines.filter((line) => !line.includes('"level":"debug"')).join('');
    for (const secret of [password, 'my-secret-typed-as-name', '203.0.113.77'])
      assert.not.ok(all.includes(secret), secret);
    const events = (await world.call('GET', '/api/audit/export')).body;
    assert.not.match(events, traceId);
    const answered = world.lines.find(
      (line) => line.includes('was answered') && line.includes(traceId),
    );
    assert.match(answered ?? '', /"route":"\/api\/client-registry\/lock"/);
    const before = said().length;
    await world.restart();
    assert.is(said().length, before, 'what was before the start is not told again');
  } finally {
    await world.stop();
  }
});

test('however many sign-ins fail, a minute has so many lines, and a word on the rest', () => {
  const lines: string[] = [];
  const logger = createLogger({ level: 'info', write: (line) => lines.push(line) });
  const log = createOperatorLog({ logger, isKnown: () => true, perMinuteMax: 3 });
  log.begin();
  for (let attempt = 0; attempt < 1_000; attempt++)
    log.signInFailed('admin', '192.0.2.1', 'credentials-invalid');
  assert.is(lines.length, 3);
  const metadata = { correlationId: '1', causationId: null };
  log.applied([{ type: 'RegistryLocked', data: { by: { name: 'ada' } }, metadata }]);
  assert.is(lines.length, 4, 'one kind leaves room for another');
});

test('a network is said, not an address', () => {
  assert.is(networkText('192.0.2.77'), '192.0.2.0/24');
  assert.is(networkText('::ffff:192.0.2.77'), '192.0.2.0/24');
  assert.is(networkText('2001:db8:1:2:3:4:5:6'), '2001:db8:1::/48');
  assert.is(networkText('::1'), '0:0:0::/48');
  assert.is(networkText(null), null);
});

test.run();
