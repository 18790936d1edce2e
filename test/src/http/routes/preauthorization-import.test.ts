/** A file of rules: what it may be, what becomes of each line, and what is refused before anything is made. */
import { once } from 'node:events';
import { connect } from 'node:net';
import { rulesOfAnyNameMax } from '../../../../src/limits/doors.ts';
import { rulesFileBytesMax, rulesImportedMax } from '../../../../src/limits/http.ts';
import { newName, strong } from '../../../support/door.ts';
import { doorSuite } from '../../../support/door-suite.ts';
import { startRegistry, type World } from '../../../support/service.ts';
import { assert } from '../../../support/suite.ts';

const base = '/api/client-registry/preauthorizations';
const until = '2999-01-01T00:00:00.000Z';

const test = doorSuite('import of preauthorizations');

async function sent(
  world: World,
  file: string | Uint8Array<ArrayBuffer>,
  { dryRun = false, type = 'text/csv', token = world.token as string | null } = {},
) {
  const response = await fetch(`${world.url}${base}/import${dryRun ? '?dryRun=true' : ''}`, {
    method: 'POST',
    headers: { 'content-type': type, ...(token !== null && { authorization: `Bearer ${token}` }) },
    body: file,
  });
  // biome-ignore lint/suspicious/noExplicitAny: a test looks into whatever came back
  const body: any = await response.json();
  return { status: response.status, body };
}
const count = async (world: World): Promise<number> =>
  (await world.call('GET', `${base}?limit=1000`)).body.items.length;

test('good lines are made, with codes that let in; bad ones are named', async ({ door, world }) => {
  await door.lock();
  const name = newName('oven');
  const file = [
    '\ufeffusernamePattern,sources,permissions,maxUses,until,note,enrolmentCode\r',
    `${name},10.0.0.0/8; 127.0.0.0/8,mqtt:read:a/#;mqtt:write:b/1,2,${until},"line 4, ""new""",make\r`,
    '\r',
    `oven-*,,,,2001-01-01T00:00:00Z,,\r`,
    `,10.0.0.1,mqtt:reads:x,many,${until},"two\r`,
    'lines",yes\r',
    'too,few\r',
    `press-*,,http:read:/api/#,,${until},,\r`,
    `kiln,,,,${until},,\r`,
    ',,,,,,\r',
  ].join('\n');
  const { status, body } = await sent(world, file);
  assert.is(status, 200, JSON.stringify(body));
  assert.equal([body.created, body.failed], [2, 4]);
  const told = body.items.map(
    // biome-ignore lint/suspicious/noExplicitAny: a test looks into whatever came back
    ({ line, problem }: any) =>
      `${line} ${problem === undefined ? 'made' : `${problem.code} ${(problem.errors ?? []).map(({ pointer }: { pointer: string }) => pointer)}`}`,
  );
  assert.equal(told, [
    '2 made',
    '4 request-malformed #/until',
    '5 request-malformed #/permissions/0,#/sources/0,#/enrolmentCode,#/maxUses',
    '7 request-malformed #',
    '8 rights-exceed-own ',
    '9 made',
  ]);
  const [first] = body.items;
  const made = (await door.must(200, 'GET', `${base}/${first.preauthorizationId}`)).body;
  assert.equal(
    [made.usernamePattern, made.sources, made.maxUses, made.note, made.hasEnrolmentCode],
    [name, ['10.0.0.0/8', '127.0.0.0/8'], 2, 'line 4, "new"', true],
  );
  assert.equal(made.permissions, [
    { context: 'mqtt', resource: 'a/#', operation: 'read' },
    { context: 'mqtt', resource: 'b/1', operation: 'write' },
  ]);
  const { enrolmentCode } = first;
  assert.is((await door.ask(name, strong(), { enrolmentCode })).status, 201);
  assert.not.ok((JSON.stringify(await door.events()) + world.lines).includes(enrolmentCode));
});

test('a dry run says the same of each line, and makes nothing', async ({ world }) => {
  const before = await count(world);
  const file = `usernamePattern,until,roles\na-*,${until},\nb-*,${until},nobody\n`;
  const { status, body } = await sent(world, file, { dryRun: true });
  assert.is(status, 200);
  assert.equal([body.created, body.failed], [1, 1]);
  assert.equal(body.items[0], { line: 2, preauthorizationId: null, enrolmentCode: null });
  assert.is(body.items[1].problem.code, 'role-not-found');
  assert.is(await count(world), before);
});

test('what is no CSV in UTF-8 is 400 in words, and makes nothing', async ({ world }) => {
  const before = await count(world);
  const good = `usernamePattern,until\na-*,${until}\n`;
  const detail = async (file: string | Uint8Array<ArrayBuffer>, type?: string) => {
    const { status, body } = await sent(world, file, type === undefined ? {} : { type });
    assert.equal([status, body.code], [400, 'request-malformed'], JSON.stringify(body));
    return body.detail as string;
  };
  assert.match(await detail(''), 'The file has no rules');
  assert.match(await detail('usernamePattern,until\n'), 'The file has no rules');
  assert.match(await detail(`usernamePatern,until\na,b`), 'Is it usernamePattern.');
  assert.match(await detail('until,until\n1,2'), 'stands twice');
  assert.match(await detail('usernamePattern;until\na;b'), 'semicolons');
  assert.match(await detail(`${good}"open,${until}\n`), 'Line 3: a quote (") is opened');
  assert.match(await detail(`${good}a"b,${until}\n`), 'Line 3: a quote (") stands where');
  assert.match(await detail(`${good}"${'x'.repeat(70_000)}`), 'longer than a line may be');
  const latin = Uint8Array.from(Buffer.from(`${good}\xe4,${until}\n`, 'latin1'));
  assert.match(await detail(latin), 'not UTF-8: save it as UTF-8');
  const utf16 = Uint8Array.from(Buffer.from(`\ufeff${good}`, 'utf16le'));
  assert.match(await detail(utf16), 'The file is UTF-16');
  assert.match(await detail(good, 'text/csv; charset=iso-8859-1'), 'sent as iso-8859-1');
  assert.is((await sent(world, good, { type: 'application/json' })).status, 415);
  assert.is((await sent(world, good, { token: null })).status, 401);
  assert.is(await count(world), before);
  const quoted = await sent(world, good, { type: 'text/csv; charset="UTF-8"; header=present' });
  assert.is(quoted.status, 200);
});

test('only who may make rules may import them', async ({ door, world }) => {
  const token = await door.signedIn(newName('reader'), { roles: ['auditor'] });
  const { status, body } = await sent(world, `until\n${until}\n`, { token });
  assert.equal([status, body.code], [403, 'permission-missing']);
});

test('where decisions need several people, one of them makes no rules by a file', async () => {
  const alone = await startRegistry({ GATEBOOK_APPROVALS: '2' });
  try {
    const file = `usernamePattern,until,enrolmentCode\na-*,${until},make\n`;
    const { status, body } = await sent(alone, file);
    assert.equal([status, body.action, body.body.count], [202, 'importPreauthorizations', 1]);
    assert.is((await sent(alone, file, { dryRun: true })).body.created, 1);
    assert.is(await count(alone), 0);
  } finally {
    await alone.stop();
  }
});

test('100 MB are refused before they are taken, whether the length is said or not', async ({
  world,
}) => {
  const { hostname, port } = new URL(world.url);
  const answerTo = async (header: string, chunks: number): Promise<[string, number]> => {
    const socket = connect(Number(port), hostname);
    let answer = '';
    let taken = 0;
    socket.on('data', (data) => {
      answer += data;
    });
    socket.on('error', () => undefined);
    const lines = ['Content-Type: text/csv', `Authorization: Bearer ${world.token}`, header];
    socket.write(
      `POST ${base}/import HTTP/1.1\r\nHost: ${hostname}\r\n${lines.join('\r\n')}\r\n\r\n`,
    );
    const chunk = `${'a,b\n'.repeat(16_384)}`;
    for (; taken < chunks && answer === ''; taken++) {
      const isTaken = socket.write(`${chunk.length.toString(16)}\r\n${chunk}\r\n`);
      if (!isTaken) await Promise.race([once(socket, 'drain'), once(socket, 'data')]);
    }
    if (answer === '') await once(socket, 'data');
    socket.destroy();
    return [answer.slice(0, 12), taken * chunk.length];
  };
  assert.equal(await answerTo('Content-Length: 100000000', 0), ['HTTP/1.1 413', 0]);
  const [status, taken] = await answerTo('Transfer-Encoding: chunked', 1_600);
  assert.is(status, 'HTTP/1.1 413');
  // What the system holds on its way comes on top.
  assert.ok(taken < 4 * rulesFileBytesMax, `${taken} bytes`);
});

test('a file has so many rules and no more', async ({ world }) => {
  const line = `deny,x-*,${until}\n`;
  const file = `effect,usernamePattern,until\n${line.repeat(rulesImportedMax + 1)}`;
  const { status, body } = await sent(world, file);
  assert.is(status, 400);
  assert.match(body.detail, 'more than 20,000 rules');
});

test('10,000 rules are imported, and one of them lets in', async ({ door, world }) => {
  await door.lock();
  const line = (index: number) => `bulk-${index},${until},make`;
  const names = Array.from({ length: 10_000 }, (_, index) => line(index));
  const { status, body } = await sent(
    world,
    `usernamePattern,until,enrolmentCode\n${names.join('\n')}\n`,
  );
  assert.equal([status, body.created, body.failed], [200, 10_000, 0]);
  const codes = new Set(body.items.map((item: { enrolmentCode: string }) => item.enrolmentCode));
  assert.is(codes.size, 10_000);
  const { enrolmentCode, line: at } = body.items[7_777];
  assert.is(at, 7_779);
  assert.is((await door.ask('bulk-7777', strong(), { enrolmentCode })).status, 201);
});

test('so many of any name stand at once, whom a file makes or a person, and those of one name as ever', async () => {
  const world = await startRegistry({ GATEBOOK_HTTPS_PORT: 'off', GATEBOOK_MQTT_WS_PORT: 'off' });
  try {
    const csv = (count: number, pattern: (at: number) => string, code = '') =>
      [
        'usernamePattern,until,enrolmentCode',
        ...Array.from({ length: count }, (_, at) => `${pattern(at)},${until},${code}`),
      ].join('\n');
    const many = csv(rulesOfAnyNameMax + 2, (at) => `press-${at}-*`);
    for (const dryRun of [true, false]) {
      const { body } = await sent(world, many, { dryRun });
      assert.equal([body.created, body.failed], [rulesOfAnyNameMax, 2]);
      assert.is(body.items.at(-1).problem.code, 'preauthorizations-full');
    }
    const make = (more: object) => world.call('POST', base, { body: { until, ...more } });
    for (const more of [{ usernamePattern: '*' }, { effect: 'deny', usernamePattern: 'oven-?' }]) {
      const { status, body } = await make(more);
      assert.equal([status, body.code], [409, 'preauthorizations-full']);
    }
    // Those that are found by their name or their proof are as many as anybody likes.
    assert.is((await make({ usernamePattern: 'press-1' })).status, 201);
    assert.is((await make({ usernamePattern: 'press-*', enrolmentCode: true })).status, 201);
    const [one] = (await world.call('GET', `${base}?limit=1000`)).body.items.filter(
      ({ usernamePattern }: { usernamePattern: string }) => /-\d+-\*/.test(usernamePattern),
    );
    await world.call('DELETE', `${base}/${one.preauthorizationId}`);
    assert.is((await make({ usernamePattern: '*' })).status, 201);
  } finally {
    await world.stop();
  }
});

test.run();
