import { assert, suite } from '../../../support/suite.ts';
import { type Running, running } from '../running-service.ts';

const base = '/api/roles';
const permissions = [{ context: 'mqtt', resource: 'plant/#', operation: 'read' }];

const test = suite<{ gatebook: Running }>('http roles');
test.before(async (world) => {
  world.gatebook = await running({ GATEBOOK_MQTT_PORT: 'off' });
});
test.after(({ gatebook }) => gatebook.stop());

test('a role is made, changed, and is the same when put again', async ({ gatebook }) => {
  const made = await gatebook.must(201, 'PUT', `${base}/press`, { permissions, description: 'd' });
  assert.is(made.headers.get('location'), `${base}/press`);
  const { changedAt, ...role } = made.body;
  assert.equal(role, {
    name: 'press',
    description: 'd',
    permissions,
    builtIn: false,
    userCount: 0,
  });
  assert.ok(changedAt);
  const same = await gatebook.must(200, 'PUT', `${base}/press`, { permissions, description: 'd' });
  assert.equal(same.body, made.body);
  const changed = await gatebook.must(200, 'PUT', `${base}/press`, { permissions: [] });
  assert.equal([changed.body.permissions, changed.body.description], [[], null]);
  assert.equal((await gatebook.must(200, 'GET', `${base}/press`)).body, changed.body);
});

test('roles are listed, the built-in ones among them', async ({ gatebook }) => {
  await gatebook.must(201, 'PUT', `${base}/listed`, { permissions });
  const { items } = (await gatebook.must(200, 'GET', base)).body;
  const names = items.map(({ name }: { name: string }) => name);
  for (const name of ['listed', 'administrator', 'registrar', 'auditor'])
    assert.ok(names.includes(name), name);
  const walked: string[] = [];
  let cursor = '';
  do {
    const { body } = await gatebook.must(200, 'GET', `${base}?limit=1${cursor}`);
    walked.push(...body.items.map(({ name }: { name: string }) => name));
    cursor = body.nextCursor === null ? '' : `&cursor=${body.nextCursor}`;
  } while (cursor !== '');
  assert.equal(walked, names);
});

test('a built-in role stays as it is', async ({ gatebook }) => {
  const { body } = await gatebook.must(200, 'GET', `${base}/administrator`);
  assert.equal([body.builtIn, body.userCount, body.changedAt], [true, 1, null]);
  assert.is(
    (await gatebook.must(409, 'PUT', `${base}/auditor`, { permissions })).code,
    'role-built-in',
  );
  assert.is((await gatebook.must(409, 'DELETE', `${base}/auditor`)).code, 'role-built-in');
});

test('a role that somebody has cannot be removed', async ({ gatebook }) => {
  await gatebook.must(201, 'PUT', `${base}/held`, { permissions });
  await gatebook.must(201, 'POST', '/api/users', { username: 'holder', roles: ['held'] });
  assert.is((await gatebook.must(200, 'GET', `${base}/held`)).body.userCount, 1);
  assert.is((await gatebook.must(409, 'DELETE', `${base}/held`)).code, 'role-in-use');
  await gatebook.must(200, 'PUT', '/api/users/holder/authorization', {});
  const gone = await gatebook.must(204, 'DELETE', `${base}/held`);
  assert.is(gone.text, '');
  assert.match(gone.headers.get('gatebook-position') ?? '', /^\d{20}$/);
  await gatebook.must(204, 'DELETE', `${base}/held`);
  await gatebook.must(404, 'GET', `${base}/held`);
  assert.is((await gatebook.must(404, 'DELETE', `${base}/never`)).code, 'role-not-found');
});

test('nobody puts rights into a role that they lack', async ({ gatebook }) => {
  const own = { context: 'http', resource: '/api/roles/+', operation: 'write' };
  const token = await gatebook.signedIn('role-keeper', { permissions: [own] });
  const put = (body: object) => gatebook.call('PUT', `${base}/made`, { token, body });
  const more = { ...own, operation: 'readWrite' };
  const refused = await put({ permissions: [more] });
  assert.equal([refused.status, refused.code], [403, 'rights-exceed-own']);
  assert.is((await put({ permissions: [own, ...permissions] })).status, 201);
});

test.run();
