/** The cursor of one list is none of another: each list of the API refuses what the others gave. */
import { assert, suite } from '../../../support/suite.ts';
import { type Running, running, strongPassword } from '../running-service.ts';

const test = suite<{ gatebook: Running; lists: readonly string[] }>('http cursors');
const registry = '/api/client-registry';

async function knock(gatebook: Running, username: string) {
  const body = { username, password: strongPassword() };
  return await gatebook.call('POST', `${registry}/register`, { body });
}

test.before(async (world) => {
  const gatebook = await running();
  world.gatebook = gatebook;
  for (const username of ['press', 'pump']) {
    await knock(gatebook, `knocking-${username}`);
    await gatebook.must(201, 'POST', '/api/users', {
      ...{ username, password: strongPassword() },
      permissions: [{ context: 'mqtt', resource: 'plant/#', operation: 'readWrite' }],
    });
    await gatebook.must(201, 'POST', '/api/tokens', { label: username });
  }
  await gatebook.must(200, 'POST', `${registry}/unlock`, {});
  for (const username of ['drill', 'saw']) await knock(gatebook, username);
  const now = new Date().toISOString();
  world.lists = [
    ...[`${registry}/requests?`, `${registry}/knocks?`, '/api/users?', '/api/roles?'],
    ...['/api/tokens?', '/api/audit/events?', `/api/audit/access?at=${now}&topic=plant/x&`],
    '/api/audit/what-if?rule=limits&',
  ];
});
test.after(({ gatebook }) => gatebook.stop());

test('a cursor leads on in its own list alone', async ({ gatebook, lists }) => {
  const cursors = new Map<string, string>();
  for (const list of lists) {
    const { nextCursor } = (await gatebook.must(200, 'GET', `${list}limit=1`)).body;
    assert.type(nextCursor, 'string', list);
    cursors.set(list, nextCursor);
  }
  for (const list of lists)
    for (const [giver, cursor] of cursors) {
      const got = await gatebook.call('GET', `${list}limit=1&cursor=${cursor}`, {
        token: gatebook.admin,
      });
      const said = `${giver} at ${list}: ${got.text}`;
      if (giver === list) assert.is(got.status, 200, said);
      else assert.equal([got.status, got.places], [400, ['cursor']], said);
    }
});

test('a cursor leads on where the list is narrowed, or turned round', async ({ gatebook }) => {
  const first = (await gatebook.must(200, 'GET', '/api/audit/events?limit=1')).body;
  for (const query of ['order=asc', 'type=TokenIssued', 'username=press'])
    await gatebook.must(200, 'GET', `/api/audit/events?${query}&cursor=${first.nextCursor}`);
});

test.run();
