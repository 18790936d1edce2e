import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { commands, runCommandLine } from '../../../src/cli/run.ts';
import { configTable } from '../../../src/config/variables.ts';
import { assert, suite } from '../../support/suite.ts';

const test = suite('cli arguments');

async function ran(args: readonly string[], environment: Record<string, string> = {}) {
  let [stdout, stderr] = ['', ''];
  const exitCode = await runCommandLine(args, environment, {
    stdout: { write: (text) => (stdout += text) },
    stderr: { write: (text) => (stderr += text) },
  });
  return { exitCode, stdout, stderr };
}

test('what cannot be meant is exit 2, with the word that was meant', async () => {
  const faults: [line: string, said: string][] = [
    ['unlok', 'There is no command "unlok".\nDid you mean: gatebook unlock\n'],
    ['frobnicate', 'There is no command "frobnicate".\nSee all commands with: gatebook --help\n'],
    ['users sho', 'There is no command "users sho".\nDid you mean: gatebook users show\n'],
    [
      'roles zzzzzz',
      'There is no command "roles zzzzzz".\nThere are: list show create set remove\n',
    ],
    ['unlock --fro 5m', 'There is no option --fro here.\nDid you mean --for?\n'],
    ['unlock --watch', 'There is no option --watch here.\nSee: gatebook unlock --help\n'],
    ['unlock -x', 'There is no option -x here.\n'],
    ['unlock --for', '--for needs a value: --for DURATION\n'],
    ['unlock --for=', '--for needs a value: --for DURATION\n'],
    ['unlock --for --max 3', '--for needs a value, and "--max" looks like an option.\n'],
    ['unlock --for 5m --for 6m', '--for is given twice.\n'],
    ['requests --watch=yes', '--watch takes no value.\n'],
    ['unlock --for 5', '"5" is no duration. Give one such as 90s, 5m, 24h or 30d.\n'],
    ['unlock --for 25h', 'The registry opens for at most 1 d at once.\n'],
    ['unlock --max 0', '"0" is not a number from 1 to 1000000.\n'],
    [
      'unlock --source 10.0.0',
      '"10.0.0" is no network. Give one such as 10.0.0.0/8, or one address',
    ],
    ['keys', 'What of keys? There are: rotate\n'],
    ['lock now', '"now" is one word too many.\nUsage: gatebook lock\n'],
    ['grant', 'NAME|ID|GLOB is missing.\nUsage: gatebook grant NAME|ID|GLOB… [options]\n'],
    ['users show a b', '"b" is one word too many.\nUsage: gatebook users show NAME\n'],
    ['grant a --permission plant/#', '"plant/#" is no permission.'],
    ['grant a --until someday', '"someday" is no time.'],
    ['grant a* --confirm-contested', '--confirm-contested goes with names, not with a glob.\n'],
    ['requests --status open', '"open" is no status. Give one of pending, granted, denied'],
    ['requests --limit 1001', '"1001" is not a number from 1 to 1000.\n'],
    ['tokens create a --for 90m', 'A token lives whole hours.'],
    ['users authorization a --none --role b', '--none goes alone.\n'],
    ['register a', '--out FILE is missing: where the credentials are kept.\n'],
    ['register a --out f --pairing-id xyz', '"xyz" is no pairing ID.'],
    ['register a --out f --context line', '"line" is no context. Give NAME=VALUE.\n'],
    ['register a --out f --token x', 'There is no option --token here.\n'],
    ['lock --url ftp://a', 'The address of the registry is no http or https URL.\n'],
    ['lock --url http://user:hunter2@a', 'The address of the registry is no http or https URL.\n'],
    ['constructor', 'There is no command "constructor".\n'],
    ['lock --constructor', 'There is no option --constructor here.\n'],
  ];
  // An address where nobody is, should one of them get that far.
  const environment = { GATEBOOK_URL: 'http://127.0.0.1:9', GATEBOOK_TOKEN: 'x' };
  for (const [line, said] of faults) {
    const { exitCode, stdout, stderr } = await ran(line.split(' '), environment);
    assert.equal([exitCode, stdout], [2, ''], `${line}: ${stderr}`);
    assert.ok(stderr.startsWith(said), `${line}: ${stderr}`);
    assert.not.match(stderr, 'hunter2');
  }
});

test('what is missing or unknown points to the help of its own command', async () => {
  const lines = [
    ['unlock --for', 'unlock'],
    ['unlock --for --max 3', 'unlock'],
    ['unlock --fro 5m', 'unlock'],
    ['users revoke press-17 --resaon x', 'users revoke'],
    ['users --watch', 'users list'],
    ['users show', 'users show'],
    ['lock now', 'lock'],
  ] as const;
  for (const [line, command] of lines) {
    const { stderr } = await ran(line.split(' '));
    assert.ok(stderr.endsWith(`See: gatebook ${command} --help\n`), `${line}: ${stderr}`);
  }
  assert.match((await ran(['--fro'])).stderr, 'There is no option --fro here.\n');
});

test('a token that no header can hold is not sent and not repeated', async () => {
  const { exitCode, stderr } = await ran(['lock', '--token', 'hunter2\nx: y']);
  assert.is(exitCode, 2);
  assert.not.match(stderr, 'hunter2');
});

test('without a command the help comes, as a fault', async () => {
  const { exitCode, stdout, stderr } = await ran([]);
  assert.equal([exitCode, stdout], [2, '']);
  assert.match(stderr, 'Usage: gatebook COMMAND [options]');
});

test('there is help for the whole, and it names every command', async () => {
  for (const args of [['--help'], ['-h'], ['help']]) {
    const { exitCode, stdout } = await ran(args);
    assert.is(exitCode, 0);
    for (const { name } of commands)
      assert.ok(
        name.split(' ').every((word) => stdout.includes(word)),
        name,
      );
  }
  assert.match((await ran(['--version'])).stdout, /^gatebook \d+\.\d+\.\d+\n$/);
  assert.match((await ran(['users', '--help'])).stdout, /users authorization NAME +set what/);
});

/** The words of an example as a shell reads them: quotes, no variables, no redirections. */
const wordsOf = (example: string) =>
  [...example.replace(/ <.*$/, '').matchAll(/'([^']*)'|(\S+)/g)].map(
    ([, quoted, word]) => quoted ?? word ?? '',
  );

test('each command has help, with examples that parse', async () => {
  for (const { name, options, examples } of commands) {
    assert.ok(examples.length > 0, name);
    for (const args of [
      [...name.split(' '), '--help'],
      ['help', ...name.split(' ')],
    ]) {
      const { exitCode, stdout } = await ran(args);
      assert.is(exitCode, 0);
      for (const option of Object.keys(options)) assert.match(stdout, `  --${option}`);
      for (const example of examples) assert.match(stdout, `  ${example}\n`);
    }
    for (const example of examples.filter((line) => line.startsWith('gatebook '))) {
      const { exitCode, stderr } = await ran([...wordsOf(example).slice(1), '--help']);
      assert.is(exitCode, 0, `${example}: ${stderr}`);
    }
  }
});

test('the help of serve has every variable', async () => {
  const { stdout } = await ran(['serve', '--help']);
  for (const { name, default: value } of configTable) {
    assert.match(stdout, `  ${name} `);
    assert.match(stdout, `(${value})`);
  }
});

test('every fault of the configuration is said at once, with exit 2', async () => {
  for (const command of ['serve', 'rebuild']) {
    const { exitCode, stderr } = await ran([command], {
      GATEBOOK_HTTP_PORT: 'x',
      GATEBOOK_LOG_LEVEL: 'x',
      GATEBOOK_HTP_PORT: '1',
    });
    assert.is(exitCode, 2);
    assert.match(stderr, /^The configuration has 3 faults:\n {2}GATEBOOK_HTTP_PORT is "x"\./);
  }
});

test('where there is no log none is made: it may be the wrong folder', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'gatebook-no-log-'));
  try {
    const dataDir = join(folder, 'data');
    const rebuilt = await ran(['rebuild'], { GATEBOOK_DATA_DIR: dataDir });
    assert.is(rebuilt.exitCode, 2);
    assert.match(rebuilt.stderr, `There is no log at ${join(dataDir, 'log.sqlite')}.`);
    assert.match(rebuilt.stderr, 'GATEBOOK_DATA_DIR');
    const copied = await ran(['copy', '--from', dataDir, '--to', join(folder, 'other')]);
    assert.is(copied.exitCode, 1);
    assert.match(copied.stderr, 'There is no log at ');
    assert.equal(readdirSync(folder), []);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test.run();
