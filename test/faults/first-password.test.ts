/** kill -9 after the first administrator is made and before its password is shown: the next start shows it. */
import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { newFolder, removeFolder, runs, serve } from '../support/process.ts';
import { assert, suite } from '../support/suite.ts';

const test = suite<{ dataDir: string }>('kill -9 before the first password is shown');
test.before.each(async (here) => {
  here.dataDir = await newFolder();
});
test.after.each(({ dataDir }) => removeFolder(dataDir));

const preload = fileURLToPath(new URL('../support/killed-at.ts', import.meta.url));
const generated = { GATEBOOK_ADMIN_PASSWORD: '', NODE_OPTIONS: `--import=${preload}` };
const onTerminal = { ...generated, ON_TERMINAL: '1' };
const secret = /gbs_[\w-]{38}/;

const passwordFile = (dataDir: string) => join(dataDir, 'initial-admin-password');

/** Files of the folder that hold the text. */
async function filesWith(dataDir: string, text: string): Promise<string[]> {
  const found: string[] = [];
  for (const entry of await readdir(dataDir, { withFileTypes: true, recursive: true })) {
    const path = join(entry.parentPath, entry.name);
    if (entry.isFile() && (await readFile(path)).includes(text)) found.push(path);
  }
  return found;
}

test('on a terminal: the next start shows it, once, and no file keeps it', async ({ dataDir }) => {
  const killed = await runs(dataDir, { ...onTerminal, KILLED_AT: '  Password' });
  assert.is(killed.exitCode, null, 'killed');
  assert.not.match(killed.out + killed.err, secret);
  assert.is((await stat(passwordFile(dataDir))).mode & 0o777, 0o600);

  let served = await serve(dataDir, onTerminal);
  const password = secret.exec(served.output.out)?.[0] ?? '';
  assert.match(served.output.out, /Administrator {2}admin/);
  assert.equal(await filesWith(dataDir, password), []);
  await served.signIn(password);
  served.kill('SIGTERM');
  assert.is(await served.ended, 0);

  served = await serve(dataDir, onTerminal);
  assert.not.match(served.output.out, secret);
  served.kill('SIGTERM');
  assert.is(await served.ended, 0);
});

test('without one: each start says where it is, until somebody has signed in', async ({
  dataDir,
}) => {
  const file = passwordFile(dataDir);
  const killed = await runs(dataDir, { ...generated, KILLED_AT: 'initial-admin-password' });
  assert.equal([killed.exitCode, killed.out.includes(file)], [null, false]);

  for (const [tells, signsIn] of [
    [true, false],
    [true, true],
    [false, false],
  ]) {
    const served = await serve(dataDir, generated);
    assert.is(served.output.out.includes(file), tells);
    const password = (await readFile(file, 'utf8')).trim();
    assert.not.match(served.output.out + served.output.err, secret);
    if (signsIn) await served.signIn(password);
    served.kill('SIGTERM');
    assert.is(await served.ended, 0);
  }
});

test('a file whose password opens nothing any more is not told of', async ({ dataDir }) => {
  await runs(dataDir, { ...generated, KILLED_AT: 'initial-admin-password' });
  const file = passwordFile(dataDir);
  for (const text of [`gbs_${'a'.repeat(38)}`, 'another password', '']) {
    await writeFile(file, text);
    const served = await serve(dataDir, onTerminal);
    assert.not.ok(served.output.out.includes('Administrator'), served.output.out);
    assert.is(await readFile(file, 'utf8'), text, 'and stays as it is');
    served.kill('SIGTERM');
    assert.is(await served.ended, 0);
  }
});

test.run();
