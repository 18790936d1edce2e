/** `gatebook windows`: scheduled, listed with what is left until then, cancelled. */
import { assert, suite } from '../../../support/suite.ts';
import { adminPassword, type Gatebook, gatebook, said } from '../gatebook.ts';

const test = suite<{ gate: Gatebook }>('cli windows');
test.before(async (world) => {
  world.gate = gatebook();
  await world.gate.serve();
  world.gate.environment.GATEBOOK_USERNAME = 'admin';
  world.gate.environment.GATEBOOK_PASSWORD = adminPassword;
});
test.after(({ gate }) => gate.clean());

test('scheduled, listed and cancelled', async ({ gate }) => {
  assert.is(said(await gate.call('windows')), 'No windows are scheduled.\n');
  const limits = ['--for', '30m', '--max', '20', '--pattern', 'press-*'];
  const once = said(await gate.call('windows', 'schedule', '--at', '2h', ...limits));
  assert.match(once, /^Scheduled: once, .*, for 30 min \(press-\*, at most 20\)\. Next: .*\(in /);
  const weekly = ['--weekly', 'sunday 02:30', '--time-zone', 'Europe/Berlin'];
  said(await gate.call('windows', 'schedule', ...weekly, '--for', '2h'));
  const list = said(await gate.call('windows'));
  assert.match(list, /sunday 02:30 Europe\/Berlin/);
  assert.match(list, /30 min .*\(in .*press-\*, at most 20/);
  const [id] = /[0-9a-f-]{36}/.exec(once) ?? [];
  assert.match(said(await gate.call('windows', 'cancel', String(id))), /^Cancelled\./);
  assert.not.match(said(await gate.call('windows')), /press-\*/);
  assert.match(said(await gate.call('windows', '--all')), /cancelled/);
});
test('what is no time is told', async ({ gate }) => {
  for (const [options, words] of [
    [['--for', '1h'], /Give one of --at TIME and --weekly/],
    [['--at', '2h'], /Give --for DURATION/],
    [['--at', '2h', '--for', '25h'], /up to 1 d/],
    [['--weekly', 'someday 02:30', '--for', '1h'], /is no weekly time/],
    [['--weekly', 'sunday 02:30', '--time-zone', 'Mars/Base', '--for', '1h'], /is no time zone/],
  ] as const) {
    const { exitCode, stderr } = await gate.call('windows', 'schedule', ...options);
    assert.is(exitCode, 2, stderr);
    assert.match(stderr, words);
  }
});

test.run();
