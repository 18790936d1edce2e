import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { assert, suite } from '../../../support/suite.ts';
import { adminPassword, type Gatebook, gatebook, type Running, said } from '../gatebook.ts';

interface World {
  gate: Gatebook;
  service: Running;
  file(name: string): string;
}
const test = suite<World>('cli audit files');
test.before(async (world) => {
  const gate = gatebook();
  world.gate = gate;
  world.file = (name) => join(gate.folder, name);
  world.service = await gate.serve();
  gate.environment.GATEBOOK_USERNAME = 'admin';
  gate.environment.GATEBOOK_PASSWORD = adminPassword;
  said(await gate.call('unlock'));
  const register = async (username: string) =>
    await fetch(`${gate.environment.GATEBOOK_URL}/api/client-registry/register`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        username,
        password: randomBytes(16).toString('hex'),
        context: { site: 'hall 7' },
      }),
    });
  for (const name of ['press-1', 'press-2', 'press-3'])
    assert.is((await register(name)).status, 202);
  said(await gate.call('grant', 'press-*', '--yes'));
});
test.after(({ gate }) => gate.clean());

const linesIn = (file: string) => readFileSync(file, 'utf8').trimEnd().split('\n');

test('what is exported, checkpointed and verified is whole', async ({ gate, file }) => {
  writeFileSync(file('key.txt'), said(await gate.call('checkpoint', '--public-key')));
  writeFileSync(file('first.txt'), said(await gate.call('checkpoint')));
  const exported = said(
    await gate.call(
      ...['export', '--out', file('log.ndjson'), '--with-personal-data', file('personal.ndjson')],
    ),
  );
  assert.match(
    exported,
    /^Exported \d+ events to .*log\.ndjson\.\nOpened the personal fields of 3 events/,
  );
  const same = await gate.call(
    ...['export', '--out', file('log.ndjson'), '--with-personal-data', file('./log.ndjson')],
  );
  assert.is(same.exitCode, 2);
  assert.is(statSync(file('log.ndjson')).mode & 0o777, 0o600);
  assert.not.match(readFileSync(file('log.ndjson'), 'utf8'), /hall 7/);
  assert.match(
    readFileSync(file('personal.ndjson'), 'utf8'),
    /"source":"127\.0\.0\.1".*"site":"hall 7"/,
  );

  // Without the registry: no address, nobody signed in.
  const alone = { ...gate.environment };
  for (const name of ['GATEBOOK_URL', 'GATEBOOK_USERNAME', 'GATEBOOK_PASSWORD'])
    delete gate.environment[name];
  const verified = await gate.run(
    ...['verify', 'log.ndjson', '--checkpoint', 'first.txt', '--key', 'key.txt'],
  );
  Object.assign(gate.environment, alone);
  assert.match(said(verified), /^Whole and untouched: \d+ events, 1 checkpoint fits\./);
});

test('an export that stopped goes on, also from the middle of a line', async ({ gate, file }) => {
  const whole = readFileSync(file('log.ndjson'));
  writeFileSync(file('part.ndjson'), whole.subarray(0, Math.floor(whole.length / 2)));
  said(await gate.call('history', 'press-1'));
  const { from, size } = JSON.parse(
    said(await gate.call('export', '--out', file('part.ndjson'), '--json')),
  );
  assert.ok(from > 0 && size >= linesIn(file('log.ndjson')).length);
  assert.equal(readFileSync(file('part.ndjson')).subarray(0, whole.length), whole);
});

test('an export that began later goes on by the same command', async ({ gate, file }) => {
  const export_ = () => gate.call('export', '--out', file('late.ndjson'), '--from', '2', '--json');
  said(await export_());
  truncateSync(file('late.ndjson'), statSync(file('late.ndjson')).size - 20);
  said(await export_());
  said(await gate.call('export', '--out', file('log.ndjson')));
  // The command that exported the whole signed in once more.
  const late = linesIn(file('late.ndjson'));
  assert.equal(late, linesIn(file('log.ndjson')).slice(2, 2 + late.length));
});

test('an export goes on with nothing but its own beginning', async ({ gate, file }) => {
  const lines = linesIn(file('log.ndjson'));
  for (const [name, text, ...more] of [
    ['another file', 'dear diary\ntoday'],
    ['another file without a line', 'dear diary'],
    ['another beginning', `${lines[1]}\n`],
    ['the last line changed', `${lines[0]}\n${lines[1]?.replace('e', 'E')}\n`],
    ['half a line changed', `${lines[0]}\n{"wrong`],
    ['more than the log has', `${lines.join('\n')}\n{}\n{}\n`],
    ['begun at another event', `${lines[0]}\n`, '--from', '1'],
  ] as const) {
    writeFileSync(file('other'), text);
    const { exitCode, stderr } = await gate.call('export', '--out', file('other'), ...more);
    assert.is(exitCode, 1, name);
    assert.match(stderr, /does not end with event \d+ of this log: nothing was written/, name);
    assert.is(readFileSync(file('other'), 'utf8'), text, name);
  }
});

test('a file that cannot be written is named', async ({ gate, file }) => {
  for (const [path, words] of [
    [file('none/log.ndjson'), /none\/log.ndjson: there is no such file or folder/],
    [gate.folder, /this is a folder/],
  ] as const) {
    const { exitCode, stderr } = await gate.call('export', '--out', path);
    assert.is(exitCode, 2);
    assert.match(stderr, words);
    assert.not.match(stderr, /\n {4}at /);
  }
});

test('personal fields are exported for who may read them alone', async ({ gate, file }) => {
  const made = await gate.call(
    ...['users', 'create', 'reader', '--permission', 'http:read:/api/audit/#', '--json'],
  );
  const { password } = JSON.parse(said(made));
  const signedInAsAdmin = { ...gate.environment };
  Object.assign(gate.environment, {
    GATEBOOK_USERNAME: 'reader',
    GATEBOOK_PASSWORD: password,
  });
  const asked = ['export', '--out', file('mine.ndjson')];
  const refused = await gate.call(...asked, '--with-personal-data', file('theirs.ndjson'));
  const sealed = await gate.call(...asked);
  Object.assign(gate.environment, signedInAsAdmin);
  assert.is(refused.exitCode, 4);
  assert.match(refused.stderr, /needs read on \/api\/personal-data/);
  assert.not.ok(existsSync(file('theirs.ndjson')));
  said(sealed);
});

test('a change, a deletion, a swap and a cut are found, and named against the old export', async ({
  gate,
  file,
}) => {
  const lines = linesIn(file('log.ndjson'));
  const at = lines.findIndex((line) => line.includes('press-1'));
  const verify = (...more: string[]) =>
    gate.call(
      ...['verify', file('bad.ndjson'), '--checkpoint', file('first.txt')],
      ...['--key', file('key.txt'), ...more],
    );
  const write = (texts: readonly string[]) =>
    writeFileSync(file('bad.ndjson'), texts.map((text) => `${text}\n`).join(''));
  const trusted = ['--trusted', file('log.ndjson')];
  for (const [texts, words] of [
    [lines.with(at, `${lines[at]?.replace('press', 'Press')}`), 'is not what it was'],
    [lines.toSpliced(at, 1), 'is missing'],
    [lines.with(at, lines[at + 1] ?? '').with(at + 1, lines[at] ?? ''), 'have changed places'],
  ] as const) {
    write(texts);
    const alone = await verify();
    assert.is(alone.exitCode, 1);
    assert.match(alone.stdout, /Does not fit: the checkpoint of|Cut off/);
    const beside = await verify(...trusted);
    assert.is(beside.exitCode, 1);
    assert.match(beside.stdout, new RegExp(`Event ${at} .* ${words}`));
  }
  write(lines.slice(0, -2));
  const cut = await verify(...trusted);
  assert.is(cut.exitCode, 1);
  assert.match(cut.stdout, /Cut off: the file ends after/);
  truncateSync(file('bad.ndjson'), 100);
  const { stdout } = await verify('--json');
  assert.is(JSON.parse(stdout).brokenLine, true);
});

test('an earlier export that holds nothing, or only a part of its last line, is no proof', async ({
  gate,
  file,
}) => {
  const whole = readFileSync(file('log.ndjson'), 'utf8');
  for (const [text, words] of [
    ['', 'what is trusted is empty'],
    [whole.slice(0, -9), 'is cut off'],
    [randomBytes(100), 'is neither an event nor a leaf hash'],
  ] as const) {
    writeFileSync(file('old.ndjson'), text);
    const { exitCode, stdout, stderr } = await gate.call(
      ...['verify', file('log.ndjson'), '--checkpoint', file('first.txt')],
      ...['--key', file('key.txt'), '--trusted', file('old.ndjson')],
    );
    assert.equal([exitCode, stdout], [2, '']);
    assert.match(stderr, words);
  }
});

test('a checkpoint that nobody signed proves nothing', async ({ gate, file }) => {
  const forged = readFileSync(file('first.txt'), 'utf8').replace(/\n(\d+)\n/, '\n1$1\n');
  writeFileSync(file('forged.txt'), forged);
  const verify = (checkpoint: string, key: string) =>
    gate.call('verify', file('log.ndjson'), '--checkpoint', checkpoint, '--key', key);
  const refused = await verify(file('forged.txt'), file('key.txt'));
  assert.is(refused.exitCode, 1);
  assert.match(refused.stderr, /is not signed by this key/);
  assert.is((await verify(file('first.txt'), 'nonsense+00000000+AAAA')).exitCode, 2);
  assert.is((await verify(file('none.txt'), file('key.txt'))).exitCode, 2);
  assert.is((await gate.call('verify', file('log.ndjson'))).exitCode, 2);
});

test('a history written anew in the database is not signed again', async ({
  gate,
  service,
  file,
}) => {
  service.child.kill('SIGTERM');
  assert.is((await service.ended).exitCode, 0);
  const data = join(gate.folder, 'data');
  const log = new DatabaseSync(join(data, 'log.sqlite'));
  const changed = log
    .prepare(
      "UPDATE events SET data = replace(data, 'press-2', 'press-9') WHERE type = 'RegistrationGranted'",
    )
    .run();
  log.close();
  assert.ok(Number(changed.changes) > 0);
  // The rows know the log as it was, and show that it is not.
  const beside = await gate.serve();
  said(await gate.call('checkpoint'));
  said(await gate.call('export', '--out', file('beside.ndjson')));
  await beside.says('The log is not the one that was published');
  const unsigned = await gate.call('checkpoint');
  assert.is(unsigned.exitCode, 1);
  assert.match(unsigned.stderr, /event \d+ is not the one that was recorded/);
  beside.child.kill('SIGTERM');
  assert.is((await beside.ended).exitCode, 0);

  for (const end of ['', '-wal', '-shm'])
    rmSync(join(data, `read-models.sqlite${end}`), { force: true });
  const again = await gate.serve();
  await again.says('The log is not the one that was published');
  const { exitCode } = await gate.call('checkpoint');
  assert.is(exitCode, 1);
  said(await gate.call('export', '--out', file('after.ndjson')));
  const verdict = await gate.call(
    ...['verify', file('after.ndjson'), '--checkpoint', join(data, 'checkpoints.txt')],
    ...['--key', file('key.txt'), '--trusted', file('log.ndjson')],
  );
  assert.is(verdict.exitCode, 1);
  assert.match(verdict.stdout, /Does not fit[\s\S]*RegistrationGranted of client-press-2/);
});

test.run();
