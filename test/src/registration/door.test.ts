/** The explicit door over HTTP: every row of SPEC 4, and which of two rows is first. */

import { setTimeout as sleep } from 'node:timers/promises';
import { triesWhereKnownPerMinute } from '../../../src/limits/doors.ts';
import { knockEverywhere, newName, reasonOf, registerPath, strong } from '../../support/door.ts';
import { doorSuite } from '../../support/door-suite.ts';
import { assert } from '../../support/suite.ts';

const attemptsMax = 6;

const test = doorSuite('the door');

test('each state, credential and gate gets the answer of the first row that fits', async ({
  door,
}) => {
  await knockEverywhere(door, async (cell, password) => {
    const answer = await door.ask(cell.username, password);
    assert.is(door.code(answer), cell.told, cell.username);

    // At username-taken too, whoever holds the name: a device asks once more after it.
    const waits = /^(202|409|423)/.test(cell.told);
    assert.is(answer.headers.has('retry-after'), waits, `Retry-After for ${cell.username}`);

    const { username, requestId, reason, blockedUntil } = answer.body;
    const explained = /^(403|410)/.test(cell.told) && cell.credential !== 'other';
    if (cell.told.startsWith('20')) return;
    if (!explained) {
      assert.equal([username, requestId, reason, blockedUntil], Array(4).fill(undefined));
      return;
    }
    assert.is(username, cell.username);
    assert.type(requestId, 'string');
    assert.is(reason, cell.state === 'expired' ? null : reasonOf(cell.state), cell.username);
    if (cell.told.startsWith('403'))
      assert.is(blockedUntil, cell.state === 'blocked' ? '2999-01-01T00:00:00.000Z' : null);
    else assert.is(blockedUntil, undefined);
  });
});

test('row 1: what is malformed is told field by field, to everybody and in every state', async ({
  door,
  world,
}) => {
  const { username } = await door.pending();
  const places = async (body: unknown) => {
    const answer = await world.call('POST', registerPath, { token: null, body });
    assert.is(answer.body.code, 'request-malformed');
    return answer.body.errors.map(({ pointer }: { pointer: string }) => pointer).sort();
  };
  assert.equal(await places({ username, password: '1234' }), ['#/password']);
  assert.equal(await places({ username, password: 'x'.repeat(1_025) }), ['#/password']);
  assert.equal(await places({ username: 'a/b', password: '12' }), ['#/password', '#/username']);
  assert.equal(await places({ username, password: strong(), csr: 'x' }), ['#/csr']);
  // It would be taken for a token wherever it is offered.
  assert.equal(await places({ username, password: 'v4.public.abcdef' }), ['#/password']);
  await door.lock();
  assert.equal(await places({ username, password: '1234' }), ['#/password']);
});

test('row 5: locked, every name is told the very same bytes', async ({ door, world }) => {
  const active = await door.active();
  const pending = await door.pending();
  const revoked = await door.active();
  await door.change(revoked.username, 'revoke');
  const denied = await door.pending();
  await door.deny(denied.requestId, { blockedUntil: '2999-01-01T00:00:00.000Z' });
  await door.lock();
  const names = [newName(), 'admin', ...[active, pending, revoked, denied].map((d) => d.username)];
  const told = async (username: string) => {
    const response = await fetch(`${world.url}${registerPath}`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ username, password: strong() }),
    });
    const headers = [...response.headers].filter(([name]) => name !== 'date');
    return JSON.stringify([response.status, headers, await response.text()]);
  };
  const before = (await door.events()).length;
  const all = new Set(await Promise.all(names.map(told)));
  assert.is(all.size, 1);
  const [only] = all;
  assert.match(only ?? '', /^\[423,/);
  assert.match(only ?? '', /"retry-after","\d+"/);
  assert.is((await door.events()).length, before, 'nothing is stored');
  const knocks = (await door.must(200, 'GET', '/api/client-registry/knocks?limit=1000')).body.items;
  for (const name of names)
    assert.ok(knocks.some(({ username }: { username: string }) => username === name));
});

test('row 5: a source outside the window is told what the locked are told', async ({ door }) => {
  await door.unlock({ sources: ['10.1.0.0/16', 'fd00::/8'] });
  const locked = '423 registry-locked';
  const held = await door.pending(newName(), strong(), { source: '10.1.2.3' });
  assert.is(door.code(await door.ask(newName(), strong(), { source: '10.2.0.1' })), locked);
  assert.is(door.code(await door.ask(newName(), strong(), { source: 'fe80::1' })), locked);
  assert.is(door.code(await door.ask(newName(), strong(), { source: 'fd00::1' })), '202');
  // Row 5 before row 6: a held name is not told apart from outside.
  assert.is(door.code(await door.ask(held.username, strong(), { source: '10.2.0.1' })), locked);
  // Row 3 before row 5: a credential that matches gets its own answer from anywhere.
  assert.is(door.code(await door.ask(held.username, held.password, { source: '10.2.0.1' })), '202');
  // A source that is not known satisfies no list: the proxy names nobody that is an address.
  assert.is(door.code(await door.ask(newName(), strong(), { source: 'unknown' })), locked);
});

test('rows 6 and 7: a held name is told so though the window is full; a free one is not let in', async ({
  door,
}) => {
  const [pending, active, revoked, denied] = [
    await door.pending(),
    await door.active(),
    await door.active(),
    await door.pending(),
  ];
  await door.change(revoked.username, 'revoke');
  await door.deny(denied.requestId);
  const { requestCount } = (await door.must(200, 'GET', '/api/client-registry')).body;
  await door.unlock({ maxRequests: requestCount });
  const code = async (username: string) => door.code(await door.ask(username, strong()));
  assert.is(await code(pending.username), '409 username-taken');
  assert.is(await code(active.username), '409 username-taken');
  assert.is(await code(revoked.username), '410 access-revoked');
  assert.is(await code(denied.username), '403 registration-denied');
  const full = await door.ask(newName(), strong());
  assert.is(door.code(full), '429 window-full');
  assert.ok(Number(full.headers.get('retry-after')) > 0);
  // No challenger came to be where row 7 left no room, though its answer is the same.
  assert.is((await door.requestsOf(active.username)).length, 1);
  // Row 3 before row 7: who waits already goes on waiting.
  assert.is(door.code(await door.ask(pending.username, pending.password)), '202');
  await door.unlock({ maxRequests: requestCount + 1 });
  assert.is(await code(newName()), '202');
  assert.is(await code(newName()), '429 window-full');
});

test('row 2: a source that guesses too often waits, but not with what it proves at once', async ({
  door,
  world,
}) => {
  const device = await door.active();
  const slow = await door.pending(newName(), 'a slow password');
  const forgotten = await door.pending(newName(), 'another slow password');
  await world.restart({ GATEBOOK_SOURCE_ATTEMPTS_PER_MINUTE: String(attemptsMax) });
  const source = '192.0.2.1';
  await door.lock();
  // Remembered from here on.
  assert.is(door.code(await door.ask(slow.username, slow.password, { source })), '202');
  for (let attempt = 0; attempt < attemptsMax; attempt++)
    assert.is(door.code(await door.ask(newName(), strong(), { source })), '423 registry-locked');

  const throttled = await door.ask(newName(), strong(), { source });
  assert.is(door.code(throttled), '429 source-throttled');
  const wait = Number(throttled.headers.get('retry-after'));
  assert.ok(wait > 0 && wait <= 60, `Retry-After ${wait}`);
  // Row 1 before row 2.
  assert.is((await door.ask('x', '1', { source })).status, 400);
  // Row 2 before row 3, where only a slow hash could tell; row 3 where it needs none.
  const again = (one: { username: string; password: string }) =>
    door.ask(one.username, one.password, { source });
  assert.is(door.code(await again(forgotten)), '429 source-throttled');
  assert.is(door.code(await again(slow)), '202');
  assert.is(door.code(await again(device)), '201');
  // Row 2 before row 8, and only for this source.
  await door.unlock();
  assert.is(door.code(await door.ask(newName(), strong(), { source })), '429 source-throttled');
  assert.is(door.code(await door.ask(newName(), strong(), { source: '192.0.2.2' })), '202');
  // A denied one whose password is remembered may ask anew even then.
  await door.deny(slow.requestId);
  assert.is(door.code(await again(slow)), '403 registration-denied');
  await door.lock();
  await door.unlock();
  assert.is(door.code(await again(slow)), '202');
  assert.is(door.code(await again(slow)), '202', 'and polls with it');
  // Who guesses at this very name behind the same address gets no more than some tries a minute.
  for (let attempt = 0; attempt < triesWhereKnownPerMinute; attempt++)
    assert.is(
      door.code(await door.ask(slow.username, `a guess ${attempt}`, { source })),
      '429 source-throttled',
    );
  assert.is(door.code(await again(slow)), '429 source-throttled');
  assert.is(door.code(await again(device)), '201');
  await world.restart();
});

test('many that ask at once get exactly as many places as the window has', async ({ door }) => {
  await door.unlock({ maxRequests: 20 });
  const answers = await Promise.all(
    Array.from({ length: 50 }, async () => door.code(await door.ask(newName(), strong()))),
  );
  assert.is(answers.filter((code) => code === '202').length, 20);
  assert.is(answers.filter((code) => code === '429 window-full').length, 30);
  assert.is((await door.must(200, 'GET', '/api/client-registry')).body.requestCount, 20);
});

test('a window with a place for each refuses nobody, however they come', async ({ door }) => {
  const rounds = 12;
  const { requestCount } = (await door.must(200, 'GET', '/api/client-registry')).body;
  for (let round = 1; round <= rounds; round++) {
    await door.unlock({ maxRequests: requestCount + round * 4 });
    const codes = await Promise.all(
      Array.from({ length: 4 }, async (_, at) => {
        await sleep(at * (round % 4));
        return door.code(await door.ask(newName(), strong()));
      }),
    );
    assert.equal(codes, ['202', '202', '202', '202']);
  }
  assert.is(door.code(await door.ask(newName(), strong())), '429 window-full');
});

test('as many may wait as the limits say, from one source and in all', async ({ door, world }) => {
  const { pendingCount } = (await door.must(200, 'GET', '/api/client-registry')).body;
  await world.restart({
    GATEBOOK_PENDING_PER_SOURCE_MAX: '3',
    GATEBOOK_PENDING_MAX: String(pendingCount + 5),
  });
  await door.unlock({ maxRequests: 1_000 });
  const many = (count: number, source: string) =>
    Promise.all(Array.from({ length: count }, () => door.ask(newName(), strong(), { source })));
  const admitted = async (count: number, source: string) =>
    (await many(count, source)).map(door.code).filter((code) => code === '202').length;
  assert.is(await admitted(10, '198.51.100.1'), 3);
  assert.is(
    door.code(await door.ask(newName(), strong(), { source: '198.51.100.1' })),
    '429 pending-full',
  );
  assert.is(await admitted(10, '198.51.100.2'), 2);
  const full = await door.ask(newName(), strong(), { source: '198.51.100.3' });
  assert.is(door.code(full), '429 pending-full');
  assert.ok(Number(full.headers.get('retry-after')) > 0);
  // A decision makes room.
  const [waiting] = (
    await door.must(200, 'GET', '/api/client-registry/requests?status=pending&limit=1')
  ).body.items;
  await door.deny(waiting.requestId);
  assert.is(door.code(await door.ask(newName(), strong(), { source: '198.51.100.3' })), '202');
  assert.is(
    door.code(await door.ask(newName(), strong(), { source: '198.51.100.3' })),
    '429 pending-full',
  );
  // What waits is still counted by its source after a restart.
  await world.restart({ GATEBOOK_PENDING_PER_SOURCE_MAX: '3' });
  assert.is(
    door.code(await door.ask(newName(), strong(), { source: '198.51.100.1' })),
    '429 pending-full',
  );
  assert.is(door.code(await door.ask(newName(), strong(), { source: '198.51.100.9' })), '202');
  await world.restart();
});

test.run();
