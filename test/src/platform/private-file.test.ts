import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeFolder, writePrivateFile } from '../../../src/platform/private-file.ts';
import { runProgram } from '../../support/program.ts';
import { assert, suite } from '../../support/suite.ts';

const test = suite<{ folder: string }>('folders');
test.before.each((context) => {
  context.folder = mkdtempSync(join(tmpdir(), 'gatebook-folders-'));
});
test.after.each(({ folder }) => rmSync(folder, { recursive: true }));

const codeOf = (act: () => void): string | undefined => {
  try {
    act();
    return undefined;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code;
  }
};

test('a folder is made with those above it, for its owner alone, and one that is there stays as it is', ({
  folder,
}) => {
  const deep = join(folder, 'a', 'b', 'c');
  makeFolder(deep);
  for (const made of [deep, join(folder, 'a')]) assert.is(statSync(made).mode & 0o777, 0o700);
  mkdirSync(join(folder, 'open'), { mode: 0o755 });
  makeFolder(join(folder, 'open'));
  assert.is(statSync(join(folder, 'open')).mode & 0o777, 0o755);
  symlinkSync(join(folder, 'open'), join(folder, 'link'));
  makeFolder(join(folder, 'link', 'inside'));
  assert.ok(existsSync(join(folder, 'open', 'inside')));
});

test('what is no folder, or leads nowhere, is an error of the system', ({ folder }) => {
  writeFileSync(join(folder, 'file'), '');
  assert.is(
    codeOf(() => makeFolder(join(folder, 'file'))),
    'EEXIST',
  );
  assert.is(
    codeOf(() => makeFolder(join(folder, 'file', 'below'))),
    'ENOTDIR',
  );
  symlinkSync(join(folder, 'nowhere'), join(folder, 'link'));
  assert.is(
    codeOf(() => makeFolder(join(folder, 'link'))),
    'EEXIST',
  );
});

test('a place where the system has no folders is an error, and no endless attempt', () => {
  if (process.platform !== 'linux') return;
  assert.is(
    codeOf(() => makeFolder('/proc/gatebook/data')),
    'ENOENT',
  );
});

test('a pipe that is to be written is written into, and stays what it is', async ({ folder }) => {
  const pipe = join(folder, 'pipe');
  assert.is((await runProgram('mkfifo', [pipe])).code, 0);
  // Open for both, it waits for nobody.
  await using reader = await open(pipe, 'r+');
  await writePrivateFile(pipe, 'told');
  assert.ok(statSync(pipe).isFIFO());
  const { buffer, bytesRead } = await reader.read();
  assert.is(buffer.toString('utf8', 0, bytesRead), 'told');
});

test.run();
