/** `status`, `requests`, `knocks` and `users` as an administrator meets them. */

import { type Door, doorOf, newName, strong } from '../../../support/door.ts';
import { connected } from '../../../support/mqtt-peers.ts';
import { startRegistry, type World } from '../../../support/service.ts';
import { assert, suite } from '../../../support/suite.ts';
import { commandLineOf } from '../in-process.ts';

const test = suite<{ world: World; door: Door; line: ReturnType<typeof commandLineOf> }>(
  'cli requests',
);
test.before(async (here) => {
  here.world = await startRegistry({ GATEBOOK_TRUSTED_PROXIES: '127.0.0.0/8' });
  here.door = doorOf(here.world);
  here.line = commandLineOf(here.world);
});
test.after(({ world }) => world.stop());

test('what is contested comes first, is counted right and is never cut', async ({ door, line }) => {
  await door.unlock();
  const context = { line: '4', serial: 'a-serial-number-that-is-long' };
  const requestedRoles = ['a-role-with-a-long-name', 'another-role-with-a-long-name'];
  const more = { context, requestedRoles, source: '10.4.0.17' };
  await door.pending('press-old', strong(), { ...more, pairingId: 'a1b2c3' });
  for (const password of [strong(), strong()])
    assert.is((await door.ask('press-old', password)).status, 409);
  await door.pending('press-2', strong(), { source: '10.5.0.2' });
  await door.pending('press-10', strong(), { source: '10.4.0.2', context: { line: '5' } });
  const [header = '', first = '', ...rest] = await line.shown('requests');
  assert.match(header, /^NAME +PAIRING +KIND/);
  assert.match(first, /^press-old +a1b 2c3 +contested/);
  for (const one of [header, first, ...rest]) assert.ok(one.length <= 80, one);
  // Two credentials tried in one window: the registry counts the windows.
  assert.match(await line.said('requests'), / contested \(another credential\), new /);
  assert.match(
    await line.said('requests'),
    / SAYS\n.* line=4 serial=a-serial-number-that-is-long\n/,
  );
});

test('requests are chosen by flow, network, context and conflict, and sorted', async ({ line }) => {
  const names = async (...args: string[]) =>
    (
      JSON.parse(await line.said('requests', '--json', ...args)).items as { username: string }[]
    ).map(({ username }) => username);
  assert.equal(await names('--sort', 'name'), ['press-2', 'press-10', 'press-old']);
  assert.equal(await names('--from', '10.4.0.0/16', '--sort', 'name'), ['press-10', 'press-old']);
  assert.equal(await names('--from', '10.5.0.2'), ['press-2']);
  assert.equal(await names('--context', 'line=4'), ['press-old']);
  assert.equal(await names('--contested'), ['press-old']);
  assert.equal(await names('--flow', 'implicit'), []);
  assert.match(await line.said('requests', '--flow', 'est'), /^No pending requests that fit\./);
  assert.match((await line.ran(['requests', '--sort', 'age'])).stderr, '"age" is no order.');
  const limited = await line.said('requests', '--limit', '1');
  assert.match(limited, /^2 more: --limit 1000, or choose with/m);
  assert.match(limited, /^3 pending\./m);
});

test('one request is shown whole, with what to do', async ({ line }) => {
  const shown = await line.said('requests', 'show', 'press-old');
  assert.match(shown, /^context +line=4 serial=a-serial-number-that-is-long$/m);
  assert.match(shown, /^pairing ID +a1b 2c3$/m);
  assert.match(shown, /^contested +contested \(another credential\)$/m);
  assert.match(shown, /gatebook grant press-old --role ROLE --confirm-contested/);
  const { requestId } = JSON.parse(await line.said('requests', 'show', 'press-old', '--json'));
  assert.match(await line.said('requests', 'show', requestId), /^name +press-old$/m);
  assert.is((await line.ran(['requests', 'show', 'nobody'])).exitCode, 3);
});

test('who keeps trying without access is turned away, and counted', async ({ door, line }) => {
  const { username, password } = await door.active({}, newName('oven'));
  await door.change(username, 'suspend');
  for (let tried = 0; tried < 3; tried++)
    assert.is((await door.ask(username, password, { source: '10.4.0.9' })).status, 403);
  const denied = await door.pending(newName('oven'));
  await door.deny(denied.requestId, {});
  await door.ask(denied.username, denied.password, { source: '10.4.0.9' });
  const knocks = await line.said('knocks');
  assert.match(knocks, new RegExp(`^${username} +3 +suspended +explicit +10\\.4\\.0\\.9 `, 'm'));
  assert.match(knocks, new RegExp(`^${denied.username} +1 +denied `, 'm'));
  assert.match(knocks, /^Turned away: 2 names and sources, 4 tries\.$/m);
  await door.change(username, 'resume');
  await door.ask(username, password, { source: '10.4.0.9' });
  assert.not.match(await line.said('knocks'), username);
});

test('who is connected is listed, with a total and in an order', async ({ world, door, line }) => {
  const one = await door.active({}, newName('oven'));
  const { username, password } = await door.active({}, newName('oven'));
  const client = await connected(world.mqtt.port, { clientId: username, username, password });
  try {
    const list = JSON.parse(await line.said('users', '--connected', '--json'));
    assert.equal(
      list.items.map((user: { username: string }) => user.username),
      [username],
    );
    assert.match(await line.said('users', '--connected'), /^1 user\.$/m);
    const sorted = await line.said('users', '--sort', 'sessions');
    assert.ok(sorted.indexOf(username) < sorted.indexOf(one.username));
    assert.match(
      await line.said('users', '--sort', 'name', '--limit', '1'),
      /^1 user shown, of \d+:/m,
    );
    assert.match((await line.ran(['users', '--sort', 'age'])).stderr, '"age" is no order.');
  } finally {
    client.socket.destroy();
  }
});

test('the status says it all in a few lines', async ({ line }) => {
  const [gatebook = '', registry = '', waiting = '', clients = '', brokers = ''] =
    await line.shown('status');
  assert.match(gatebook, /^Gatebook {2}\d+\.\d+\.\d+ at http:.*, signed in as admin$/);
  assert.match(registry, /^Registry {2}unlocked by admin until .* of 100 asked$/);
  assert.match(waiting, /^Waiting {3}3 requests, 1 contested\. See: gatebook requests$/);
  assert.match(clients, /^Clients {3}\d+ active, 1 denied, \d+ live sessions?$/);
  assert.match(brokers, /^Brokers {3}embedded up/);
  const status = JSON.parse(await line.said('status', '--json'));
  assert.equal(status.waiting, { count: 3, contested: 1 });
  assert.match(await line.said('version'), /^gatebook (\S+)\nregistry \1 at http:/);
  assert.match(await line.said('whoami'), /^admin at .*: role administrator\.\n/);
  assert.match(
    await line.said('reconcile'),
    /^embedded: keeps no accounts, .* as the log says\.$/m,
  );
  const away = ['status', '--url', 'http://127.0.0.1:9'];
  assert.is((await line.ran(away)).exitCode, 5);
});

test('signing in at an identity provider that there is none of is told with what to do', async ({
  line,
}) => {
  const { exitCode, stderr } = await line.ran(['login', '--sso']);
  assert.is(exitCode, 3);
  assert.match(stderr, /knows no identity provider\.\nSign in with a password: gatebook login\./);
});

test.run();
