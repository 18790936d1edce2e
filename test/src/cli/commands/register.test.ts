/** The device's side on the command line: turned away, waiting, stopped and started again. */
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { Pending } from '../../../../src/api/output.ts';
import { assert, suite } from '../../../support/suite.ts';
import { adminPassword, type Gatebook, gatebook, type Running, said } from '../gatebook.ts';

const test = suite<{ gate: Gatebook; service: Running }>('gatebook register');
test.before(async (context) => {
  context.gate = gatebook();
  context.service = await context.gate.serve();
});
test.before.each(({ gate }) => {
  gate.environment.GATEBOOK_USERNAME = 'admin';
  gate.environment.GATEBOOK_PASSWORD = adminPassword;
});
test.after(({ gate }) => gate.clean());

test('while it is locked a device is told to wait, with exit 6', async ({ gate }) => {
  const { exitCode, stdout } = await gate.run(
    'register',
    'press-17',
    '--out',
    'press-17.json',
    '--no-wait',
  );
  assert.is(exitCode, 6);
  assert.match(stdout, /^Pairing ID {2}[0-9a-f]{3} [0-9a-f]{3} {3}\(compare it with the page\)\n/);
  assert.match(stdout, 'Not decided yet: the registry is locked.');
  assert.is(statSync(join(gate.folder, 'press-17.json')).mode & 0o777, 0o600);
});

test('a denied device is told why, and a blocked one until when', async ({ gate }) => {
  said(await gate.call('unlock'));
  await gate.call('register', 'press-40', '--out', join(gate.folder, 'press-40.json'), '--no-wait');
  const denied = await gate.call(
    'deny',
    'press-40',
    '--reason',
    'not ours',
    '--block-until',
    '30d',
  );
  assert.match(said(denied), /^Denied press-40\. It may ask again after \d{4}-/);
  const { exitCode, stderr } = await gate.call(
    'register',
    'press-40',
    '--out',
    join(gate.folder, 'press-40.json'),
  );
  assert.is(exitCode, 3);
  assert.match(stderr, 'Not registered: press-40.');
  assert.match(stderr, 'Reason: not ours\nIt may ask again after ');
});

test('a re-imaged device is seen by an administrator, and gets in when it is granted', async ({
  gate,
}) => {
  said(await gate.call('unlock'));
  const out = (name: string) => ['--out', join(gate.folder, name), '--no-wait'];
  await gate.call('register', 'press-50', ...out('before.json'));
  said(await gate.call('grant', 'press-50'));
  const asked = await gate.call('register', 'press-50', ...out('after.json'));
  assert.is(asked.exitCode, 6, asked.stderr);
  assert.match(asked.stdout, 'Waiting: another credential holds this name. Asking once more in ');
  assert.match(
    asked.stdout,
    'Not decided yet: another credential holds this name; an administrator',
  );
  assert.match(said(await gate.call('requests')), /^press-50 .* replacement /m);
  said(await gate.call('grant', 'press-50'));
  assert.match(said(await gate.call('register', 'press-50', ...out('after.json'))), /^Granted/m);
  // A third device contests nothing that waits: asked twice, it is told to stop.
  const third = await gate.call('register', 'admin', ...out('third.json'));
  assert.is(third.exitCode, 3);
  assert.match(third.stderr, 'Not registered: admin. This name is held by another credential');
});

test('with --json a device prints what the registry answers, problems on stderr', async ({
  gate,
}) => {
  const ask = () =>
    gate.call(
      'register',
      'press-45',
      '--out',
      join(gate.folder, 'press-45.json'),
      '--no-wait',
      '--json',
    );
  await gate.call('lock');
  const locked = await ask();
  assert.equal([locked.exitCode, locked.stdout], [6, '']);
  assert.is(JSON.parse(locked.stderr).code, 'registry-locked');

  said(await gate.call('unlock'));
  const waits = await ask();
  assert.equal([waits.exitCode, waits.stderr], [6, '']);
  assert.is(Pending.parse(JSON.parse(waits.stdout)).username, 'press-45');

  said(await gate.call('deny', 'press-45', '--reason', 'not ours'));
  const denied = await ask();
  assert.equal([denied.exitCode, denied.stdout], [3, '']);
  const problem = JSON.parse(denied.stderr);
  assert.equal([problem.code, problem.reason], ['registration-denied', 'not ours']);
});

test('a waiting device stops at Ctrl-C and goes on later, also over a restart of the service', async (context) => {
  const { gate } = context;
  const args = ['register', 'press-60', '--out', 'press-60.json'];
  const device = gate.start(args);
  await device.says('Waiting: pending');
  device.child.kill('SIGINT');
  const stopped = await device.ended;
  assert.is(stopped.exitCode, 130);
  assert.match(stopped.stderr, 'Stopped. The same command goes on later.');

  gate.environment.GATEBOOK_HTTP_PORT = new URL(gate.environment.GATEBOOK_URL ?? '').port;
  const waiting = gate.start(args);
  await waiting.says('Waiting: pending');
  context.service.child.kill('SIGKILL');
  await context.service.ended;
  await waiting.says('Waiting: cannot reach the registry at');
  context.service = await gate.serve();
  said(await gate.call('grant', 'press-60'));
  assert.match(said(await waiting.ended), 'Granted. Wrote press-60.json');
});

test.run();
