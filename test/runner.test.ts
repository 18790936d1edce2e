/** The runner of these tests, over small files of which each has a fault that must not pass. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { until } from './support/mqtt-peers.ts';
import { assert, suite } from './support/suite.ts';

const test = suite('the runner');

const runner = fileURLToPath(new URL('run.ts', import.meta.url));
const made = `import { suite } from '${new URL('support/suite.ts', import.meta.url)}';
const test = suite('fixture');\n`;
const skipping = `import { skipped } from '${new URL('support/skipped.ts', import.meta.url)}';\n`;
const fastCheck = "import fc from 'fast-check';\n";
/** Starts a process that outlives its test file, if it is let; its id is in the file `pid`. */
const leaving = `import { spawn } from 'node:child_process';
  import { writeFileSync } from 'node:fs';
  const left = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' });
  writeFileSync('pid', process.pid + ' ' + left.pid);\n`;

const folders: string[] = [];
/** A folder whose `test/` has these files by name, which can import what the tests here can. */
function folderWith(sources: Readonly<Record<string, string>>): string {
  const folder = mkdtempSync(join(tmpdir(), 'gatebook-runner-'));
  folders.push(folder);
  symlinkSync(
    fileURLToPath(new URL('../node_modules', import.meta.url)),
    join(folder, 'node_modules'),
  );
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
  mkdirSync(join(folder, 'test'));
  for (const [name, source] of Object.entries(sources))
    writeFileSync(join(folder, 'test', `${name}.test.ts`), source);
  return folder;
}
test.after(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

function start(folder: string, ...args: readonly string[]) {
  const { TEST_STORE: _, ...env } = process.env;
  const child = spawn(process.execPath, [runner, '--folder=test', ...args], {
    cwd: folder,
    env,
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
  const ended = once(child, 'close').then(([code]) => ({
    code: code as number | null,
    lines: output.trimEnd().split('\n'),
  }));
  return { child, ended };
}
const run = (folder: string, ...args: readonly string[]) => start(folder, ...args).ended;

/** The lines of one file: from its name to the empty line. */
function groupOf(name: string, lines: readonly string[]): string {
  const first = lines.findIndex((line) => line.startsWith(`test/${name}.test.ts (`));
  const last = lines.findIndex((line, index) => index > first && /^\S+\.test\.ts \(/.test(line));
  return first < 0 ? '' : lines.slice(first, last < 0 ? undefined : last).join('\n');
}

const isAlive = (pid: number) => {
  try {
    // One that has ended may wait for somebody to ask how.
    return !readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z ');
  } catch {
    return false;
  }
};
const pidsIn = (folder: string) => readFileSync(join(folder, 'pid'), 'utf8').split(' ').map(Number);

// ── Faults ────────────────────────────────────────────────────────────────────────────────────────

const faults: Readonly<Record<string, readonly [source: string, said: RegExp]>> = {
  fails: [
    `${made}test('x', () => { throw new Error('no such luck'); });\ntest.run();`,
    /no such luck/,
  ],
  'forgot-run': [`${made}test('x', () => {});`, /✘ \S+: it never called run\(\)/],
  'does-not-load': ["import './nowhere.ts';", /✘ \S+: it does not load: .*nowhere/],
  'throws-on-load': ["throw 'a text';", /✘ \S+: it does not load: a text/],
  'before-throws': [
    `${made}test.before(() => { throw new Error('x'); });\ntest('x', () => {});\ntest.run();`,
    /✘ \S+: 0 of 1 ran, and nobody said why/,
  ],
  'after-throws': [
    `${made}test.after(() => { throw new Error('late'); });\ntest('x', () => {});\ntest.run();`,
    /✘ \S+: an after\(\) threw: Error: late/,
  ],
  'throws-no-error': [
    `${made}test('x', () => { throw 'a text'; });\ntest('y', () => {});\ntest.run();`,
    /✘ \S+: 0 of 2 ran, and nobody said why/,
  ],
  'only-left': [
    `${made}test('x', () => {});\nconst { only } = test;\nonly('y', () => {});\ntest.run();`,
    /✘ \S+: 1 skipped by only\(\) or skip\(\)/,
  ],
  'skip-left': [
    `${made}const { skip } = test;\nskip('x', () => {});\ntest('y', () => {});\ntest.run();`,
    /✘ \S+: 1 skipped by only\(\) or skip\(\)/,
  ],
  rejects: [
    `${made}test('x', () => { Promise.reject(new Error('nobody cares')); });\ntest.run();`,
    /✘ \S+: a rejection that nobody handled: Error: nobody cares/,
  ],
  'leaves-open': [
    `${made}test('x', () => { setInterval(() => {}, 1_000); });\ntest.run();`,
    /✘ \S+: still open after the last test: .*Timeout/,
  ],
  crashes: [
    `${made}test('x', () => process.kill(process.pid, 'SIGKILL'));\ntest.run();`,
    /✘ \S+: its process ended by SIGKILL before its last test/,
  ],
  exits: [
    `${made}test('x', () => process.exit(0));\ntest.run();`,
    /✘ \S+: its process ended with exit code 0 before its last test/,
  ],
  'never-settles': [
    `${made}test('x', () => new Promise(() => {}));\ntest.run();`,
    /✘ \S+: it waits for something that cannot come/,
  ],
  'throws-later': [
    `${made}test('x', () => { setTimeout(() => { throw new Error('x'); }, 200); });\ntest.run();`,
    /✘ \S+: its process ended with exit code 1 after its last test/,
  ],
  hangs: [
    `${leaving}${made}test('x', () => new Promise(() => setInterval(() => {}, 1_000)));\ntest.run();`,
    /✘ \S+: it hung: it was ended after 10 s/,
  ],
};
const good = `${made}test('x', () => console.log('all is well'));\ntest.run();`;

let faulty: Awaited<ReturnType<typeof run>>;
let faultyFolder = '';
test.before(async () => {
  const sources = Object.entries(faults).map(([name, [source]]) => [name, source]);
  faultyFolder = folderWith({ ...Object.fromEntries(sources), good });
  faulty = await run(faultyFolder, '--file-max-ms=10000');
});

for (const [name, [, said]] of Object.entries(faults))
  test(`a fault is found, and how to repeat it is said: ${name}`, () => {
    const group = groupOf(name, faulty.lines);
    assert.match(group, said);
    const command = `npx node test/run.ts test/${name}.test.ts`;
    assert.ok(group.split('\n').includes(`repeat: ${command}`), group);
    assert.ok(faulty.lines.includes(`✘ ${command}`), 'and once more at the end');
  });

test('the others pass, and the closing line counts all', () => {
  assert.match(groupOf('good', faulty.lines), /all is well[^✘]*\(1 \/ 1\)\n*$/);
  assert.is(faulty.code, 1);
  // Beside the good one: of after-throws nothing is known.
  const passedToo = ['only-left', 'skip-left', 'rejects', 'leaves-open', 'throws-later'];
  const failedTwice = ['throws-no-error'];
  assert.is(
    faulty.lines.at(-1),
    `${1 + passedToo.length} passed, ${Object.keys(faults).length + failedTwice.length} failed`,
    faulty.lines.join('\n'),
  );
});

test('a machine that stands still after the last test leaves nothing open', async () => {
  const stands = `setImmediate(() => {
    for (const until = performance.now() + 2_600; performance.now() < until; );
  })`;
  const source = `${made}test('x', () => { setTimeout(() => ${stands}, 20); });\ntest.run();`;
  const { lines } = await run(folderWith({ stands: source }));
  assert.is(lines.at(-1), '1 passed, 0 failed', lines.join('\n'));
});

test('a process takes file after file, until one leaves something behind', async () => {
  const saysItsProcess = "console.log('process ' + process.pid);\n";
  const folder = folderWith({
    // The most lines are taken for the longest time.
    first: `${saysItsProcess}${faults.rejects?.[0]}${'\n'.repeat(100)}`,
    second: saysItsProcess + good,
    third: saysItsProcess + good,
  });
  const { lines } = await run(folder, '--workers=1');
  const [first, second, third] = ['first', 'second', 'third'].map(
    (name) => /process \d+/.exec(groupOf(name, lines))?.[0] ?? name,
  );
  assert.is.not(second, first);
  assert.is(third, second);
});

test('what a file that hung had started is gone with it', () => {
  assert.is(pidsIn(faultyFolder).length, 2);
  assert.equal(pidsIn(faultyFolder).filter(isAlive), []);
});

test('a name that no file matches is a fault, also beside one that matches', async () => {
  const folder = folderWith({ good });
  const none = await run(folder, 'nowhere');
  assert.equal(none.lines.slice(-2), ['✘ no test file matches "nowhere"', '0 passed, 1 failed']);
  const { code, lines } = await run(folder, 'good', 'nowhere');
  assert.is(code, 1);
  assert.is(lines.at(-1), '1 passed, 1 failed');
  assert.is((await run(folderWith({}))).code, 1, 'nor is nothing at all a success');
});

// ── What is printed ───────────────────────────────────────────────────────────────────────────────

test('names choose files, skips are summed over them, and a file’s lines stand together', async () => {
  const talking = (name: string) =>
    `import { setTimeout as sleep } from 'node:timers/promises';\n${skipping}${made}
    skipped('no ${name} here');
    test('x', async () => {
      for (let line = 0; line < 20; line++) {
        (line % 2 ? console.log : console.error)('${name} ' + line);
        await sleep(10);
      }
    });
    test.run();`;
  const folder = folderWith({ one: talking('one'), other: talking('other'), third: talking('x') });
  const { code, lines } = await run(folder, 'one', 'other.test');
  assert.is(code, 0);
  assert.is(lines.at(-1), '2 passed, 0 failed, 2 skipped');
  for (const name of ['one', 'other']) {
    const said = groupOf(name, lines).match(/\b(one|other) \d+/g);
    assert.equal(
      said,
      Array.from({ length: 20 }, (_, line) => `${name} ${line}`),
      'in order',
    );
    assert.match(groupOf(name, lines), new RegExp(`skipped: no ${name} here`));
  }
  const kept = readFileSync(join(folder, 'test/.durations'), 'utf8');
  assert.match(
    kept,
    /^\d{3,} test\/one\.test\.ts\n\d{3,} test\/other\.test\.ts\n$/,
    'for the next time',
  );
});

test('a failing property’s command names its seed, and repeats it', async () => {
  const property = `${fastCheck}${made}test('x', () =>
    fc.assert(fc.property(fc.integer(), (n) => { console.log('tried ' + n); return false; }), { endOnFailure: true }));
    test.run();`;
  const folder = folderWith({ property });
  const { lines } = await run(folder);
  const command = lines.find((line) => line.startsWith('repeat: ')) ?? '';
  const [, seed = ''] =
    /^repeat: npx node test\/run\.ts (--seed=-?\d+) test\/property\.test\.ts$/.exec(command) ?? [];
  const again = await run(folder, seed, 'property.test.ts');
  const tried = (from: readonly string[]) => from.join('\n').match(/tried -?\d+/g);
  assert.equal(tried(again.lines), tried(lines));
  assert.ok(again.lines.includes(command));
});

// ── The end of the runner ─────────────────────────────────────────────────────────────────────────

const waits = `${leaving}${made}test('x', () => new Promise(() => setInterval(() => {}, 1_000)));\ntest.run();`;

for (const signal of ['SIGINT', 'SIGTERM', 'SIGKILL'] as const)
  test(`${signal} to the runner ends the test files and what they started`, async () => {
    const folder = folderWith({ waits });
    const { child, ended } = start(folder);
    try {
      await until(() => existsSync(join(folder, 'pid')) && pidsIn(folder).length === 2);
    } finally {
      child.kill(signal);
    }
    const { code, lines } = await ended;
    assert.is(code, signal === 'SIGKILL' ? null : 1);
    if (signal !== 'SIGKILL') {
      assert.ok(lines.includes(`✘ stopped by ${signal}`));
      assert.is(lines.at(-1), '0 passed, 2 failed');
    }
    await until(() => !pidsIn(folder).some(isAlive));
  });

test.run();
