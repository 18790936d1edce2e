/** Every question to the rows, the log and the vault is led by an index: what it costs does not grow with them. */
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { tokenEndsLookMs } from '../../../src/limits/brokers.ts';
import { doorOf } from '../../support/door.ts';
import { startRegistry, type World } from '../../support/service.ts';
import { assert, suite } from '../../support/suite.ts';

const test = suite<{ asked: Set<string>; prepare: DatabaseSync['prepare']; world: World }>(
  'query plans',
);

test.before.each((here) => {
  const { prototype } = DatabaseSync;
  here.prepare = prototype.prepare;
  here.asked = new Set();
  prototype.prepare = function (this: DatabaseSync, sql: string, ...rest: never[]) {
    here.asked.add(sql);
    return here.prepare.call(this, sql, ...rest);
  };
});
test.after.each(async ({ prepare, world }) => {
  DatabaseSync.prototype.prepare = prepare;
  await world.stop();
});

/** Asks of everything that there is once. */
async function livesOnce(world: World): Promise<void> {
  const door = doorOf(world);
  const get = (path: string) => door.must(200, 'GET', path);
  const { windowId } = await door.unlock();
  await door.must(201, 'PUT', '/api/roles/press', { body: { permissions: [] } });
  const { username, password, requestId } = await door.active({ roles: ['press'] });
  await door.pending();
  await door.ask(username, 'of somebody else');
  const label = { label: 'mine', username, expireTimeInHours: 1 };
  await door.must(201, 'POST', '/api/tokens', { body: label });
  await door.change(username, 'suspend', { reason: 'leaks' });
  assert.is((await door.ask(username, password)).body.reason, 'leaks');
  await door.change(username, 'resume');
  const at = new Date().toISOString();
  for (const path of [
    '/metrics',
    '/api/roles',
    '/api/client-registry',
    '/api/client-registry/requests?status=pending',
    `/api/client-registry/requests/${requestId}`,
    '/api/users?status=active',
    '/api/users?certificateEndsWithinDays=30&status=active',
    `/api/users/${username}`,
    `/api/tokens?username=${username}`,
    `/api/audit/events?username=${username}`,
    `/api/audit/activity?since=2026-01-01T00:00:00.000Z&until=${at}`,
    `/api/audit/state?at=${at}&username=${username}`,
    `/api/audit/access?at=${at}&username=${username}`,
    `/api/audit/explain/${username}`,
    `/api/audit/windows/${windowId}/report`,
    '/api/audit/checkpoint',
  ])
    await get(path);
  await door.change(username, 'rotate', {});
  await door.change(username, 'revoke');
  await door.change(username, 'erase');
  // What runs by the clock asks, too.
  await sleep(2 * tokenEndsLookMs);
}

/** How SQLite goes about a question. */
const planOf = (database: DatabaseSync, sql: string): string =>
  (database.prepare(`EXPLAIN QUERY PLAN ${sql}`).all() as { detail: string }[])
    .map(({ detail }) => detail)
    .join('; ');

/** Who looks back at everybody goes through all versions. */
const looksAtEverybody = (sql: string) => /FROM versions_\w+\s+WHERE since/.test(sql);

/** Goes through all rows, or sorts them; a page along an index without a condition does neither, nor whoever asks for any row. */
const isLong = (sql: string, plan: string): boolean =>
  /TEMP B-TREE/.test(plan) ||
  (/\bSCAN (?!\()/.test(plan) && !/(WHERE 1|FROM \w+)\s+ORDER|FROM \w+ LIMIT 1$/.test(sql));

/** Goes by another index than that of the condition which leads to the fewest rows: the first one. */
function isAside(sql: string, plan: string): boolean {
  const [, first] = /FROM rows_\w+\s+WHERE "(\w+)"/.exec(sql) ?? [];
  const [, index] = /INDEX rows_[a-z]+_(\w+)/.exec(plan) ?? [];
  return first !== undefined && index !== undefined && first !== index;
}

test('each question goes by an index to the rows that it is about', async (here) => {
  here.world = await startRegistry();
  await livesOnce(here.world);
  const { dataDir, running } = here.world;
  await running.stop();
  const files = [
    ['read-models.sqlite', /\b(rows|versions|texts)_/],
    ['log.sqlite', /\b(events|vault)\b/],
  ] as const;
  const long: string[] = [];
  let lookedAt = 0;
  for (const [file, itsTables] of files) {
    const database = new DatabaseSync(join(dataDir, file));
    for (const sql of here.asked) {
      if (!/^\s*(SELECT|UPDATE|DELETE)\b/.test(sql) || !itsTables.test(sql)) continue;
      if (looksAtEverybody(sql)) continue;
      lookedAt += 1;
      const plan = planOf(database, sql);
      if (isLong(sql, plan) || isAside(sql, plan))
        long.push(`${sql.replace(/\s+/g, ' ')} → ${plan}`);
    }
    database.close();
  }
  assert.equal(long, []);
  assert.ok(lookedAt > 40, `${lookedAt} questions`);
});

test.run();
