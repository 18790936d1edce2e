/** What docs/backup.md shows runs as it stands, and what it says of the format is so. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { partNames } from '../src/backup/content.ts';
import { lockWith } from '../src/backup/passphrase.ts';
import { gatebook } from './src/cli/gatebook.ts';
import { startRegistry } from './support/service.ts';
import { assert, suite } from './support/suite.ts';

const test = suite('the backup guide');
const guide = readFileSync(new URL('../docs/backup.md', import.meta.url), 'utf8');
const blocks = [...guide.matchAll(/```sh\n([\s\S]*?)```/g)].map(([, block = '']) =>
  block.trim().split('\n'),
);

test('its commands run, the token that it makes takes a backup, and nothing else', async () => {
  const world = await startRegistry();
  const it = gatebook();
  it.environment.GATEBOOK_URL = world.url;
  it.environment.GATEBOOK_TOKEN = world.token;
  writeFileSync(join(it.folder, 'passphrase.txt'), 'some words that nobody guesses\n');
  // Files are named as from the folder that one works in.
  const inFolder = (word: string) =>
    ['gatebook.backup', 'passphrase.txt', 'restored'].includes(word) ? join(it.folder, word) : word;
  try {
    assert.is(blocks.length, 2);
    let output = '';
    for (const line of blocks.flat()) {
      const [program, ...words] = line.split(' ');
      assert.is(program, 'gatebook');
      const { exitCode, stdout, stderr } = await it.call(...words.map(inFolder));
      assert.is(exitCode, 0, `${line}: ${stderr}`);
      output += stdout;
    }
    const token = /v4\.public\.[\w-]+\.[\w-]+/.exec(output)?.[0] ?? '';
    it.environment.GATEBOOK_TOKEN = token;
    const taken = await it.call('backup', '--out', join(it.folder, 'nightly.backup'));
    assert.is(taken.exitCode, 0, taken.stderr);
    assert.is((await it.call('users')).exitCode, 4);
  } finally {
    await it.clean();
    await world.stop();
  }
});

test('parts, cost and first line are as it says', async () => {
  for (const name of [...partNames, 'end']) assert.match(guide, `| \`${name}\` |`);
  const { encryption } = await lockWith('some words that nobody guesses');
  const { N, r, p, cipher, kdf } = encryption;
  assert.match(
    guide,
    `{ cipher: "${cipher}", kdf: "${kdf}", N: ${N}, r: ${r}, p: ${p}, salt, check }`,
  );
  assert.match(guide, '1. `gatebook-backup 1`');
});

test.run();
