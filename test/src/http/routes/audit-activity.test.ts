/** The last day in figures: how many asked, were let in, denied and revoked, and how long it was unlocked. */

import { activityBucketsMax } from '../../../../src/limits/audit.ts';
import { assert, suite } from '../../../support/suite.ts';
import { type Running, running, strongPassword } from '../running-service.ts';

const base = '/api/audit/activity';

interface Item {
  readonly from: string;
  readonly requested: number;
  readonly granted: number;
  readonly denied: number;
  readonly revoked: number;
  readonly unlockedMs: number;
}

const test = suite<{ gatebook: Running; from: string; to: string }>('http audit activity');
test.before(async (world) => {
  const gatebook = await running();
  world.gatebook = gatebook;
  const { must, call } = gatebook;
  world.from = new Date().toISOString();
  await must(200, 'POST', '/api/client-registry/unlock');
  const ids: string[] = [];
  for (const username of ['press-1', 'press-2', 'press-3', 'press-4'])
    ids.push(
      (
        await call('POST', '/api/client-registry/register', {
          body: { username, password: strongPassword() },
        })
      ).body.requestId,
    );
  const requests = '/api/client-registry/requests';
  await must(200, 'POST', `${requests}/${ids[0]}/grant`, {});
  await must(200, 'POST', `${requests}/${ids[1]}/grant`, {});
  await must(200, 'POST', `${requests}/${ids[2]}/deny`, {});
  await must(200, 'POST', '/api/users/press-1/revoke', {});
  await must(200, 'POST', '/api/client-registry/lock');
  world.to = new Date(Date.now() + 1).toISOString();
});
test.after(({ gatebook }) => gatebook.stop());

const sum = (items: readonly Item[]) =>
  items.reduce(
    (all, { requested, granted, denied, revoked }) => [
      (all[0] ?? 0) + requested,
      (all[1] ?? 0) + granted,
      (all[2] ?? 0) + denied,
      (all[3] ?? 0) + revoked,
    ],
    [0, 0, 0, 0],
  );

test('without a question it is the last day in 96 parts', async ({ gatebook }) => {
  const { body } = await gatebook.must(200, 'GET', base);
  assert.is(Date.parse(body.until) - Date.parse(body.since), 24 * 3_600_000);
  assert.is(body.items.length, 96);
  assert.is(body.items[0].from, body.since);
  assert.is(Date.parse(body.items[1].from) - Date.parse(body.items[0].from), 900_000);
  assert.equal(sum(body.items), [4, 2, 1, 1]);
  assert.equal(sum(body.items.slice(0, -2)), [0, 0, 0, 0]);
});

test('each part counts what happened in it, as the events of that time say', async ({
  gatebook,
  from,
  to,
}) => {
  const spanOf = async (query: string): Promise<{ items: Item[]; until: string }> =>
    (await gatebook.must(200, 'GET', `${base}?${query}`)).body;
  const { items } = await spanOf(`since=${from}&until=${to}&buckets=7`);
  assert.is(items.length, 7);
  assert.equal(sum(items), [4, 2, 1, 1]);
  for (const [at, item] of items.entries()) {
    const until = items[at + 1]?.from ?? to;
    const { body } = await gatebook.must(
      200,
      'GET',
      `/api/audit/events?since=${item.from}&until=${until}&type=RegistrationRequested`,
    );
    assert.is(item.requested, body.items.length, `part ${at}`);
  }
  const locked = (await gatebook.must(200, 'GET', '/api/client-registry')).body;
  const unlocked = Date.parse(locked.lockedAt) - Date.parse(locked.unlockedAt);
  assert.is(
    items.reduce((all, { unlockedMs }) => all + unlockedMs, 0),
    unlocked,
  );
  // The lock was turned before the part begins, or after it ends.
  const { unlockedAt } = locked;
  const half = new Date(Date.parse(unlockedAt) + Math.floor(unlocked / 2)).toISOString();
  const [second] = (await spanOf(`since=${half}&until=${to}&buckets=1`)).items;
  assert.is(second?.unlockedMs, unlocked - Math.floor(unlocked / 2));
  const [first] = (await spanOf(`since=${from}&until=${half}&buckets=1`)).items;
  assert.is(first?.unlockedMs, Math.floor(unlocked / 2));
  const [none] = (await spanOf('since=2000-01-01T00:00:00Z&until=2000-01-02T00:00:00Z&buckets=1'))
    .items;
  assert.equal(none, {
    ...{ from: '2000-01-01T00:00:00.000Z', requested: 0, granted: 0 },
    ...{ denied: 0, revoked: 0, unlockedMs: 0 },
  });
  // A registry that is open now was not yet open tomorrow.
  await gatebook.must(200, 'POST', '/api/client-registry/unlock');
  const tomorrow = new Date(Date.now() + 86_400_000).toISOString();
  const [ahead] = (await spanOf(`since=${to}&until=${tomorrow}&buckets=1`)).items;
  await gatebook.must(200, 'POST', '/api/client-registry/lock');
  assert.ok((ahead?.unlockedMs ?? 0) < 60_000, `${ahead?.unlockedMs} ms`);
});

test('a question that is none is refused, and who may not read the audit is', async ({
  gatebook,
}) => {
  const { call, admin } = gatebook;
  const at = '2026-11-23T10:00:00Z';
  for (const [query, place] of [
    [`since=${at}&until=${at}`, 'since'],
    [`since=2026-11-23T10:00:01Z&until=${at}`, 'since'],
    ['since=2999-01-01T00:00:00Z', 'since'],
    ['since=yesterday', 'since'],
    ['buckets=0', 'buckets'],
    [`buckets=${activityBucketsMax + 1}`, 'buckets'],
    ['days=1', 'days'],
  ]) {
    const got = await call('GET', `${base}?${query}`, { token: admin });
    assert.equal([got.status, got.places], [400, [place]], query);
  }
  const most = await gatebook.must(200, 'GET', `${base}?buckets=${activityBucketsMax}`);
  assert.is(most.body.items.length, activityBucketsMax);
  assert.is((await call('GET', base)).status, 401);
  const nobody = await gatebook.signedIn('nobody-1');
  assert.is((await call('GET', base, { token: nobody })).code, 'permission-missing');
  const auditor = await gatebook.signedIn('auditor-1', { roles: ['auditor'] });
  assert.is((await call('GET', base, { token: auditor })).status, 200);
});

test.run();
