import { assert, suite } from '../../../support/suite.ts';
import { adminPassword, type Gatebook, gatebook, type Ran, said } from '../gatebook.ts';

const test = suite<{ gate: Gatebook; between: string }>('cli what-if');

const linesOf = (ran: Ran) => said(ran).trimEnd().split('\n');

test.before(async (world) => {
  const gate = gatebook();
  world.gate = gate;
  await gate.serve();
  gate.environment.GATEBOOK_USERNAME = 'admin';
  gate.environment.GATEBOOK_PASSWORD = adminPassword;
  said(await gate.call('unlock', '--note', 'line 4'));
  for (const [at, username] of [
    'press-1',
    'press-2',
    'press-3',
    'oven-1',
    'oven-2',
    'robot-1',
  ].entries()) {
    const answer = await fetch(`${gate.environment.GATEBOOK_URL}/api/client-registry/register`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        username,
        password: '0123456789abcdef0123456789abcdef',
        pairingId: `00000${at}`,
      }),
    });
    assert.is(answer.status, 202);
  }
  said(await gate.call('grant', 'press-1', 'oven-1'));
  said(await gate.call('deny', 'press-2', 'oven-2'));
  world.between = new Date(Date.now() + 60_000).toISOString();
});
test.after(({ gate }) => gate.clean());

test('limits: how many, who comes out otherwise, and a table of these', async ({ gate }) => {
  const lines = linesOf(await gate.call('what-if', 'limits', '--pattern', 'press-*'));
  assert.equal(lines.slice(0, 3), [
    'Of 6 requests, 3 would have been asked as they were, 3 kept out (another name 3).',
    '1 that was granted would have been kept out: oven-1',
    '1 that still waits would have been kept out: robot-1',
  ]);
  assert.match(lines[3] ?? '', /^NAME +KIND +SOURCE +ASKED +DECIDED +WOULD BE +WHY$/);
  assert.match(
    lines[4] ?? '',
    /^robot-1 +new +127\.0\.0\.1 +\d+ s +pending +kept out +another name$/,
  );
  assert.match(lines[5] ?? '', /^oven-1 .*granted +kept out/);
  assert.is(lines.length, 6);
  const all = linesOf(await gate.call('what-if', 'limits', '--pattern', 'press-*', '--all'));
  assert.is(all.length, 4 + 6);
  assert.match(all.at(-1) ?? '', /^press-1 .*asked as it was +within the limits$/);
});

test('limits: by network and number', async ({ gate }) => {
  const first = async (...options: string[]) =>
    linesOf(await gate.call('what-if', 'limits', ...options))[0];
  assert.is(
    await first('--source', '10.0.0.0/8', '--source', 'fd00::/8'),
    'Of 6 requests, 0 would have been asked as they were, 6 kept out (another network 6).',
  );
  assert.is(
    await first('--max', '4', '--source', '127.0.0.0/8'),
    'Of 6 requests, 4 would have been asked as they were, 2 kept out (window full 2).',
  );
});

test('a preauthorization: who would have been let in at once', async ({ gate }) => {
  const ask = async (...options: string[]) =>
    linesOf(await gate.call('what-if', 'preauthorization', ...options));
  assert.equal((await ask('--pattern', '*-?', '--max', '5')).slice(0, 4), [
    'Of 6 requests, 5 would have been let in at once, 1 asked as they were (no use left 1).',
    '2 that were denied would have been let in: oven-2 press-2',
    '1 that still waits would have been let in: press-3',
    'NAME     KIND  SOURCE     ASKED  DECIDED  WOULD BE  WHY',
  ]);
  assert.equal(await ask('--pairing-id', '000000'), [
    'Of 6 requests, 1 would have been let in at once, 5 asked as they were (another pairing ID 5).',
    'It would have come to the same.',
  ]);
  assert.match(
    (await ask('--deny', '--pattern', 'oven-*')).slice(0, 2).join('\n'),
    /^Of 6 requests, 2 would have been kept out, 4 asked as they were \(another name 4\)\.\n1 that was granted would have been kept out: oven-1$/,
  );
});

test('a period is said, and one in which nobody asked', async ({ gate, between }) => {
  const ask = async (...options: string[]) =>
    linesOf(await gate.call('what-if', 'preauthorization', ...options));
  assert.match(
    (await ask('--since', '1h', '--until', between))[0] ?? '',
    /^Of 6 requests since \d{4}-\d\d-\d\d \d\d:\d\d:\d\d[+-]\d\d:\d\d until \d{4}-[\d-]+ [\d:]+[+-]\d\d:\d\d, 6 would/,
  );
  assert.match(
    (await ask('--until', '1h')).join('\n'),
    /^Nobody asked until [\d-]+ [\d:]+[+-]\d\d:\d\d\.$/,
  );
});

test('--json is what the registry answers, page by page', async ({ gate }) => {
  const page = JSON.parse(
    said(await gate.call('what-if', 'limits', '--max', '1', '--json', '--limit', '2')),
  );
  assert.is(page.counts.keptOut.all, 5);
  assert.equal(
    page.items.map(({ request }: { request: { username: string } }) => request.username),
    ['robot-1', 'oven-1'],
  );
  const options = ['--max', '1', '--limit', '2', '--cursor', page.nextCursor];
  const rest = linesOf(await gate.call('what-if', 'limits', ...options));
  assert.match(rest.at(-1) ?? '', /^press-3 /);
});

test('what is mistyped is said, with exit 2; what is refused, with the registry’s words', async ({
  gate,
}) => {
  for (const [args, words] of [
    [[], 'limits|preauthorization is missing.'],
    [['guess'], '"guess" is no rule. Give one of limits, preauthorization.'],
    [['limits', '--deny'], '--deny is for: gatebook what-if preauthorization'],
    [
      ['limits', '--pairing-id', '000000'],
      '--pairing-id is for: gatebook what-if preauthorization',
    ],
    [['limits', '--source', '10.0.0'], '"10.0.0" is no network.'],
    [['limits', '--max', '0'], '"0" is not a number'],
    [['limits', '--since', 'soon'], '"soon" is no time.'],
  ] as const) {
    const { exitCode, stderr } = await gate.call('what-if', ...args);
    assert.is(exitCode, 2, stderr);
    assert.ok(stderr.includes(words), stderr);
  }
  const refused = await gate.call('what-if', 'limits', '--since', '1h', '--until', '2h');
  assert.is(refused.exitCode, 3);
  assert.match(refused.stderr, 'until must lie after since.');
});

test.run();
