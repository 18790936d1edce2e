/** What the command line takes from the environment. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { commandLineSettings } from '../../../src/config/command-line.ts';
import { ConfigError } from '../../../src/config/fault.ts';
import { assert, suite } from '../../support/suite.ts';

const test = suite('settings of the command line');
const folder = mkdtempSync(join(tmpdir(), 'gatebook-config-'));
test.after(() => rmSync(folder, { recursive: true, force: true }));

test('the command line reads where the registry is and who asks', () => {
  const path = join(folder, 'token');
  writeFileSync(path, 'v4.public.x\n');
  assert.equal(
    commandLineSettings({ GATEBOOK_URL: 'http://a', GATEBOOK_TOKEN_FILE: path, HOME: '/home/a' }),
    {
      url: 'http://a',
      token: 'v4.public.x',
      username: null,
      password: null,
      caFingerprint: null,
      enrolmentCode: null,
      passphrase: null,
      configFolder: '/home/a/.config',
      noColor: false,
    },
  );
  const { configFolder, noColor } = commandLineSettings({ XDG_CONFIG_HOME: '/x', NO_COLOR: '1' });
  assert.equal([configFolder, noColor], ['/x', true]);
  assert.is(commandLineSettings({}).configFolder, null);
});

test('a variable and its file are not both set', () =>
  assert.throws(
    () => commandLineSettings({ GATEBOOK_TOKEN: 'a', GATEBOOK_TOKEN_FILE: join(folder, 'token') }),
    (error: Error) => error instanceof ConfigError && error.faults.length === 1,
  ));

test.run();
