import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { KeyFileRefused, openKeys } from '../../../../src/credentials/keys/folder.ts';
import { readKeyRing } from '../../../../src/credentials/keys/signing.ts';
import { assert, suite } from '../../../support/suite.ts';

const test = suite('key folder', { folder: '', dir: '' });
test.before.each((world) => {
  world.folder = mkdtempSync(join(tmpdir(), 'gatebook-keys-'));
  world.dir = join(world.folder, 'deep', 'keys');
});
test.after.each(({ folder }) => rmSync(folder, { recursive: true }));

const modeOf = (path: string) => statSync(path).mode & 0o777;

test('an empty place becomes a private folder of private files', async ({ dir }) => {
  const keys = await openKeys(dir);
  assert.is(modeOf(dir), 0o700);
  assert.equal(readdirSync(dir).sort(), ['paseto-0001.json', 'pepper.key']);
  for (const name of readdirSync(dir)) assert.is(modeOf(join(dir, name)), 0o600);
  assert.is(keys.dir, dir);
  assert.is(keys.pepper.length, 32);
  assert.is(
    readFileSync(join(dir, 'pepper.key'), 'utf8'),
    `${keys.pepper.toString('base64url')}\n`,
  );
});

test('a wide umask makes no file wider', async ({ dir }) => {
  const before = process.umask(0);
  try {
    await openKeys(dir);
  } finally {
    process.umask(before);
  }
  assert.is(modeOf(dir), 0o700);
  for (const name of readdirSync(dir)) assert.is(modeOf(join(dir, name)), 0o600);
});

test('what is there is opened again, and nothing is written', async ({ dir }) => {
  const first = await openKeys(dir);
  const ring = await readKeyRing(dir);
  chmodSync(dir, 0o500);
  const { mtimeMs } = statSync(dir);
  const again = await openKeys(dir);
  assert.is(statSync(dir).mtimeMs, mtimeMs);
  chmodSync(dir, 0o700);
  assert.equal(again.pepper, first.pepper);
  assert.is((await readKeyRing(dir))?.signing.kid, ring?.signing.kid);
  assert.is(readdirSync(dir).length, 2);
});

test('the public id tells peppers apart, and shows nothing of them', async ({ dir, folder }) => {
  const { pepper, pepperId } = await openKeys(dir);
  const digest = createHash('sha256').update(
    Buffer.concat([Buffer.from('gatebook-pepper'), pepper]),
  );
  assert.is(pepperId, digest.digest('hex').slice(0, 16));
  assert.is.not((await openKeys(join(folder, 'others'))).pepperId, pepperId);
});

test('a log line of the keys shows no pepper', async ({ dir }) => {
  const keys = await openKeys(dir);
  for (const line of [JSON.stringify(keys), inspect(keys), JSON.stringify({ ...keys })]) {
    assert.ok(line.includes(keys.pepperId));
    assert.not(line.includes('pepper"'), line);
    assert.not(line.includes('pepper:'), line);
  }
});

const marker = 'A-SECRET-THAT-NOBODY-MAY-READ';
for (const [what, name, text] of [
  ['an empty pepper', 'pepper.key', ''],
  ['a pepper too short', 'pepper.key', `${marker}\n`],
  ['a pepper with more after it', 'pepper.key', `${'A'.repeat(43)}\n${marker}\n`],
  ['a signing key that is not JSON', 'paseto-0001.json', `{"secretKey":"${marker}`],
  ['a signing key of another form', 'paseto-0001.json', JSON.stringify({ secretKey: marker })],
  [
    'a signing key with letters missing',
    'paseto-0001.json',
    JSON.stringify({
      kid: 'k4.pid.A',
      secretKey: `k4.secret.${marker}`,
      createdAt: '2026-01-01T00:00:00.000Z',
      previousUntil: null,
    }),
  ],
  [
    'a signing key whose halves do not fit',
    'paseto-0001.json',
    JSON.stringify({
      kid: 'k4.pid.A',
      secretKey: `k4.secret.${marker}${'A'.repeat(86 - marker.length)}`,
      createdAt: '2026-01-01T00:00:00.000Z',
      previousUntil: null,
    }),
  ],
] as const) {
  test(`${what} is refused: the file and the remedy are named, its text is not`, async ({
    dir,
  }) => {
    await openKeys(dir);
    writeFileSync(join(dir, name), text);
    await openKeys(dir).then(
      () => assert.unreachable(),
      (error) => {
        assert.instance(error, KeyFileRefused);
        assert.is(error.file, join(dir, name));
        assert.ok(error.message.startsWith(join(dir, name)));
        assert.match(error.message, /restore it from a backup/);
        assert.not(inspect(error, { depth: null, showHidden: true }).includes(marker));
      },
    );
  });
}

test('a signing key under the name of another is refused', async ({ dir, folder }) => {
  await openKeys(dir);
  await openKeys(join(folder, 'others'));
  const read = (where: string) =>
    JSON.parse(readFileSync(join(where, 'paseto-0001.json'), 'utf8')) as { kid: string };
  const mixed = { ...read(dir), kid: read(join(folder, 'others')).kid };
  writeFileSync(join(dir, 'paseto-0001.json'), JSON.stringify(mixed));
  await openKeys(dir).then(
    () => assert.unreachable(),
    (error) => assert.instance(error, KeyFileRefused),
  );
});

for (const name of ['pepper.key', 'paseto-0001.json']) {
  for (const mode of [0o640, 0o604, 0o620, 0o660]) {
    test(`${name} with mode ${mode.toString(8)} is refused`, async ({ dir }) => {
      await openKeys(dir);
      chmodSync(join(dir, name), mode);
      await openKeys(dir).then(
        () => assert.unreachable(),
        (error) => {
          assert.instance(error, KeyFileRefused);
          assert.ok(error.message.includes(`mode 0${mode.toString(8)}`));
          assert.ok(error.message.includes(`chmod 600 '${join(dir, name)}'`));
        },
      );
    });
  }
}

test('a folder that cannot be made is refused by name', async ({ folder }) => {
  writeFileSync(join(folder, 'file'), '');
  await openKeys(join(folder, 'file', 'keys')).then(
    () => assert.unreachable(),
    (error) => {
      assert.instance(error, KeyFileRefused);
      assert.match(error.message, /GATEBOOK_KEYS_DIR/);
    },
  );
});

test('many that open one folder at once have the same keys', async ({ dir }) => {
  const all = await Promise.all(Array.from({ length: 16 }, () => openKeys(dir)));
  assert.is(new Set(all.map(({ pepperId }) => pepperId)).size, 1);
  assert.equal(readdirSync(dir).sort(), ['paseto-0001.json', 'pepper.key']);
});

test('so have processes that race', async ({ folder }) => {
  const racers = Array.from({ length: 3 }, () => racer());
  for (let round = 0; round < 5; round += 1) {
    const dir = join(folder, `round-${round}`);
    const found = await Promise.all(racers.map((one) => one.open(dir)));
    assert.is(new Set(found).size, 1, found.join(' / '));
    assert.match(found[0] ?? '', /^[0-9a-f]{16} k4\.pid\./);
    assert.equal(readdirSync(dir).sort(), ['paseto-0001.json', 'pepper.key']);
  }
  for (const one of racers) await one.end();
});

/** A process of its own that opens folders when it is told to, and says what it found. */
function racer() {
  const source = new URL('../../../../src/credentials/keys/', import.meta.url).href;
  const child = spawn(
    process.execPath,
    [
      '--input-type=module',
      '-e',
      `import { createInterface } from 'node:readline';
       const { openKeys } = await import('${source}folder.ts');
       const { readKeyRing } = await import('${source}signing.ts');
       for await (const dir of createInterface({ input: process.stdin })) {
         const { pepperId } = await openKeys(dir);
         console.log(pepperId + ' ' + (await readKeyRing(dir)).signing.kid);
       }`,
    ],
    { stdio: ['pipe', 'pipe', 'inherit'] },
  );
  const exited = new Promise((resolve) => child.once('exit', resolve));
  child.stdout.setEncoding('utf8');
  return {
    open: (dir: string) =>
      new Promise<string>((resolve, reject) => {
        child.stdout.once('data', (text: string) => resolve(text.trim()));
        child.once('exit', () => reject(new Error('the process ended')));
        child.stdin.write(`${dir}\n`);
      }),
    async end() {
      child.stdin.end();
      await exited;
    },
  };
}

test('a draft that a crash left behind is no key', async ({ dir }) => {
  const keys = await openKeys(dir);
  unlinkSync(join(dir, 'pepper.key'));
  writeFileSync(join(dir, '.left-over.draft'), keys.pepper.toString('base64url'), { mode: 0o600 });
  assert.is.not((await openKeys(dir)).pepperId, keys.pepperId);
});

test.run();
