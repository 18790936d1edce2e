import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { canonicalJson } from '../../../../src/audit/transparency-log/canonical-json.ts';
import {
  isSignedBy,
  noteOf,
  verifierOf,
} from '../../../../src/audit/transparency-log/signed-note.ts';
import { assert, suite } from '../../../support/suite.ts';
import { type Running, running, strongPassword } from '../running-service.ts';

interface Times {
  [name: string]: string;
}
const test = suite<{ gatebook: Running; times: Times; windowId: string }>('http audit past');

const readWrite = (resource: string) => ({ context: 'mqtt', operation: 'readWrite', resource });

test.before(async (world) => {
  const gatebook = await running();
  const { must, call } = gatebook;
  const times: Times = {};
  Object.assign(world, { gatebook, times });
  /** A moment after everything before it and before everything after it. */
  const mark = async (name: string) => {
    await sleep(5);
    times[name] = new Date().toISOString();
    await sleep(5);
  };
  await mark('nothing');
  const role = (resource: string) =>
    must(times.first ? 200 : 201, 'PUT', '/api/roles/press', {
      permissions: [readWrite(resource)],
    });
  await role(`plant/\${username}/#`);
  times.first = 'made';
  world.windowId = (
    await must(200, 'POST', '/api/client-registry/unlock', { usernamePattern: 'press-*' })
  ).body.windowId;
  const ids: string[] = [];
  for (const username of ['press-1', 'press-2', 'press-3'])
    ids.push(
      (
        await call('POST', '/api/client-registry/register', {
          body: { username, password: strongPassword(), context: { site: 'hall' } },
        })
      ).body.requestId,
    );
  for (const username of ['lathe-1', 'lathe-2', 'lathe-1'])
    assert.is(
      (
        await call('POST', '/api/client-registry/register', {
          body: { username, password: strongPassword() },
        })
      ).status,
      423,
    );
  const { counts } = (await must(200, 'GET', `/api/audit/windows/${world.windowId}/report`)).body;
  assert.is(counts.turnedAway, 3, 'while it is open');
  await mark('asked');
  await must(200, 'POST', '/api/client-registry/unlock', { maxRequests: 500, note: 'wider' });
  await mark('window widened');
  const grant = (at: number) =>
    must(200, 'POST', `/api/client-registry/requests/${ids[at]}/grant`, {
      roles: ['press'],
      reason: 'line 4',
    });
  await grant(0);
  await grant(1);
  await must(200, 'POST', `/api/client-registry/requests/${ids[2]}/deny`, { reason: 'unknown' });
  await mark('granted');
  await role('plant/+/other');
  await mark('role changed');
  await must(200, 'PUT', '/api/users/press-2/authorization', {
    permissions: [{ ...readWrite('plant/press-1/x'), operation: 'read' }],
  });
  await mark('widened');
  await must(200, 'POST', '/api/users/press-1/revoke', { reason: 'stolen' });
  await must(200, 'POST', '/api/client-registry/lock');
  await mark('revoked');
});
test.after(({ gatebook }) => gatebook.stop());

const at = (times: Times, name: string) => encodeURIComponent(times[name] ?? '');

test('a client is told as it was', async ({ gatebook, times }) => {
  const state = async (name: string) =>
    (await gatebook.must(200, 'GET', `/api/audit/state?username=press-1&at=${at(times, name)}`))
      .body;
  assert.is((await state('asked')).status, 'pending');
  const granted = await state('granted');
  assert.equal([granted.status, granted.roles], ['active', ['press']]);
  assert.equal(granted.effectivePermissions, [readWrite('plant/press-1/#')]);
  assert.equal(granted.activations[0]?.status, 'active');
  assert.equal((await state('role changed')).effectivePermissions, [readWrite('plant/+/other')]);
  const revoked = await state('revoked');
  assert.equal([revoked.status, revoked.reason, revoked.roles], ['revoked', 'stolen', []]);
  const { body } = await gatebook.must(200, 'GET', '/api/users/press-1');
  assert.equal(
    [revoked.status, revoked.requestId, revoked.createdAt, revoked.changedAt],
    [body.status, body.requestId, body.createdAt, body.changedAt],
  );
  const early = await gatebook.call(
    'GET',
    `/api/audit/state?username=press-1&at=${at(times, 'nothing')}`,
    { token: gatebook.admin },
  );
  assert.is(early.code, 'user-not-found');
});

test('the whole is told as it was', async ({ gatebook, times, windowId }) => {
  const state = async (name: string) =>
    (await gatebook.must(200, 'GET', `/api/audit/state?at=${at(times, name)}`)).body;
  const nothing = await state('nothing');
  assert.equal([nothing.window.windowId, nothing.counts.pending], [null, 0]);
  const asked = await state('asked');
  assert.equal([asked.window.status, asked.window.windowId], ['unlocked', windowId]);
  assert.equal([asked.window.requestCount, asked.counts.pending, asked.counts.active], [3, 3, 1]);
  const granted = await state('granted');
  assert.equal([granted.counts.active, granted.counts.denied, granted.counts.pending], [3, 1, 0]);
  const revoked = await state('revoked');
  assert.equal([revoked.window.status, revoked.counts.revoked], ['locked', 1]);
  const { body } = await gatebook.must(200, 'GET', '/api/audit/events?limit=1');
  assert.is((await state('nothing')).counts.events < body.items[0].index, true);
});

test('who could use a topic is told with what was meant and what was so', async ({
  gatebook,
  times,
}) => {
  const access = async (name: string, topic: string) =>
    (
      await gatebook.must(
        200,
        'GET',
        `/api/audit/access?topic=${encodeURIComponent(topic)}&at=${at(times, name)}`,
      )
    ).body.items.filter(({ username }: { username: string }) => username !== 'admin');
  const names = (items: { username: string; operation: string }[]) =>
    items.map(({ username, operation }) => `${username} ${operation}`);
  assert.equal(await access('asked', 'plant/press-1/x'), []);
  const granted = await access('granted', 'plant/press-1/x');
  assert.equal(names(granted), ['press-1 read', 'press-1 write']);
  const [row] = granted;
  assert.equal([row.via, row.resource, row.broker], ['press', 'plant/press-1/#', 'embedded']);
  assert.ok(row.intended.from > (times.asked ?? '') && row.intended.from < (times.granted ?? ''));
  assert.ok(row.effective.from >= row.intended.from);
  // It ended when the role lost the topic, long before access was taken away.
  assert.ok(
    row.intended.to > (times.granted ?? '') && row.intended.to < (times['role changed'] ?? ''),
  );
  assert.is(row.effective.to, row.intended.to);

  assert.equal(await access('role changed', 'plant/press-1/x'), []);
  assert.equal(names(await access('role changed', 'plant/any/other')), [
    'press-1 read',
    'press-1 write',
    'press-2 read',
    'press-2 write',
  ]);
  assert.equal(names(await access('widened', 'plant/press-1/x')), ['press-2 read']);
  const [other] = await access('widened', 'plant/any/other');
  assert.is(other.username, 'press-1');
  assert.ok(other.effective.to >= other.intended.to, 'sessions close after the revocation');
  assert.equal(await access('revoked', 'plant/any/other'), []);
  const [still] = await access('revoked', 'plant/press-1/x');
  assert.equal([still.via, still.intended.to, still.effective.to], ['own', null, null]);
});

test('what nobody could publish is not told: beside a publish prefix, or to the broker’s topics', async ({
  gatebook,
}) => {
  await gatebook.must(201, 'POST', '/api/users', {
    username: 'prefixed-1',
    password: strongPassword(),
    permissions: [readWrite('#'), readWrite('$SYS/#')],
    mqttPublishPrefix: 'line4/',
  });
  const moment = new Date(Date.now() + 1_000).toISOString();
  const operations = async (topic: string) =>
    (
      await gatebook.must(
        200,
        'GET',
        `/api/audit/access?at=${moment}&topic=${encodeURIComponent(topic)}`,
      )
    ).body.items
      .filter(({ username }: { username: string }) => username === 'prefixed-1')
      .map(({ operation }: { operation: string }) => operation);
  assert.equal(await operations('line4/a'), ['read', 'write']);
  assert.equal(await operations('line4/#'), ['read', 'write']);
  assert.equal(await operations('line4/'), ['read']);
  assert.equal(await operations('line5/a'), ['read']);
  assert.equal(await operations('#'), ['read']);
  assert.equal(await operations('$SYS/broker'), ['read']);
});

test('what one client could do is told, and pages join', async ({ gatebook, times }) => {
  const { body } = await gatebook.must(
    200,
    'GET',
    `/api/audit/access?username=press-1&at=${at(times, 'granted')}`,
  );
  assert.equal(
    body.items.map(({ operation, resource }: Record<string, string>) => [operation, resource]),
    [['readWrite', 'plant/press-1/#']],
  );
  const query = `/api/audit/access?topic=plant/any/other&at=${at(times, 'role changed')}`;
  const whole = (await gatebook.must(200, 'GET', query)).body.items;
  const walked: unknown[] = [];
  let cursor = '';
  do {
    const page = (await gatebook.must(200, 'GET', `${query}&limit=1${cursor}`)).body;
    walked.push(...page.items);
    cursor = page.nextCursor === null ? '' : `&cursor=${page.nextCursor}`;
  } while (cursor !== '');
  assert.equal(walked, whole);
});

test('a question that is none is refused', async ({ gatebook, times }) => {
  const { call, admin: token } = gatebook;
  for (const [query, place] of [
    [`at=${at(times, 'granted')}`, 'topic'],
    [`at=${at(times, 'granted')}&topic=a&username=press-1`, 'topic'],
    ['topic=a', 'at'],
    [`at=${at(times, 'granted')}&topic=a&cursor=!`, 'cursor'],
  ]) {
    const got = await call('GET', `/api/audit/access?${query}`, { token });
    assert.equal([got.status, got.places], [400, [place]], query);
  }
});

/** Each time that the limits of the window were set, with the requests that came in under them. */
const changes = [
  ['admin', 'press-*', 100, null, 3],
  ['admin', null, 500, 'wider', 0],
];
const limitsIn = ({ limits }: { limits: Record<string, unknown>[] }) =>
  limits.map(({ by, usernamePattern, maxRequests, note, requestCount }) => [
    ...[by, usernamePattern, maxRequests, note, requestCount],
  ]);

test('a credential is explained by its request, window and decision', async ({
  gatebook,
  windowId,
}) => {
  const { body } = await gatebook.must(200, 'GET', '/api/audit/explain/press-1');
  assert.equal([body.user.status, body.request.source], ['revoked', '127.0.0.1']);
  assert.equal([body.window.windowId, body.window.unlockedBy], [windowId, 'admin']);
  assert.is(body.window.usernamePattern, 'press-*');
  assert.equal([body.decision.by, body.decision.reason], ['admin', 'line 4']);
  assert.equal(
    [body.window.maxRequests, body.window.note],
    [100, null],
    'as they were when it asked',
  );
  assert.equal(limitsIn(body), changes);
  const types = body.events.map(({ type }: { type: string }) => type);
  assert.equal(types, [
    'RegistrationRequested',
    'RegistrationGranted',
    'CredentialActivated',
    'AccessRevoked',
    'CredentialDeactivated',
  ]);
  const made = (await gatebook.must(200, 'GET', '/api/audit/explain/admin')).body;
  assert.equal([made.request, made.window, made.decision], [null, null, null]);
  const nobody = await gatebook.call('GET', '/api/audit/explain/nobody', { token: gatebook.admin });
  assert.is(nobody.code, 'user-not-found');
});

test('a window is reported, signed, as JSON and as a page', async ({ gatebook, windowId }) => {
  const path = `/api/audit/windows/${windowId}/report`;
  const { body } = await gatebook.must(200, 'GET', path);
  const { signature, ...signed } = body;
  assert.equal(signed.counts, {
    ...{ asked: 3, granted: 2, denied: 1, expired: 0, pending: 0 },
    ...{ contested: 0, unlisted: 0, limitsUnlisted: 0, turnedAway: 3 },
  });
  assert.equal([signed.window.status, signed.window.lockedBy], ['locked', 'admin']);
  assert.equal(limitsIn(signed), changes, 'a window that was widened afterwards says so');
  assert.is(signed.window.knockCount, 3);
  const key = (await gatebook.call('GET', '/.well-known/checkpoint-key')).text;
  const note = (value: unknown) => noteOf(`${canonicalJson(value)}\n\n${signature}\n`);
  assert.ok(isSignedBy(note(signed), verifierOf(key)));
  assert.not.ok(isSignedBy(note({ ...signed, counts: {} }), verifierOf(key)));
  const narrower = signed.limits.slice(0, 1);
  assert.not.ok(isSignedBy(note({ ...signed, limits: narrower }), verifierOf(key)));

  const page = await gatebook.world.call('GET', path, {
    headers: { Accept: 'text/html,application/xhtml+xml,*/*;q=0.8' },
  });
  assert.match(page.headers.get('content-type') ?? '', /^text\/html/);
  assert.is(page.headers.get('vary'), 'Accept');
  const [, style = ''] = /<style>([\s\S]*)<\/style>/.exec(page.body) ?? [];
  assert.match(style, /@media print/, 'it is kept as a file, and brings its look along');
  const allowed = createHash('sha256').update(style).digest('base64');
  const policy = page.headers.get('content-security-policy') ?? '';
  assert.ok(policy.includes(`style-src 'sha256-${allowed}'`), policy);
  assert.not.match(page.body, /(?:href|src)=/);
  for (const [accept, type] of [
    ['*/*', 'application/json'],
    ['application/json, text/html', 'application/json'],
    ['text/html;q=0.1, application/json', 'application/json'],
    ['application/json;q=0.1, text/html', 'text/html'],
    ['text/html;q=0, */*', 'application/json'],
    ['image/png', 'application/json'],
  ] as const) {
    const { headers } = await gatebook.world.call('GET', path, { headers: { Accept: accept } });
    assert.is(headers.get('content-type')?.split(';')[0], type, accept);
  }
  assert.match(page.body, /<h1>Window report<\/h1>[\s\S]*press-3[\s\S]*denied/);
  assert.match(page.body, /Limits[\s\S]*press-\*[\s\S]*every name[\s\S]*wider/);
  const none = await gatebook.call(
    'GET',
    '/api/audit/windows/0e9c5a48-5a5f-4c55-9b3f-6f3f2b1a7c11/report',
    { token: gatebook.admin },
  );
  assert.is(none.code, 'window-not-found');
});

test.run();
