/** Who was not seen for some time: listed, counted, on the command line. */
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { runCommandLine } from '../../../../src/cli/run.ts';
import { type Door, doorOf } from '../../../support/door.ts';
import { startRegistry, type World } from '../../../support/service.ts';
import { assert, suite } from '../../../support/suite.ts';

const dayMs = 24 * 3_600_000;

const test = suite<{ world: World; door: Door }>('unseen clients');
test.before(async (here) => {
  here.world = await startRegistry();
  here.door = doorOf(here.world);
  const names = ['press-1', 'press-2', 'press-3'];
  for (const username of [...names, 'fresh'])
    await here.door.command('/api/users', { username }, 201);
  await here.world.running.stop();
  const database = new DatabaseSync(join(here.world.dataDir, 'sightings.sqlite'));
  for (const [at, username] of names.entries()) {
    const sinceMs = Date.now() - (at + 1) * 10 * dayMs;
    const row = { username, sinceMs };
    database.prepare('UPDATE sightings SET sinceMs = @sinceMs WHERE username = @username').run(row);
  }
  database.close();
  await here.world.restart({ GATEBOOK_STALE_AFTER: '15d' });
});
test.after(({ world }) => world.stop());

test('the longest unseen comes first, page by page, and others narrow it', async ({ door }) => {
  const list = async (query: string) => {
    const { body } = await door.must(200, 'GET', `/api/users?${query}`);
    return [body.items.map(({ username }: { username: string }) => username), body.nextCursor];
  };
  assert.equal(await list('unseenForDays=5'), [['press-3', 'press-2', 'press-1'], null]);
  assert.equal(await list('unseenForDays=25'), [['press-3'], null]);
  assert.equal(await list('stale=true'), [['press-3', 'press-2'], null]);
  assert.equal(await list('stale=true&unseenForDays=25'), [['press-3'], null]);
  assert.equal(await list('unseenForDays=5&q=press-2'), [['press-2'], null]);
  const [names, cursor] = await list('unseenForDays=5&limit=2');
  assert.equal(names, ['press-3', 'press-2']);
  assert.equal(await list(`unseenForDays=5&limit=2&cursor=${cursor}`), [['press-1'], null]);
  for (const query of ['unseenForDays=0', 'unseenForDays=x', 'stale=yes', `cursor=${cursor}`])
    await door.must(400, 'GET', `/api/users?${query}`);
});

test('the metric counts the stale, and the command line lists them', async ({ world }) => {
  const { body } = await world.call('GET', '/metrics');
  assert.match(body, /^gatebook_clients_stale 2$/m);
  const run = async (...words: string[]) => {
    let output = '';
    const write = (text: string) => (output += text);
    const args = ['users', ...words, '--url', world.url, '--token', world.token];
    const code = await runCommandLine(args, {}, { stdout: { write }, stderr: { write } });
    return { code, output };
  };
  assert.match((await run('--unseen-for', '5')).output, /press-3[\s\S]+press-2[\s\S]+press-1/);
  const stale = await run('--stale');
  assert.match(stale.output, 'press-2');
  assert.not.match(stale.output, 'press-1');
  assert.is((await run('--unseen-for', 'long')).code, 2);
});

test('where nothing says when a client is stale, nobody is', async ({ world, door }) => {
  await world.restart({ GATEBOOK_STALE_AFTER: 'off' });
  assert.equal((await door.must(200, 'GET', '/api/users?stale=true')).body.items, []);
  assert.match((await world.call('GET', '/metrics')).body, /^gatebook_clients_stale 0$/m);
});

test.run();
