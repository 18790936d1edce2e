/** Scheduled windows at the API: made, listed, cancelled, refused, and open over a restart. */
import { setTimeout as sleep } from 'node:timers/promises';
import { schedulesMax } from '../../../../src/limits/administration.ts';
import { newName } from '../../../support/door.ts';
import { startRegistry, type World } from '../../../support/service.ts';
import { assert, suite } from '../../../support/suite.ts';

const test = suite<{ world: World }>('http scheduled windows');
test.before(async (here) => {
  here.world = await startRegistry();
});
test.after(({ world }) => world.stop());

const base = '/api/client-registry/windows';
const ahead = (ms: number) => new Date(Date.now() + ms).toISOString();
const hourMs = 3_600_000;
const once = () => ({ opensAt: ahead(hourMs), durationMs: 60_000 });
const weekly = { weekday: 'sunday', time: '02:30', timeZone: 'Europe/Berlin' };

async function made({ call }: World, body: object) {
  const answer = await call('POST', base, { body });
  assert.is(answer.status, 201, JSON.stringify(answer.body));
  return answer;
}

/** Somebody with these permissions, signed in. */
async function person({ call, signIn }: World, paths: readonly string[]) {
  const username = newName('person');
  const permissions = paths.map((resource) => ({
    ...{ context: 'http', resource, operation: 'readWrite' },
  }));
  const { body } = await call('POST', '/api/users', { body: { username, permissions } });
  return { username, token: await signIn(username, body.password) };
}

test('one at a time ahead is made, shown, listed and cancelled', async ({ world }) => {
  const sent = { ...once(), maxRequests: 7, usernamePattern: 'press-*', note: 'line 4' };
  const { body, headers } = await made(world, { ...sent, sources: ['10.0.0.0/8'] });
  const { scheduleId, createdAt, ...rest } = body;
  const until = new Date(Date.parse(sent.opensAt) + 60_000).toISOString();
  assert.equal(rest, {
    ...{ ...sent, sources: ['10.0.0.0/8'], status: 'standing', weekly: null },
    ...{ next: { from: sent.opensAt, until }, createdBy: 'admin', cancelledAt: null },
    ...{ lastOpenedAt: null, lastSkipped: null, obstacle: null },
  });
  assert.ok(createdAt <= ahead(0));
  const path = `${base}/${scheduleId}`;
  assert.is(headers.get('location'), path);
  assert.equal((await world.call('GET', path)).body, body);
  const standing = async () =>
    (await world.call('GET', `${base}?standing=true`)).body.items.map(
      (one: { scheduleId: string }) => one.scheduleId,
    );
  assert.ok((await standing()).includes(scheduleId));
  assert.is((await world.call('DELETE', path)).status, 204);
  assert.is((await world.call('DELETE', path)).status, 204, 'again is a quiet success');
  assert.not.ok((await standing()).includes(scheduleId));
  const [over] = (await world.call('GET', `${base}?standing=false`)).body.items;
  assert.equal([over.scheduleId, over.status, over.next], [scheduleId, 'cancelled', null]);
});
test('one each week says its next time', async ({ world }) => {
  const { body } = await made(world, { weekly, durationMs: hourMs });
  assert.equal([body.opensAt, body.weekly, body.maxRequests], [null, weekly, 100]);
  assert.is(new Date(body.next.from).getUTCMinutes(), 30);
  assert.is(Date.parse(body.next.until) - Date.parse(body.next.from), hourMs);
  await world.call('DELETE', `${base}/${body.scheduleId}`);
});
test('what could never open is told by its field', async ({ world }) => {
  const faults: readonly (readonly [object, string])[] = [
    [{ durationMs: 1 }, '#/opensAt'],
    [{ ...once(), weekly }, '#/opensAt'],
    [{ opensAt: ahead(-1_000), durationMs: 1 }, '#/opensAt'],
    [{ opensAt: ahead(500 * 24 * hourMs), durationMs: 1 }, '#/opensAt'],
    [{ opensAt: 'tomorrow', durationMs: 1 }, '#/opensAt'],
    [{ opensAt: ahead(hourMs) }, '#/durationMs'],
    [{ ...once(), durationMs: 86_400_001 }, '#/durationMs'],
    [{ ...once(), sources: ['everywhere'] }, '#/sources/0'],
    [{ weekly: { ...weekly, timeZone: 'Mars/Base' }, durationMs: 1 }, '#/weekly/timeZone'],
    [{ weekly: { ...weekly, timeZone: '+02:00' }, durationMs: 1 }, '#/weekly/timeZone'],
    [{ weekly: { ...weekly, time: '24:00' }, durationMs: 1 }, '#/weekly/time'],
    [{ weekly: { ...weekly, weekday: 'someday' }, durationMs: 1 }, '#/weekly/weekday'],
  ];
  for (const [body, pointer] of faults) {
    const answer = await world.call('POST', base, { body });
    assert.equal(
      [answer.status, answer.body.errors?.[0]?.pointer],
      [400, pointer],
      JSON.stringify(body),
    );
  }
  const missing = `${base}/00000000-0000-4000-8000-000000000000`;
  for (const method of ['GET', 'DELETE'])
    assert.is((await world.call(method, missing)).body.code, 'schedule-not-found');
});
test('nobody without a token, nobody without the right, nobody who may not unlock', async ({
  world,
}) => {
  const tell = (token: string | null) => world.call('POST', base, { body: once(), token });
  assert.is((await tell(null)).body.code, 'token-missing');
  const nobody = await person(world, ['/api/users/#']);
  assert.is((await tell(nobody.token)).body.code, 'permission-missing');
  const half = await person(world, [base]);
  const refused = await tell(half.token);
  assert.equal(
    [refused.status, refused.body.code, refused.body.required.resource],
    [403, 'permission-missing', '/api/client-registry/unlock'],
  );
  const whole = await person(world, [base, '/api/client-registry/unlock']);
  const { body } = await tell(whole.token);
  const show = async () => (await world.call('GET', `${base}/${body.scheduleId}`)).body.obstacle;
  assert.is(await show(), null);
  const permissions = [{ context: 'http', resource: base, operation: 'readWrite' }];
  await world.call('PUT', `/api/users/${whole.username}/authorization`, { body: { permissions } });
  assert.is(await show(), 'permission-missing');
  await world.call('POST', `/api/users/${whole.username}/revoke`);
  assert.is(await show(), 'user-not-active');
  await world.call('DELETE', `${base}/${body.scheduleId}`);
});
test('so many stand at once, and no more', async ({ world }) => {
  const ids: string[] = [];
  for (let count = 0; count < schedulesMax; count++)
    ids.push((await made(world, once())).body.scheduleId);
  const refused = await world.call('POST', base, { body: once() });
  assert.equal([refused.status, refused.body.code], [409, 'schedules-full']);
  for (const id of ids) await world.call('DELETE', `${base}/${id}`);
  const last = await made(world, once());
  await world.call('DELETE', `${base}/${last.body.scheduleId}`);
});
test('where several approve, making one waits and cancelling does not', async () => {
  const strict = await startRegistry({ GATEBOOK_APPROVALS: '2' });
  try {
    const { status, body } = await strict.call('POST', base, { body: once() });
    assert.equal([status, body.action, body.status], [202, 'createSchedule', 'waiting']);
    assert.equal((await strict.call('GET', base)).body.items, []);
  } finally {
    await strict.stop();
  }
});
test('it opens after a restart in its time, once, and is locked again after another at its end', async () => {
  const world = await startRegistry();
  try {
    const opensAt = ahead(2_000);
    const { body } = await made(world, { opensAt, durationMs: 12_000 });
    await world.restart();
    const now = async () => (await world.call('GET', '/api/client-registry')).body;
    const unlocked = await untilIt(now, ({ status }) => status === 'unlocked');
    const { from, until } = body.next;
    assert.equal([unlocked.scheduleId, unlocked.until], [body.scheduleId, until]);
    assert.equal([unlocked.unlockedBy, unlocked.unlockedAt >= from], ['gatebook', true]);
    await world.restart();
    assert.is((await now()).windowId, unlocked.windowId);
    await sleep(Math.max(0, Date.parse(until) - Date.now()));
    await world.restart();
    const events = async () =>
      (await world.call('GET', '/api/audit/events?order=asc&limit=100')).body.items
        .map(({ type }: { type: string }) => type)
        .filter((type: string) => /^(Registry|Schedule)/.test(type));
    const whole = ['ScheduleCreated', 'RegistryUnlocked', 'RegistryLocked'];
    assert.equal(await untilIt(events, ({ length }) => length === 3), whole);
    await sleep(1_200);
    assert.equal(await events(), whole);
    assert.is((await world.call('GET', `${base}/${body.scheduleId}`)).body.status, 'over');
  } finally {
    await world.stop();
  }
});

/** Asks until it is so. */
async function untilIt<T>(ask: () => Promise<T>, isSo: (answer: T) => boolean): Promise<T> {
  const endMs = Date.now() + 30_000;
  for (;;) {
    const answer = await ask();
    if (isSo(answer)) return answer;
    assert.ok(Date.now() < endMs, JSON.stringify(answer));
    await sleep(100);
  }
}

test.run();
