/** Whose certificate ends soon: found by its end alone, on the command line and in the metrics, too. */

import { runCommandLine } from '../../../../src/cli/run.ts';
import { certify } from '../../../support/certificate-in-hand.ts';
import { type Door, doorOf } from '../../../support/door.ts';
import { startRegistry, type World } from '../../../support/service.ts';
import { assert, suite } from '../../../support/suite.ts';

const dayMs = 24 * 3_600_000;
const inDays = (days: number): string => new Date(Date.now() + days * dayMs).toISOString();

const test = suite<{ world: World; door: Door }>('ends of certificates');
test.before(async (here) => {
  here.world = await startRegistry({ GATEBOOK_SOURCE_ATTEMPTS_PER_MINUTE: '0' });
  here.door = doorOf(here.world);
  await here.door.unlock();
  for (const [name, days] of [
    ['year', 400],
    ['month', 20],
    ['week', 6],
    ['day', 0.5],
  ] as const)
    await certify(here, { roles: [], expiresAt: inDays(days) }, `ends-${name}`);
  await here.door.active({ expiresAt: inDays(1) }, 'password-alone');
  const { username } = await certify(here, { expiresAt: inDays(2) }, 'ends-revoked');
  await here.door.change(username, 'revoke');
});
test.after(({ world }) => world.stop());

const namesOf = (body: { items: { username: string }[] }) =>
  body.items.map(({ username }) => username);

test('the one that ends first comes first, page by page', async ({ door }) => {
  const list = async (query: string) =>
    (await door.must(200, 'GET', `/api/users?certificateEndsWithinDays=${query}`)).body;
  assert.equal(namesOf(await list('1')), ['ends-day']);
  assert.equal(namesOf(await list('7')), ['ends-day', 'ends-week']);
  assert.equal(namesOf(await list('30&status=active')), ['ends-day', 'ends-week', 'ends-month']);
  assert.equal(namesOf(await list('30&q=week')), ['ends-week']);
  assert.equal(namesOf(await list('30&role=press')), []);
  const first = await list('30&limit=2');
  assert.equal(namesOf(first), ['ends-day', 'ends-week']);
  const second = await list(`30&limit=2&cursor=${first.nextCursor}`);
  assert.equal([namesOf(second), second.nextCursor], [['ends-month'], null]);
});

test('a suspended one ends, too; a renewed one ends when its next one does', async ({ door }) => {
  await door.change('ends-week', 'suspend');
  const path = '/api/users?certificateEndsWithinDays=7';
  assert.equal(namesOf((await door.must(200, 'GET', path)).body), ['ends-day', 'ends-week']);
  const suspended = await door.must(200, 'GET', `${path}&status=suspended`);
  assert.equal(namesOf(suspended.body), ['ends-week']);
  await door.change('ends-week', 'resume');
});

test('malformed ones are 400, and a cursor of the other list leads nowhere', async ({ world }) => {
  for (const query of ['0', '-1', '1.5', 'week', '3651', ''])
    assert.is(
      (await world.call('GET', `/api/users?certificateEndsWithinDays=${query}`)).status,
      400,
      query,
    );
  const { body } = await world.call('GET', '/api/users?limit=1');
  const crossed = `/api/users?certificateEndsWithinDays=9&cursor=${body.nextCursor}`;
  assert.is((await world.call('GET', crossed)).status, 400);
});

test('the metric counts those that end within 30 days', async ({ world }) => {
  const { body } = await world.call('GET', '/metrics');
  assert.match(body, /^gatebook_certificates_expiring 3$/m);
});

test('the command line lists them with their ends', async ({ world }) => {
  const run = async (...words: string[]) => {
    let output = '';
    const write = (text: string) => (output += text);
    const args = ['users', ...words, '--url', world.url, '--token', world.token];
    const code = await runCommandLine(args, {}, { stdout: { write }, stderr: { write } });
    return { code, output };
  };
  const { code, output } = await run('--certificate-ends-within', '7');
  assert.is(code, 0, output);
  assert.match(output, 'CERTIFICATE ENDS');
  assert.match(output, /ends-day[\s\S]+ends-week/);
  assert.not.match(output, 'ends-month');
  assert.is((await run('--certificate-ends-within', 'soon')).code, 2);
});

test.run();
