import { setImmediate as nextTurn } from 'node:timers/promises';
import type { WhatIfRule } from '../../../../domain/what-if.ts';
import { requests } from '../../../../projections/requests.ts';
import { windowProjection } from '../../../../projections/window.ts';
import {
  createWhatIf,
  PeriodTooLong,
  TooManyWhatIfs,
} from '../../../../src/audit/time-travel/what-if.ts';
import { merkleTree } from '../../../../src/audit/transparency-log/tree.ts';
import { whatIfPageSize, whatIfRequestsMax, whatIfsMax } from '../../../../src/limits/audit.ts';
import { ada, firstWindow, id, requested } from '../../../support/client.ts';
import { doorOf, strong } from '../../../support/door.ts';
import { logOf, rowsFile } from '../../../support/read-models.ts';
import { startRegistry } from '../../../support/service.ts';
import { assert, suite } from '../../../support/suite.ts';

const test = suite<{ files: ReturnType<typeof rowsFile> }>('audit what-if');
test.before.each((world) => {
  world.files = rowsFile();
});
test.after.each(({ files }) => files.remove());

const second = (count: number) => new Date(Date.UTC(2026, 0, 1) + count * 1_000).toISOString();
const nobodyGone = new AbortController().signal;

/** A log in which so many names ask, one a second, all in one window. */
function whatIfOver(files: ReturnType<typeof rowsFile>, count: number, requestsMax?: number) {
  const limits = { maxRequests: 1_000_000, usernamePattern: null, sources: [], note: null };
  const unlocked = {
    ...{ windowId: firstWindow, until: second(1e6), limits, at: second(0), by: ada },
  };
  const models = files.open();
  models.apply(
    logOf([
      { stream: 'registry-main', type: 'RegistryUnlocked', data: unlocked },
      ...Array.from({ length: count }, (_, at) => {
        const username = `press-${at}`;
        const own = { username, requestId: id(at), source: `address of ${username}` };
        const { type, data } = requested({ ...own, at: second(at + 1) });
        return { stream: `client-${username}`, type, data: { ...data } };
      }),
    ]),
  );
  const opened: string[] = [];
  const whatIf = createWhatIf({
    requests: models.rows(requests),
    window: models.past(windowProjection),
    tree: models.custom(merkleTree),
    personal: {
      async open(username) {
        opened.push(username);
        return `10.4.0.${Number(username.slice('press-'.length)) % 2}`;
      },
    },
    show: async (requestId) => ({ requestId }),
    ...(requestsMax === undefined ? {} : { requestsMax }),
  });
  return { whatIf, opened };
}

const rule = (over: object): WhatIfRule => ({
  ...({ kind: 'limits', usernamePattern: null, sources: [], maxRequests: null } as const),
  ...over,
});

test('every request of many pages is judged once, in the order of the log', async ({ files }) => {
  const count = 2 * whatIfPageSize + 7;
  const { whatIf } = whatIfOver(files, count);
  const told = await whatIf(
    { rule: rule({ maxRequests: whatIfPageSize + 3 }), outcome: 'unchanged', limit: 1_000 },
    true,
    nobodyGone,
  );
  assert.is(told?.counts.asked.all, count);
  assert.equal(
    told?.items.map(({ request }) => request.requestId),
    Array.from({ length: whatIfPageSize + 3 }, (_, at) => id(at)).reverse(),
  );
  assert.is(told?.nextCursor, null);
});

test('addresses are opened only of names that fit', async ({ files }) => {
  const { whatIf, opened } = whatIfOver(files, 30);
  const sources = ['10.4.0.1/32'];
  const named = await whatIf(
    { rule: rule({ usernamePattern: 'press-1?', sources }), limit: 100 },
    true,
    nobodyGone,
  );
  assert.equal(
    opened,
    ['10', '11', '12', '13', '14', '15', '16', '17', '18', '19'].map((n) => `press-${n}`),
  );
  assert.is(named?.counts.unchanged.all, 5);
  await whatIf({ rule: rule({ maxRequests: 5 }), limit: 100 }, true, nobodyGone);
  assert.is(opened.length, 10, 'and of none without networks');
});

test('a period with more requests than are looked at is refused; a shorter one is not', async ({
  files,
}) => {
  const { whatIf } = whatIfOver(files, 20, 10);
  const ask = (since: number, until: number, over = {}) =>
    whatIf(
      { rule: rule(over), since: second(since), until: second(until), limit: 100 },
      true,
      nobodyGone,
    );
  assert.is((await ask(11, 21, { kind: 'preauthorization' }))?.counts.asked.all, 10);
  const refused = (work: Promise<unknown>) =>
    work.then(
      () => null,
      (error) => error instanceof PeriodTooLong && [error.count, error.max],
    );
  assert.equal(await refused(ask(10, 21, { kind: 'preauthorization' })), [11, 10]);
  // The places that were taken before in the window are looked at too.
  assert.is((await ask(6, 11))?.counts.asked.all, 5);
  assert.equal(await refused(ask(11, 21)), [20, 10]);
  assert.is(whatIfRequestsMax, 100_000);
});

test('it lets others in between its pages, and ends when nobody waits any more', async ({
  files,
}) => {
  const { whatIf, opened } = whatIfOver(files, 4 * whatIfPageSize);
  const asked = { rule: rule({ sources: ['10.4.0.0/16'] }), limit: 1 };
  let turns = 0;
  let isOver = false;
  const others = (async () => {
    while (!isOver) {
      turns += 1;
      await nextTurn();
    }
  })();
  await whatIf(asked, true, nobodyGone);
  isOver = true;
  await others;
  assert.ok(turns >= 4, `${turns} turns`);

  opened.length = 0;
  const gone = new AbortController();
  const waiting = whatIf(asked, true, gone.signal);
  await nextTurn();
  gone.abort();
  assert.is(await waiting, undefined);
  assert.ok(opened.length < 4 * whatIfPageSize, `${opened.length} opened`);
  assert.is((await whatIf(asked, true, nobodyGone))?.counts.asked.all, 4 * whatIfPageSize);
});

// ── Beside the real door ──────────────────────────────────────────────────────────────────────────

const attempts = Array.from({ length: 24 }, (_, at) => ({
  stem: `${['press', 'oven', 'robot'][at % 3]}-${at}`,
  source: ['10.4.0.1', '10.9.0.2', 'fd00::3', 'unknown'][at % 4] as string,
}));
const tighter = [
  { usernamePattern: 'press-*' },
  { usernamePattern: '*-1?.*' },
  { sources: ['10.4.0.0/16', 'fd00::/8'] },
  { maxRequests: 5 },
  { usernamePattern: '?????-*', sources: ['10.0.0.0/8'], maxRequests: 3 },
];

test('what it says of limits is what the door does with these limits', async () => {
  const world = await startRegistry({ GATEBOOK_TRUSTED_PROXIES: '127.0.0.1/32' });
  try {
    const door = doorOf(world);
    /** Which of the attempts become requests in a window with these limits, the names made their own. */
    const inWindow = async (limits: object, ending: string) => {
      const { unlockedAt } = await door.unlock(limits);
      const asked: string[] = [];
      for (const { stem, source } of attempts) {
        const { status } = await door.ask(`${stem}${ending}`, strong(), { source });
        if (status === 202) asked.push(stem);
      }
      await door.lock();
      return { asked, since: unlockedAt as string };
    };
    for (const [round, limits] of tighter.entries()) {
      const open = await inWindow({ maxRequests: 1_000 }, `.${round}.open`);
      assert.is(open.asked.length, attempts.length);
      const query = new URLSearchParams({ rule: 'limits', since: open.since, limit: '1000' });
      for (const [name, value] of Object.entries(limits)) query.set(name, String(value));
      const { body } = await door.must(200, 'GET', `/api/audit/what-if?${query}`);
      const left = body.items
        .filter(({ outcome }: { outcome: string }) => outcome === 'unchanged')
        .map(({ request }: { request: { username: string } }) => request.username.split('.')[0])
        .reverse();
      const tight = await inWindow(limits, `.${round}.tight`);
      assert.equal(left, tight.asked, JSON.stringify(limits));
      assert.ok(left.length > 0 && left.length < attempts.length, JSON.stringify(limits));

      query.set('since', tight.since);
      const again = await door.must(200, 'GET', `/api/audit/what-if?${query}`);
      assert.is(again.body.counts.asked.all, tight.asked.length);
      assert.is(again.body.counts.keptOut.all, 0, 'nobody who asked under these limits');
    }
  } finally {
    await world.stop();
  }
});

test('only so many wait, and there is room again when they are done', async ({ files }) => {
  const { whatIf } = whatIfOver(files, 3);
  const ask = () => whatIf({ rule: rule({}), limit: 1 }, true, nobodyGone);
  const answers = await Promise.allSettled(Array.from({ length: whatIfsMax + 1 }, ask));
  const refused = answers.filter(({ status }) => status === 'rejected');
  assert.is(refused.length, 1);
  const [{ reason }] = refused as [PromiseRejectedResult];
  assert.instance(reason, TooManyWhatIfs);
  assert.is((await ask())?.counts.asked.all, 3);
});

test.run();
