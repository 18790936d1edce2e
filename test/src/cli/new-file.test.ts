/** What a command writes for whoever called it has its name once it is whole, and overwrites nothing. */
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import type { link } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CommandFailed, exitCodes } from '../../../src/cli/command.ts';
import { fileFault } from '../../../src/cli/fault.ts';
import { giveName, newFile } from '../../../src/cli/new-file.ts';
import { assert, suite } from '../../support/suite.ts';

const test = suite<{ at(name: string): string; folder: string }>('new file');
test.before.each((context) => {
  const folder = mkdtempSync(join(tmpdir(), 'gatebook-new-file-'));
  context.folder = folder;
  context.at = (name) => join(folder, name);
});
test.after.each(({ folder }) => rmSync(folder, { recursive: true }));

async function toldOf(act: () => Promise<unknown>): Promise<string> {
  try {
    await act();
  } catch (error) {
    assert.instance(error, CommandFailed);
    return (error as CommandFailed).message;
  }
  return assert.unreachable() as never;
}

test('it has its name once it is whole, for its owner alone, and nothing else is left', async ({
  at,
  folder,
}) => {
  {
    await using file = await newFile(at('codes.csv'));
    await file.append('one\n');
    assert.not.ok(existsSync(at('codes.csv')));
    await file.append(Buffer.from('two\n'));
    await file.keep();
  }
  assert.is(readFileSync(at('codes.csv'), 'utf8'), 'one\ntwo\n');
  assert.is(statSync(at('codes.csv')).mode & 0o777, 0o600);
  {
    await using file = await newFile(at('given up'));
    await file.append('half');
  }
  assert.equal(readdirSync(folder), ['codes.csv']);
});

test('what is there is told before there is anything to write, and stays', async ({
  at,
  folder,
}) => {
  writeFileSync(at('there'), 'of before');
  symlinkSync(at('nowhere'), at('link'));
  for (const name of ['there', 'link', '.'])
    assert.match(await toldOf(() => newFile(at(name))), 'is there already');
  assert.match(await toldOf(() => newFile('/dev/full')), 'is there already');
  assert.is(readFileSync(at('there'), 'utf8'), 'of before');
  await using file = await newFile(at('meanwhile'));
  writeFileSync(at('meanwhile'), 'of somebody else');
  assert.match(await toldOf(() => file.keep()), 'is there already');
  assert.is(readFileSync(at('meanwhile'), 'utf8'), 'of somebody else');
  assert.match(await toldOf(() => newFile(at('none/file'))), `there is no folder ${folder}/none`);
  assert.match(await toldOf(() => newFile(at('there/file'))), 'is no folder');
});

test('a full disk is no mistake of whoever typed, and is told with what to do', () => {
  for (const code of ['ENOSPC', 'EDQUOT'])
    try {
      fileFault(Object.assign(new Error('write'), { code }), 'log.ndjson');
    } catch (error) {
      const { message, hints, exitCode } = error as CommandFailed;
      assert.equal([message, exitCode], ['log.ndjson: the disk is full.', exitCodes.failed]);
      assert.match(hints[0] ?? '', 'Make room');
    }
});

test('where the file system has no links it is named all the same, and overwrites nothing', async ({
  at,
  folder,
}) => {
  const none = (() => Promise.reject(Object.assign(new Error(), { code: 'EPERM' }))) as typeof link;
  writeFileSync(at('draft'), 'whole');
  await giveName(at('draft'), at('named'), none);
  assert.equal(readdirSync(folder), ['named']);
  assert.is(readFileSync(at('named'), 'utf8'), 'whole');
  writeFileSync(at('draft'), 'another');
  for (const linked of [none, undefined])
    assert.is(await giveName(at('draft'), at('named'), linked).catch(({ code }) => code), 'EEXIST');
  assert.is(readFileSync(at('named'), 'utf8'), 'whole');
});

test('a folder that is there and takes no files is not told as missing', async () => {
  const told = await toldOf(() => newFile('/proc/codes.csv'));
  assert.match(told, /\/proc\/codes\.csv cannot be written/);
  assert.not.match(told, /no folder/);
});

test.run();
