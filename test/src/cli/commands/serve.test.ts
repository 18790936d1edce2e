import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { CommandFailed } from '../../../../src/cli/command.ts';
import { startFault } from '../../../../src/cli/commands/serve.ts';
import { progressText } from '../../../../src/cli/terminal/progress.ts';
import { OwnLogUnavailable, StoreUnavailable } from '../../../../src/store/errors.ts';
import { skipped } from '../../../support/skipped.ts';
import { assert, suite } from '../../../support/suite.ts';
import { type Gatebook, gatebook } from '../gatebook.ts';

const test = suite<{ gate: Gatebook }>('cli operate');
test.before.each((context) => {
  context.gate = gatebook();
});
test.after.each(({ gate }) => gate.clean());

test('a port that is taken is said with what to do, and exit 1', async ({ gate }) => {
  const other = createServer();
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
  const { port } = other.address() as AddressInfo;
  gate.environment.GATEBOOK_HTTP_PORT = String(port);
  const { exitCode, stderr } = await gate.run('serve');
  other.close();
  assert.is(exitCode, 1);
  assert.match(
    stderr,
    `Cannot listen on 127.0.0.1 port ${port} (another process has it).\nChoose another: GATEBOOK_HTTP_PORT`,
  );
});

test('a data folder that is none is said with what to do, and exit 1', async ({ gate }) => {
  writeFileSync(join(gate.folder, 'data'), 'a file');
  const { exitCode, stderr } = await gate.run('serve');
  assert.is(exitCode, 1);
  assert.match(stderr, /^Cannot use \S+data\S* \((EEXIST|ENOTDIR)\)\.\nThe service needs a folder/);
});

/** Gives back how many bytes are free on it; undefined where nobody may mount here. */
function mountSmallDisk(folder: string): number | undefined {
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=4m', 'tmpfs', folder], { stdio: 'pipe' });
  } catch {
    skipped('no small disk here (mounting a tmpfs needs root)');
    return undefined;
  }
  const { bavail, bsize } = statfsSync(folder);
  return bavail * bsize;
}

test('a full disk is said with the folder and what to do, and exit 1', async ({ gate }) => {
  const disk = join(gate.folder, 'disk');
  mkdirSync(disk);
  const free = mountSmallDisk(disk);
  if (free === undefined) return;
  try {
    gate.environment.GATEBOOK_DATA_DIR = join(disk, 'data');
    // Too little for the log, and for the rows.
    for (const leftBytes of [16_384, 262_144]) {
      writeFileSync(join(disk, 'ballast'), Buffer.alloc(free - leftBytes));
      const { exitCode, stderr } = await gate.run('serve');
      assert.is(exitCode, 1);
      assert.match(
        stderr,
        `Cannot use the files in ${join(disk, 'data')}: database or disk is full.`,
      );
      assert.match(
        stderr,
        /Make room there and start again, or choose another folder: GATEBOOK_DATA/,
      );
      for (const left of ['data', 'ballast']) rmSync(join(disk, left), { recursive: true });
    }
  } finally {
    execFileSync('umount', ['-l', disk]);
  }
});

test('a log of its own that does not answer is a matter of its disk, and one elsewhere of its server', () => {
  const [own, shared] = [OwnLogUnavailable, StoreUnavailable].map((kind) => {
    const error = new kind('the log does not answer now: database or disk is full (SQLite 13)');
    return startFault(error, '/var/plant') as CommandFailed;
  }) as [CommandFailed, CommandFailed];
  assert.match(own.message, 'Cannot use the files in /var/plant: the log does not answer now');
  assert.equal([own.exitCode, shared.exitCode], [1, 5]);
  assert.match(shared.message, 'Cannot use the event store');
});

test('a host that no name server knows is said with the settings that may hold it', async ({
  gate,
}) => {
  for (const setting of ['GATEBOOK_HOST', 'GATEBOOK_MQTT_HOST']) {
    // A name that is never given to anybody (RFC 6761).
    gate.environment[setting] = 'nobody.invalid';
    const { exitCode, stderr } = await gate.run('serve');
    delete gate.environment[setting];
    assert.is(exitCode, 1, setting);
    assert.match(
      stderr,
      /^Cannot listen on nobody\.invalid \(the name (is not known|cannot .*)\)\.$/m,
    );
    assert.match(stderr, new RegExp(`Give an address of this machine: .*\\b${setting}\\b`));
  }
});

test('a data or key folder where the system has none is said with what to do', async ({ gate }) => {
  if (process.platform !== 'linux') return;
  for (const setting of ['GATEBOOK_DATA_DIR', 'GATEBOOK_KEYS_DIR']) {
    const { [setting]: before = join(gate.folder, 'keys') } = gate.environment;
    gate.environment[setting] = '/proc/gatebook';
    const { exitCode, stderr } = await gate.run('serve');
    gate.environment[setting] = before;
    assert.is(exitCode, 1, setting);
    assert.match(stderr, /\/proc\/gatebook\b.*ENOENT/);
    assert.match(stderr, setting);
  }
});

test('a faulty configuration is exit 2, and nothing is made', async ({ gate }) => {
  gate.environment.GATEBOOK_MQTT_PORT = 'none';
  const { exitCode, stdout, stderr } = await gate.run('serve');
  assert.equal([exitCode, stdout], [2, '']);
  assert.match(stderr, 'GATEBOOK_MQTT_PORT is "none". Give a port from 0 to 65535');
  assert.throws(() => mkdirSync(join(gate.folder, 'data', 'x')), /ENOENT/);
});

test('SIGINT and SIGTERM stop the service with exit 0', async ({ gate }) => {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    const service = await gate.serve();
    service.child.kill(signal);
    const { exitCode, stdout } = await service.ended;
    assert.is(exitCode, 0, signal);
    for (const line of stdout.trim().split('\n')) JSON.parse(line);
  }
});

test('progress says how far, how fast and how long', () => {
  assert.is(
    progressText({ done: 681_204, total: 1_000_000 }, 3_183),
    '████████████████░░░░░░░░  68 %  681,204 of 1,000,000 events  214,013/s  1 s left',
  );
  assert.is(
    progressText({ done: 0, total: 0 }, 0),
    '████████████████████████  100 %  0 of 0 events  0/s',
  );
  assert.is(progressText({ done: 300, total: null }, 1_000), '300 events  300/s');
  const narrow = progressText({ done: 681_204, total: 1_000_000 }, 3_183, 68);
  assert.match(narrow, /^█+░+ {2}68 % .* 1 s left$/);
  assert.is(narrow.length, 68);
  assert.match(progressText({ done: 0, total: 10 }, 0), /^░{24} {2}0 % {2}0 of 10 events {2}0\/s$/);
});

test.run();
