/** The data folder is its owner's alone, also one that was made before. */
import { chmodSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLogger } from '../../../src/logger.ts';
import { keepDataFolder } from '../../../src/startup/data-folder.ts';
import { startRegistry } from '../../support/service.ts';
import { assert, suite } from '../../support/suite.ts';

const test = suite('the data folder');
const modeOf = (path: string) => statSync(path).mode & 0o777;

test('one that others could look into is tightened at the start, and the log says so', async () => {
  const world = await startRegistry();
  assert.is(modeOf(world.dataDir), 0o700);
  chmodSync(world.dataDir, 0o755);
  await world.restart();
  assert.is(modeOf(world.dataDir), 0o700);
  const said = world.lines.filter((line) => line.includes('The data folder was open to others'));
  assert.is(said.length, 1);
  assert.match(said[0] ?? '', '0755');
  for (const name of readdirSync(world.dataDir))
    if (name.includes('.sqlite')) assert.is(modeOf(join(world.dataDir, name)), 0o600, name);
  await world.stop();
});

test('a folder that everybody shares is left as it is, with a warning', () => {
  const folder = mkdtempSync(join(tmpdir(), 'gatebook-shared-'));
  chmodSync(folder, 0o1777);
  const lines: string[] = [];
  const logger = createLogger({ level: 'info', write: (line) => lines.push(line) });
  keepDataFolder(folder, logger);
  assert.is(modeOf(folder), 0o777);
  assert.match(lines.join(), /is open to others.*chmod 700/);
  keepDataFolder(join(folder, 'own', 'data'), logger);
  assert.is(modeOf(join(folder, 'own', 'data')), 0o700);
  assert.is(lines.length, 1);
  rmSync(folder, { recursive: true });
});

test.run();
