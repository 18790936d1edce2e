/** Who could use a topic, over many names: a few at a time, while others go on. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { accessAt } from '../../../../src/audit/time-travel/access-at.ts';
import { momentOf, pastOf } from '../../../../src/audit/time-travel/past.ts';
import { merkleTree } from '../../../../src/audit/transparency-log/tree.ts';
import { versionsPerStepMax } from '../../../../src/limits/rows.ts';
import { createTurns } from '../../../../src/platform/turns.ts';
import { ada, id } from '../../../support/client.ts';
import { logOf, rowsFile } from '../../../support/read-models.ts';
import { assert, suite } from '../../../support/suite.ts';

const test = suite<{ files: ReturnType<typeof rowsFile> }>('audit access at a moment');
test.before.each((world) => {
  world.files = rowsFile();
});
test.after.each(({ files }) => files.remove());

const madeAt = '2026-01-01T00:00:00.000Z';
const later = '2026-01-02T00:00:00.000Z';
const nameOf = (at: number) => `press-${String(at).padStart(6, '0')}`;

/** A log in which so many are made who may use their own topic, and every tenth that of all. */
function pastOfMany(files: ReturnType<typeof rowsFile>, count: number) {
  const models = files.open();
  const permission = (resource: string) => ({ context: 'mqtt', resource, operation: 'readWrite' });
  models.apply(
    logOf(
      Array.from({ length: count }, (_, at) => ({
        stream: `client-${nameOf(at)}`,
        type: 'ClientCreated',
        data: {
          ...{ username: nameOf(at), credentialId: id(at), reason: null, at: madeAt, by: ada },
          rights: {
            ...{ roles: [], mqttPublishPrefix: null, mqttClientId: null, expiresAt: null },
            permissions: [
              permission(`own/$\{username}`),
              ...(at % 10 === 0 ? [permission('plant/#')] : []),
            ],
          },
        },
      })),
    ),
  );
  assert.equal(models.faults(), []);
  const tree = models.custom(merkleTree);
  return { past: pastOf(models, tree, createTurns(0)), moment: momentOf(tree, later) };
}

/** How many turns others had meanwhile. */
async function turnsDuring(work: () => Promise<unknown>): Promise<number> {
  let [turns, isOver] = [0, false];
  const counting = (async () => {
    for (; !isOver; turns++) await nextTurn();
  })();
  await work();
  isOver = true;
  await counting;
  return turns;
}

const count = 2 * versionsPerStepMax + 50;

test('pages hold each name once, in their order, over many steps', async ({ files }) => {
  const { past, moment } = pastOfMany(files, count);
  const found: string[] = [];
  let cursor: string | undefined;
  do {
    const page = await accessAt(past, moment, { topic: 'plant/x', limit: 100, cursor });
    assert.ok(page.items.length > 0 && page.items.length <= 101);
    found.push(...page.items.map(({ username }) => username));
    cursor = page.nextCursor ?? undefined;
  } while (cursor !== undefined);
  const those = Array.from({ length: count }, (_, at) => at).filter((at) => at % 10 === 0);
  assert.equal(
    found,
    those.flatMap((at) => [nameOf(at), nameOf(at)]),
  );
});

test('the last page says so, also where it is full', async ({ files }) => {
  const { past, moment } = pastOfMany(files, 21);
  const page = (limit: number) => accessAt(past, moment, { topic: 'plant/x', limit });
  assert.is((await page(6)).nextCursor, null);
  assert.is((await page(6)).items.length, 6);
  assert.type((await page(4)).nextCursor, 'string');
  const one = await accessAt(past, moment, { topic: 'own/press-000011', limit: 100 });
  assert.equal(
    one.items.map(({ username, operation }) => [username, operation]),
    [
      ['press-000011', 'read'],
      ['press-000011', 'write'],
    ],
  );
});

test('others go on between the steps', async ({ files }) => {
  const { past, moment } = pastOfMany(files, count);
  const noOne = { topic: 'nowhere/x', limit: 100 };
  assert.ok((await turnsDuring(() => accessAt(past, moment, noOne))) >= 2);
  const many = { topic: 'plant/x', limit: 1_000 };
  const turns = await turnsDuring(() => accessAt(past, moment, many));
  assert.ok(turns >= count / 10, `${turns} turns`);
});

test('who asks at the same time takes turns', async ({ files }) => {
  const { past, moment } = pastOfMany(files, 501);
  const ask = () => accessAt(past, moment, { topic: 'plant/x', limit: 1_000 });
  const turns = await turnsDuring(() => Promise.all([ask(), ask(), ask(), ask()]));
  assert.ok(turns >= 4 * 51, `${turns} turns`);
});

test.run();
