/** Two nodes on one log: what one does is in force at the other, and neither undoes the other's work. */
import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { KeysDiffer } from '../../../src/credentials/keys/log-binding.ts';
import { ask, environmentOf, nodesSuite } from '../../support/kurrentdb/nodes.ts';
import { until } from '../../support/mqtt-peers.ts';
import { startRegistry, type World } from '../../support/service.ts';
import { assert } from '../../support/suite.ts';

const test = nodesSuite('several nodes');

/** A read on one node that waits for what another node wrote. */
const after = (position: string | null) => ({ headers: { 'Gatebook-Position': position ?? '' } });

test('an unlock on one node opens the other’s door, and a grant there is told here', async ({
  first,
  second,
}) => {
  const unlocked = await first.call('POST', '/api/client-registry/unlock', {
    body: { maxRequests: 10_000 },
  });
  const position = unlocked.headers.get('gatebook-position');
  const seen = await second.call('GET', '/api/client-registry', after(position));
  assert.is(seen.body.status, 'unlocked');

  const pending = await ask(second, 'press-1', 'its-own-secret');
  assert.is(pending.status, 202);
  const granted = await first.call(
    'POST',
    `/api/client-registry/requests/${pending.body.requestId}/grant`,
    { body: {} },
  );
  // It waits, at most 2 s, until the other node's event is here.
  assert.is(granted.status === 404 ? 'not read yet' : granted.status, 200);
  const there = await second.call(
    'GET',
    '/api/users/press-1',
    after(granted.headers.get('gatebook-position')),
  );
  assert.is(there.body.status, 'active');
  assert.is((await ask(second, 'press-1', 'its-own-secret')).status, 201);
  assert.is((await ask(first, 'press-1', 'its-own-secret')).status, 201);
});

test('a token of one node is good at the other until it is revoked at either', async ({
  first,
  second,
}) => {
  const issued = await first.call('POST', '/api/tokens', { body: { label: 'for both' } });
  const { token, tokenId } = issued.body;
  const position = issued.headers.get('gatebook-position');
  await second.call('GET', '/api/whoami', after(position));
  assert.is((await second.call('GET', '/api/whoami', { token })).status, 200);
  await second.call('DELETE', `/api/tokens/${tokenId}`);
  await until(() => first.running.app.views.token(tokenId)?.revokedAt !== null);
  assert.is((await first.call('GET', '/api/whoami', { token })).status, 401);
});

/** As a device does that is told 503: on a busy machine a read may come too late (`storeReadAnswerMs`). */
async function askAgain(...asked: Parameters<typeof ask>) {
  let answer = await ask(...asked);
  for (let again = 1; answer.status === 503 && again < 10; again++) {
    await sleep(again * 100);
    answer = await ask(...asked);
  }
  return answer;
}
/** In a form that needs no slow hash: it is the store that is raced for. */
const secretOf = (text: string) => createHash('sha256').update(text).digest('hex');

test('nodes that race for the same names make each name one request', async ({ first, second }) => {
  const names = Array.from({ length: 60 }, (_, index) => `racer-${index}`);
  const answers = await Promise.all(
    names.flatMap((name) => [
      askAgain(first, name, secretOf(`first-${name}`)),
      askAgain(second, name, secretOf(`other-${name}`)),
    ]),
  );
  const counts: Record<string, number> = {};
  for (const { status, body } of answers) {
    const answer = `${status} ${body.code ?? body.status}`;
    counts[answer] = (counts[answer] ?? 0) + 1;
  }
  assert.equal(counts, { '202 pending': names.length, '409 username-taken': names.length });
  // The loser's password never works; the winner's still waits, at whichever node it asks.
  for (const [index, name] of names.entries()) {
    const firstWon = answers[index * 2]?.status === 202;
    const winner = secretOf(firstWon ? `first-${name}` : `other-${name}`);
    assert.is((await askAgain(first, name, winner)).status, 202);
    assert.is((await askAgain(second, name, winner)).status, 202);
  }
});

test('both nodes fold the same rows', async ({ first, second }) => {
  const [one, other] = [first, second].map((world) => world.running.app.readModels);
  const head = await first.call('POST', '/api/client-registry/lock');
  const position = head.headers.get('gatebook-position') as string;
  assert.ok((await one?.reached(position, 2_000)) && (await other?.reached(position, 2_000)));
  assert.is((await one?.state())?.stateHash, (await other?.state())?.stateHash);
});

test('both nodes sign the same checkpoint, and prove with the same hashes', async ({
  first,
  second,
}) => {
  const unlocked = await first.call('POST', '/api/client-registry/unlock');
  const position = unlocked.headers.get('gatebook-position');
  const both = async (path: string) => {
    const [one, other] = await Promise.all(
      [first, second].map((world) => world.call('GET', path, after(position))),
    );
    assert.is(one?.status, 200);
    return [one?.body, other?.body];
  };
  const sizeOf = (world: World) => world.running.app.audit.tree.size();
  // What the brokers did last may have come to one of them only.
  await until(() => sizeOf(first) === sizeOf(second));
  const notes: string[] = await both('/api/audit/checkpoint');
  assert.is(notes[0], notes[1]);
  const [, sizeLine, root] = (notes[0] ?? '').split('\n');
  const size = Number(sizeLine);
  assert.ok(size > 60);
  for (const index of [0, 1, 31, 32, size - 2, size - 1]) {
    const inclusion = `/api/audit/proofs/inclusion?index=${index}&size=${size}`;
    const [one, other] = await both(inclusion);
    assert.equal(one, other);
    assert.is(one.rootHash, root);
    const [its, others] = await both(`/api/audit/proofs/consistency?from=${index + 1}&to=${size}`);
    assert.equal(its, others);
  }
  const lines = await both('/api/audit/export');
  const firstLines = (text: string) => text.split('\n').slice(0, size);
  assert.equal(firstLines(lines[0]), firstLines(lines[1]));
});

test('a second embedded broker is refused, and so are other keys', async ({ server }) => {
  const otherKeys = await mkdtemp(join(tmpdir(), 'gatebook-keys-'));
  try {
    const started = startRegistry(environmentOf({ server, keys: otherKeys }));
    const came = await started.catch((error: unknown) => error);
    assert.ok(came instanceof KeysDiffer, came instanceof Error ? came.stack : 'it started');
  } finally {
    await rm(otherKeys, { recursive: true, force: true });
  }
});

test('a store that goes away is 503 with Retry-After, and work resumes when it is back', async ({
  server,
  first,
}) => {
  await server.stop();
  // The connection is known to be gone when the first question finds no answer.
  const down = await first.call('POST', '/api/client-registry/unlock', { body: { note: 'down' } });
  assert.is(down.status, 503, JSON.stringify(down.body));
  assert.is(down.body.code, 'store-unavailable');
  assert.ok(Number(down.headers.get('retry-after')) > 0);
  assert.is((await first.call('GET', '/readyz', { token: null })).status, 503);
  // An answer that broke off would look like an export that is whole.
  const exported = await first.call('GET', '/api/audit/export');
  assert.equal([exported.status, exported.body.code], [503, 'store-unavailable']);
  await server.start();
  // The node with the brokers drives them again; the other one never wanted the lease.
  await until(() => server.leaseCount() === 1);
  let up = down;
  for (let tries = 0; tries < 300 && up.status !== 200; tries++) {
    await sleep(100);
    up = await first.call('POST', '/api/client-registry/unlock');
  }
  assert.is(up.status, 200);
});

test.run();
