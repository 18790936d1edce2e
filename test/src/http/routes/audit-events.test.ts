import { assert, suite } from '../../../support/suite.ts';
import { type Running, running, strongPassword } from '../running-service.ts';

const base = '/api/audit/events';

const test = suite<{ gatebook: Running; requestId: string; windowId: string }>('http audit');
test.before(async (world) => {
  const gatebook = await running();
  world.gatebook = gatebook;
  const { must, call } = gatebook;
  world.windowId = (await must(200, 'POST', '/api/client-registry/unlock')).body.windowId;
  const asked = await call('POST', '/api/client-registry/register', {
    body: { username: 'press-1', password: strongPassword(), context: { site: 'hall' } },
  });
  world.requestId = asked.body.requestId;
  await must(200, 'POST', `/api/client-registry/requests/${world.requestId}/grant`, {
    reason: 'spare for line 4',
  });
});
test.after(({ gatebook }) => gatebook.stop());

interface Item {
  readonly type: string;
  readonly index: number;
  readonly at: string;
  readonly actor: { readonly name: string };
  readonly data: Record<string, unknown>;
}
const list = async ({ must }: Running, query: string): Promise<Item[]> =>
  (await must(200, 'GET', `${base}?${query}`)).body.items;
const types = (items: readonly Item[]) => items.map(({ type }) => type);

test('a client’s history is told in order', async ({ gatebook }) => {
  const history = ['RegistrationRequested', 'RegistrationGranted'];
  const events = (await list(gatebook, 'username=press-1&order=asc')).filter(
    ({ type }) => type !== 'CredentialActivated',
  );
  assert.equal(types(events), history);
  const newest = types(await list(gatebook, 'username=press-1'));
  assert.equal(
    newest.filter((type) => type !== 'CredentialActivated'),
    history.toReversed(),
  );
});

test('events are found by type, actor, window, time and word', async ({ gatebook, windowId }) => {
  assert.equal(types(await list(gatebook, 'type=RegistryUnlocked')), ['RegistryUnlocked']);
  const ofAdmin = await list(gatebook, 'actor=admin');
  assert.ok(ofAdmin.length > 0 && ofAdmin.every(({ actor }) => actor.name === 'admin'));
  const inWindow = types(await list(gatebook, `windowId=${windowId}`));
  assert.equal(inWindow, ['RegistrationGranted', 'RegistrationRequested', 'RegistryUnlocked']);
  assert.equal(types(await list(gatebook, 'q=Unlocked')), ['RegistryUnlocked']);
  assert.equal(types(await list(gatebook, 'q=SPARE%20for')), ['RegistrationGranted']);
  assert.equal(await list(gatebook, 'until=2000-01-01T00:00:00Z'), []);
  const { at = '' } = (await list(gatebook, 'type=RegistrationGranted'))[0] ?? {};
  const since = await list(gatebook, `since=${at}&order=asc`);
  assert.ok(since.length > 0 && since.every((event) => event.at >= at));
});

test('pages join without a gap', async ({ gatebook }) => {
  const all = await list(gatebook, 'limit=1000&order=asc');
  assert.equal(
    all.map(({ index }) => index),
    all.map((_, index) => index),
  );
  const walked: number[] = [];
  let cursor = '';
  do {
    const { body } = await gatebook.must(200, 'GET', `${base}?limit=2&order=asc${cursor}`);
    walked.push(...body.items.map(({ index }: Item) => index));
    cursor = body.nextCursor === null ? '' : `&cursor=${body.nextCursor}`;
  } while (cursor !== '');
  assert.equal(
    walked,
    all.map(({ index }) => index),
  );
});

test('a cursor leads on in either order, so that one can go on with what is newer', async ({
  gatebook,
}) => {
  const all = await list(gatebook, 'limit=1000&order=asc');
  const newest = (await gatebook.must(200, 'GET', `${base}?limit=3`)).body;
  const { index } = newest.items[2];
  const newer = await list(gatebook, `order=asc&cursor=${newest.nextCursor}`);
  assert.equal(
    newer.map((event) => event.index),
    all.slice(index + 1).map((event) => event.index),
  );
});

test('personal fields are opened for those who may see them', async ({ gatebook }) => {
  const query = 'type=RegistrationRequested';
  const [seen] = await list(gatebook, query);
  assert.equal([seen?.data.source, seen?.data.context], ['127.0.0.1', { site: 'hall' }]);
  const permissions = [{ context: 'http', resource: '/api/audit/#', operation: 'read' }];
  const token = await gatebook.signedIn('reader', { permissions });
  const { body } = await gatebook.call('GET', `${base}?${query}`, { token });
  assert.equal([body.items[0].data.source, body.items[0].data.context], [null, null]);
});

test('read models say how far they are and what they hold', async ({ gatebook }) => {
  const first = (await gatebook.must(200, 'GET', '/api/read-models')).body;
  assert.ok(first.items.length >= 8);
  assert.match(first.stateHash, /^[0-9a-f]{64}$/);
  assert.equal((await gatebook.must(200, 'GET', '/api/read-models')).body, first);
  const { headers } = await gatebook.must(200, 'POST', '/api/client-registry/lock');
  const position = headers.get('gatebook-position') ?? '';
  const after = await gatebook.call('GET', '/api/read-models', {
    token: gatebook.admin,
    headers: { 'Gatebook-Position': position },
  });
  assert.ok(after.body.position >= position);
  assert.is.not(after.body.stateHash, first.stateHash);
});

test('a position that nobody reached is 503 after a while', async ({ gatebook }) => {
  const got = await gatebook.call('GET', '/api/read-models', {
    token: gatebook.admin,
    headers: { 'Gatebook-Position': '9'.repeat(20) },
  });
  assert.equal([got.status, got.code], [503, 'position-not-reached']);
});

test.run();
