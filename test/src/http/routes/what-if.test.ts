import { setTimeout as sleep } from 'node:timers/promises';
import type { App } from '../../../../src/app.ts';
import { PeriodTooLong } from '../../../../src/audit/time-travel/what-if.ts';
import { whatIfRoutes } from '../../../../src/http/routes/what-if.ts';
import { assert, suite } from '../../../support/suite.ts';
import { callerWith, problemOf, shell } from '../listening-application.ts';
import { type Running, running, strongPassword } from '../running-service.ts';

const path = '/api/audit/what-if';
const personalData = '/api/personal-data';

interface Item {
  request: { requestId: string; username: string; source: string | null; kind: string };
  outcome: string;
  reason: string;
  differs: boolean;
}

const test = suite<{
  gatebook: Running;
  /** Between the two windows. */
  between: string;
  tell: (query: string) => Promise<{ counts: Record<string, never>; items: Item[] }>;
}>('http what-if');

async function story(gatebook: Running): Promise<string> {
  const { must, call } = gatebook;
  const asked = async (username: string, source: string, pairingId?: string) => {
    const { body } = await call('POST', '/api/client-registry/register', {
      body: { username, password: strongPassword(), pairingId },
      headers: { 'X-Forwarded-For': source },
    });
    return `/api/client-registry/requests/${body.requestId}`;
  };
  const unlock = () => must(200, 'POST', '/api/client-registry/unlock', {});
  const lock = () => must(200, 'POST', '/api/client-registry/lock');

  await unlock();
  const press1 = await asked('press-1', '10.4.0.1', 'a1b2c3');
  const press2 = await asked('press-2', '10.4.0.2');
  await must(200, 'POST', `${press1}/grant`);
  await must(200, 'POST', `${press2}/deny`);
  await must(200, 'POST', `${await asked('press-3', '10.9.0.3')}/grant`);
  await asked('oven-1', '10.4.0.4');
  await asked('oven-2', 'unknown');
  // Another credential for an active name.
  await asked('press-1', '10.4.0.9');
  await lock();
  await sleep(5);
  const between = new Date().toISOString();
  await sleep(5);
  await unlock();
  await must(200, 'POST', `${await asked('press-2', '10.4.0.2')}/deny`);
  await must(200, 'POST', `${await asked('press-4', 'fd00::4')}/grant`);
  await must(200, 'POST', '/api/users/press-4/erase');
  await lock();
  return between;
}

test.before(async (world) => {
  world.gatebook = await running({ GATEBOOK_TRUSTED_PROXIES: '127.0.0.1/32' });
  world.between = await story(world.gatebook);
  world.tell = async (query) => (await world.gatebook.must(200, 'GET', `${path}?${query}`)).body;
});
test.after(({ gatebook }) => gatebook.stop());

const lines = ({ items }: { items: Item[] }) =>
  items.map(
    ({ request, outcome, reason, differs }) =>
      `${request.username} ${outcome} ${reason}${differs ? ' differs' : ''}`,
  );

test('limits: who would have been kept out, newest first, beside what was decided', async ({
  tell,
}) => {
  const told = await tell('rule=limits&usernamePattern=press-*');
  assert.equal(lines(told), [
    'press-4 unchanged within-limits',
    'press-2 unchanged within-limits',
    'press-1 unchanged within-limits',
    'oven-2 kept-out name-outside differs',
    'oven-1 kept-out name-outside differs',
    'press-3 unchanged within-limits',
    'press-2 unchanged within-limits',
    'press-1 unchanged within-limits',
  ]);
  const none = { all: 0, granted: 0, denied: 0, expired: 0, pending: 0 };
  const { reasons, ...counts } = told.counts as Record<string, Record<string, number>>;
  assert.equal(counts, {
    asked: { ...none, all: 8, granted: 3, denied: 2, pending: 3 },
    letIn: none,
    keptOut: { ...none, all: 2, pending: 2 },
    unchanged: { ...none, all: 6, granted: 3, denied: 2, pending: 1 },
    differing: 2,
  });
  assert.equal(
    Object.entries(reasons ?? {}).filter(([, count]) => count > 0),
    [
      ['within-limits', 6],
      ['name-outside', 2],
    ],
  );
});

test('limits: by network, where an address is known; places are counted for each window', async ({
  tell,
}) => {
  assert.equal(lines(await tell('rule=limits&sources=10.4.0.0/16,%20192.0.2.0/24')).toReversed(), [
    'press-1 unchanged within-limits',
    'press-2 unchanged within-limits',
    'press-3 kept-out source-outside differs',
    'oven-1 unchanged within-limits',
    'oven-2 kept-out source-unknown differs',
    'press-1 unchanged within-limits',
    'press-2 unchanged within-limits',
    'press-4 kept-out source-erased differs',
  ]);
  assert.equal(lines(await tell('rule=limits&maxRequests=1&outcome=unchanged')).toReversed(), [
    'press-1 unchanged within-limits',
    'press-2 unchanged within-limits',
  ]);
});

test('a preauthorization: who would have been let in at once', async ({ tell }) => {
  assert.equal(lines(await tell('rule=preauthorization&usernamePattern=press-*')).toReversed(), [
    'press-1 let-in rule-matches',
    'press-2 let-in rule-matches differs',
    'press-3 let-in rule-matches',
    'oven-1 unchanged name-outside',
    'oven-2 unchanged name-outside',
    'press-1 unchanged name-held',
    'press-2 unchanged name-held',
    'press-4 let-in rule-matches',
  ]);
  const fits = async (query: string) =>
    lines(await tell(`rule=preauthorization&${query}`)).filter((line) => /rule-matches/.test(line));
  assert.equal(await fits('pairingId=A1B2C3'), ['press-1 let-in rule-matches']);
  assert.equal(await fits('sources=10.9.0.0/16'), ['press-3 let-in rule-matches']);
  assert.equal(await fits('maxUses=2'), [
    'press-2 let-in rule-matches differs',
    'press-1 let-in rule-matches',
  ]);
  assert.equal(await fits('effect=deny&usernamePattern=press-?'), [
    'press-4 kept-out rule-matches differs',
    'press-2 kept-out rule-matches',
    // By the rule nobody of this name had got in before: not a replacement, then.
    'press-1 kept-out rule-matches differs',
    'press-3 kept-out rule-matches differs',
    'press-2 kept-out rule-matches',
    'press-1 kept-out rule-matches differs',
  ]);
});

test('a period is looked at alone, and a window that it begins in keeps the places taken', async ({
  gatebook,
  tell,
  between,
}) => {
  assert.equal(lines(await tell(`rule=preauthorization&since=${between}`)), [
    'press-4 let-in rule-matches',
    'press-2 let-in rule-matches differs',
  ]);
  assert.is((await tell(`rule=limits&until=${between}`)).items.length, 6);
  const { items } = (await gatebook.must(200, 'GET', '/api/client-registry/requests?q=oven-2'))
    .body as { items: { requestedAt: string }[] };
  const since = items[0]?.requestedAt;
  const told = await tell(`rule=limits&maxRequests=5&since=${since}&until=${between}`);
  assert.equal(lines(told), [
    'press-1 kept-out window-full differs',
    'oven-2 unchanged within-limits',
  ]);
  assert.equal(lines(await tell(`rule=limits&since=2999-01-01T00:00:00Z`)), []);
});

test('only those that differ, or of one outcome, and pages join', async ({ gatebook, tell }) => {
  const query = 'rule=preauthorization&effect=deny&usernamePattern=press-*';
  const whole = await tell(query);
  const differing = await tell(`${query}&differs=true`);
  assert.equal(
    lines(differing),
    lines(whole).filter((line) => line.endsWith('differs')),
  );
  assert.equal(differing.counts, whole.counts, 'all are counted');
  assert.equal(
    lines(await tell(`${query}&differs=false&outcome=kept-out`)),
    ['press-2', 'press-2'].map((name) => `${name} kept-out rule-matches`),
  );
  for (const limit of [1, 2, 3, 8]) {
    const walked: string[] = [];
    let cursor = '';
    do {
      const { body } = await gatebook.must(200, 'GET', `${path}?${query}&limit=${limit}${cursor}`);
      assert.ok(body.items.length <= limit);
      walked.push(...lines(body));
      cursor = body.nextCursor === null ? '' : `&cursor=${body.nextCursor}`;
    } while (cursor !== '');
    assert.equal(walked, lines(whole), `by ${limit}`);
  }
});

test('networks are asked only by who may see addresses, and nobody else is shown one', async ({
  gatebook,
}) => {
  const { call, must, signedIn } = gatebook;
  await must(201, 'PUT', '/api/roles/counter', {
    permissions: [{ context: 'http', resource: '/api/audit/#', operation: 'read' }],
  });
  const token = await signedIn('counter', { roles: ['counter'] });
  const refused = await call('GET', `${path}?rule=limits&sources=10.4.0.0/16`, { token });
  assert.equal([refused.status, refused.code], [403, 'permission-missing']);
  assert.equal(refused.body.required, {
    context: 'http',
    resource: personalData,
    operation: 'read',
  });
  const told = await call('GET', `${path}?rule=limits&usernamePattern=press-*`, { token });
  assert.equal(
    told.body.items.map(({ request }: Item) => request.source),
    Array(8).fill(null),
  );
  const auditor = await signedIn('auditor', { roles: ['auditor'] });
  const seen = await call('GET', `${path}?rule=limits&sources=10.4.0.0/16`, { token: auditor });
  assert.is(seen.body.items.at(-1).request.source, '10.4.0.1');
});

test('nobody without the permission, or a token, is told anything', async ({ gatebook }) => {
  const { call, signedIn } = gatebook;
  assert.is((await call('GET', `${path}?rule=limits`)).code, 'token-missing');
  const token = await signedIn('registrar', { roles: ['registrar'] });
  const refused = await call('GET', `${path}?rule=limits`, { token });
  assert.equal([refused.code, refused.body.required.resource], ['permission-missing', path]);
});

test('a question that is none is refused, and its parameter named', async ({ gatebook }) => {
  const networks = (count: number) => Array(count).fill('10.0.0.0/8').join(',');
  for (const [query, places] of [
    ['', ['rule']],
    ['rule=guess', ['rule']],
    ['rule=limits&effect=allow', ['effect']],
    ['rule=limits&maxUses=1&pairingId=a1b2c3', ['pairingId', 'maxUses']],
    ['rule=preauthorization&maxRequests=1', ['maxRequests']],
    ['rule=preauthorization&csrFingerprint=ab', ['csrFingerprint']],
    ['rule=preauthorization&effect=perhaps', ['effect']],
    ['rule=preauthorization&pairingId=12345', ['pairingId']],
    ['rule=preauthorization&maxUses=0', ['maxUses']],
    ['rule=limits&maxRequests=1000001', ['maxRequests']],
    ['rule=limits&usernamePattern=', ['usernamePattern']],
    ['rule=limits&sources=', ['sources']],
    ['rule=limits&sources=10.0.0.0', ['sources']],
    ['rule=limits&sources=10.0.0.0/8,,', ['sources']],
    [`rule=limits&sources=${networks(65)}`, ['sources']],
    ['rule=limits&sources=10.0.0.0/8&sources=10.1.0.0/16', ['sources']],
    ['rule=limits&since=yesterday', ['since']],
    ['rule=limits&since=2026-01-02T00:00:00Z&until=2026-01-01T00:00:00Z', ['until']],
    ['rule=limits&outcome=in', ['outcome']],
    ['rule=limits&differs=yes', ['differs']],
    ['rule=limits&limit=0', ['limit']],
    ['rule=limits&cursor=!', ['cursor']],
  ] as const) {
    const got = await gatebook.call('GET', `${path}?${query}`, { token: gatebook.admin });
    assert.equal([got.status, got.code, got.places], [400, 'request-malformed', places], query);
  }
  const most = await gatebook.must(200, 'GET', `${path}?rule=limits&sources=${networks(64)}`);
  assert.is(most.body.counts.asked.all, 8);
});

test('a period that is too long says how many there are; a stop says that it stops', async () => {
  const everything = { context: 'http', resource: '/#', operation: 'read' } as const;
  const answering = async (whatIf: App['audit']['whatIf']) => {
    const service = await shell(whatIfRoutes({ audit: { whatIf } as App['audit'] }), {
      edge: { authenticate: async () => callerWith('ada', [everything]) },
    });
    try {
      const headers = { Authorization: 'Bearer any' };
      const response = await fetch(`${service.url}${path}?rule=limits`, { headers });
      return { status: response.status, ...(await problemOf(response)) };
    } finally {
      await service.stop();
    }
  };
  const long = await answering(() => Promise.reject(new PeriodTooLong(214_000, 100_000)));
  assert.equal([long.status, long.code, long.places], [400, 'request-malformed', ['since']]);
  assert.match(
    long.detail,
    '214,000 requests, and at most 100,000 are looked at: choose a shorter',
  );
  const stopped = await answering(async () => undefined);
  assert.equal([stopped.status, stopped.code], [503, 'stopping']);
});

test('nothing of it is recorded', async ({ gatebook, tell }) => {
  const count = async () =>
    (await gatebook.must(200, 'GET', '/api/audit/events?limit=1')).body.items[0].index;
  const before = await count();
  await tell('rule=preauthorization');
  assert.is(await count(), before);
});

test.run();
