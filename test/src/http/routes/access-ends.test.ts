/** Whose access ends soon: listed, counted, told to people and programs, and renewed by one command. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import { runCommandLine } from '../../../../src/cli/run.ts';
import { type Door, doorOf } from '../../../support/door.ts';
import { startRegistry, type World } from '../../../support/service.ts';
import { assert, suite } from '../../../support/suite.ts';

const dayMs = 24 * 3_600_000;
const leadMs = 60_000;
const inDays = (days: number): string => new Date(Date.now() + days * dayMs).toISOString();

interface Received {
  readonly path: string;
  readonly body: string;
  readonly title: string;
}
interface Here {
  world: World;
  door: Door;
  received: Received[];
  stopReceiving(): Promise<void>;
}
const test = suite<Here>('ends of access');
test.before(async (here) => {
  here.received = [];
  const server = createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request) body += chunk;
    const { url: path = '', headers } = request;
    here.received.push({ path, body, title: String(headers.title ?? '') });
    response.end();
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  here.stopReceiving = async () => {
    server.closeAllConnections();
    server.close();
  };
  here.world = await startRegistry({
    GATEBOOK_END_WARNINGS: `1d,${leadMs}ms`,
    GATEBOOK_WEBHOOK_URL: `http://127.0.0.1:${port}/webhook`,
    GATEBOOK_NTFY_URL: `http://127.0.0.1:${port}/ntfy`,
  });
  here.door = doorOf(here.world);
  for (const [username, days] of [
    ['ends-month', 20],
    ['ends-week', 6],
    ['ends-day', 0.5],
    ['ends-year', 400],
  ] as const)
    await here.door.command('/api/users', { username, expiresAt: inDays(days) }, 201);
  await here.door.command('/api/users', { username: 'without-end' }, 201);
});
test.after(async ({ world, stopReceiving }) => {
  await world.stop();
  await stopReceiving();
});

const eventually = async (look: () => unknown): Promise<void> => {
  for (let tries = 0; !(await look()); tries++) {
    assert.ok(tries < 1_000, `never came true: ${look}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
};

test('the first to end comes first, page by page, and others narrow it', async ({ door }) => {
  const list = async (query: string) => {
    const { body } = await door.must(200, 'GET', `/api/users?endsWithinDays=${query}`);
    return [body.items.map(({ username }: { username: string }) => username), body.nextCursor];
  };
  assert.equal(await list('1'), [['ends-day'], null]);
  assert.equal(await list('30'), [['ends-day', 'ends-week', 'ends-month'], null]);
  assert.equal(await list('30&q=week'), [['ends-week'], null]);
  assert.equal(await list('30&certificateEndsWithinDays=30'), [[], null]);
  const [names, cursor] = await list('30&limit=2');
  assert.equal(names, ['ends-day', 'ends-week']);
  assert.equal(await list(`30&limit=2&cursor=${cursor}`), [['ends-month'], null]);
  await door.change('ends-week', 'suspend');
  assert.equal(await list('30&status=suspended'), [['ends-week'], null]);
  for (const query of ['0', '-1', '1.5', 'week', '3651', ''])
    await door.must(400, 'GET', `/api/users?endsWithinDays=${query}`);
  const other = `/api/users?certificateEndsWithinDays=30&cursor=${cursor}`;
  await door.must(400, 'GET', other);
});

test('the metric counts those that end within 30 days', async ({ world }) => {
  const { body } = await world.call('GET', '/metrics');
  assert.match(body, /^gatebook_grants_ending 3$/m);
});

test('a warning is an event, a live event, a webhook and a message, once', async ({
  world,
  door,
  received,
}) => {
  const stream = await fetch(`${world.url}/api/events?types=user.ending`, {
    headers: { Authorization: `Bearer ${world.token}` },
  });
  let heard = '';
  const hearing = (async () => {
    for await (const chunk of stream.body ?? []) heard += Buffer.from(chunk).toString();
  })().catch(() => undefined);
  const expiresAt = new Date(Date.now() + leadMs + 1_000).toISOString();
  await door.command('/api/users', { username: 'warned', expiresAt }, 201);
  const warnings = async () =>
    (await door.events('warned')).filter(({ type }: { type: string }) => type === 'AccessEnding');
  await eventually(async () => (await warnings()).length > 0);
  const [told] = await warnings();
  assert.equal(told.actor, { kind: 'system', name: 'gatebook' });
  assert.equal([told.data.endsAt, told.data.leadMs], [expiresAt, leadMs]);

  const sent = (path: string) =>
    received.filter((one) => one.path === path && /user\.ending|warned/.test(one.body));
  const webhook = () => sent('/webhook').filter(({ body }) => body.includes('"user.ending"'));
  await eventually(() => webhook().length > 0 && sent('/ntfy').length > 0);
  assert.is(JSON.parse(webhook()[0]?.body ?? '').data.expiresAt, expiresAt);
  assert.is(sent('/ntfy')[0]?.title, 'Access ends soon');
  assert.match(sent('/ntfy')[0]?.body ?? '', /^Access ends by itself: warned at .* UTC\.$/);
  await eventually(() => /event: user\.ending\ndata: .*"warned"/.test(heard));

  await world.restart();
  await hearing;
  // Its first look is at its start.
  await door.change('warned', 'suspend');
  assert.is((await warnings()).length, 1);
  assert.is(webhook().length, 1);
});

test('renewed: all but the end stays, as long again where no end is given', async ({ door }) => {
  const permissions = [{ context: 'mqtt', resource: 'plant/#', operation: 'read' }];
  const first = inDays(10);
  const body = { username: 'renewed', permissions, mqttPublishPrefix: 'a/', expiresAt: first };
  const { createdAt } = (await door.command('/api/users', body, 201)).body;
  const again = (await door.change('renewed', 'renew')).body;
  const lastedMs = Date.parse(first) - Date.parse(createdAt);
  assert.is(again.expiresAt, new Date(Date.parse(first) + lastedMs).toISOString());
  assert.equal([again.permissions, again.mqttPublishPrefix], [permissions, 'a/']);
  const end = inDays(3);
  assert.is((await door.change('renewed', 'renew', { expiresAt: end })).body.expiresAt, end);
  assert.is((await door.change('renewed', 'renew', { expiresAt: null })).body.expiresAt, null);
  assert.is((await door.change('renewed', 'renew')).body.expiresAt, null, 'no end, none to renew');
  await door.change('renewed', 'renew', { expiresAt: inDays(-1) }, 400);
  await door.change('renewed', 'renew', { expiresAt: 'soon' }, 400);
  await door.change('renewed', 'renew', { until: end }, 400);
  await door.change('nobody', 'renew', {}, 404);
  await door.change('admin', 'renew', { expiresAt: end }, 409);
  await door.change('renewed', 'revoke');
  await door.change('renewed', 'renew', { expiresAt: end }, 409);
});

test('who lacks the rights gives no time with them, and who may not renew is 403', async ({
  world,
  door,
}) => {
  const renews = [{ context: 'http', resource: '/api/users/+/renew', operation: 'write' }];
  const token = await door.signedIn('clerk', { permissions: renews });
  const body = { username: 'boss', roles: ['administrator'], expiresAt: inDays(5) };
  await door.command('/api/users', body, 201);
  const renew = (username: string, by: string | null) =>
    world.call('POST', `/api/users/${username}/renew`, { token: by, body: {} });
  assert.is((await renew('boss', token)).body.code, 'rights-exceed-own');
  assert.is((await renew('ends-day', token)).status, 200);
  assert.is((await renew('ends-day', null)).status, 401);
  const other = await door.signedIn('reader', { roles: ['auditor'] });
  assert.is((await renew('ends-day', other)).status, 403);
});

test('the command line lists and renews', async ({ world }) => {
  const run = async (...words: string[]) => {
    let output = '';
    const write = (text: string) => (output += text);
    const args = ['users', ...words, '--url', world.url, '--token', world.token];
    const code = await runCommandLine(args, {}, { stdout: { write }, stderr: { write } });
    return { code, output };
  };
  const listed = await run('--ends-within', '25');
  assert.is(listed.code, 0, listed.output);
  assert.match(listed.output, /ENDS[\s\S]+ends-week[\s\S]+ends-month/);
  const renewed = await run('renew', 'ends-month', '--until', '90d', '--reason', 'goes on');
  assert.is(renewed.code, 0, renewed.output);
  assert.match(renewed.output, 'Renewed ends-month: until ');
  assert.not.match((await run('--ends-within', '25')).output, 'ends-month');
  assert.is((await run('renew', 'ends-month', '--until', '9d', '--without-end')).code, 2);
  assert.match((await run('renew', 'ends-month', '--without-end')).output, 'without an end');
  assert.is((await run('--ends-within', 'soon')).code, 2);
});

test.run();
