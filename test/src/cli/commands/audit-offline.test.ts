/** Looking back into an export: the answers of the service, without the service. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { assert, suite } from '../../../support/suite.ts';
import { adminPassword, type Gatebook, gatebook, type Running, said } from '../gatebook.ts';

const test = suite<{
  gate: Gatebook;
  service: Running;
  granted: string;
  log: string;
  online: Record<string, string>;
}>('cli audit offline');

const commandsOf = (granted: string): Record<string, string[]> => ({
  'access then': ['access', '--topic', 'plant/a', '--at', granted, '--json'],
  'access of one': ['access', '--user', 'press-1', '--at', granted, '--json'],
  access: ['access', '--topic', 'plant/a'],
  'state then': ['replay', 'press-1', '--at', granted, '--json'],
  'whole then': ['replay', '--at', granted, '--json'],
  walk: ['replay', 'press-2', '--json'],
  'explain made': ['explain', 'made-1'],
  'explain pending': ['explain', 'press-2'],
});

test.before(async (world) => {
  const gate = gatebook();
  world.gate = gate;
  world.service = await gate.serve();
  gate.environment.GATEBOOK_USERNAME = 'admin';
  gate.environment.GATEBOOK_PASSWORD = adminPassword;
  said(await gate.call('roles', 'create', 'press', '--permission', 'mqtt:readWrite:plant/#'));
  said(await gate.call('unlock', '--note', 'line 4', '--pattern', 'press-*', '--max', '7'));
  for (const username of ['press-1', 'press-2'])
    await fetch(`${gate.environment.GATEBOOK_URL}/api/client-registry/register`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      // By MQTT alone there would be no personal fields but an address, which nobody opens offline.
      body: JSON.stringify({ username, password: `0123456789abcdef0123456789abcd-${username}` }),
    });
  said(await gate.call('unlock', '--note', 'wider', '--max', '70'));
  said(await gate.call('users', 'create', 'made-1', '--role', 'press', '--reason', 'by hand'));
  said(await gate.call('grant', 'press-1', '--role', 'press', '--reason', 'for line 4'));
  world.granted = new Date().toISOString();
  said(await gate.call('users', 'revoke', 'press-1', '--reason', 'stolen'));
  said(await gate.call('lock'));
  const at = (name: string) => join(gate.folder, name);
  said(await gate.call('report', '--out', at('report.json')));
  said(await gate.call('report', '--out', at('report.html')));
  writeFileSync(at('key.txt'), said(await gate.call('checkpoint', '--public-key')));
  // A token makes no event of a sign-in for each question.
  gate.environment.GATEBOOK_TOKEN = JSON.parse(
    said(await gate.call('tokens', 'create', 'auditor', '--json')),
  ).token;
  delete gate.environment.GATEBOOK_USERNAME;
  delete gate.environment.GATEBOOK_PASSWORD;
  world.log = at('log.ndjson');
  said(await gate.call('export', '--out', world.log));
  world.online = {};
  for (const [name, args] of Object.entries(commandsOf(world.granted)))
    world.online[name] = said(await gate.call(...args));
  world.service.child.kill('SIGTERM');
  await world.service.ended;
  delete gate.environment.GATEBOOK_TOKEN;
  gate.environment.GATEBOOK_URL = 'http://127.0.0.1:1';
});
test.after(({ gate }) => gate.clean());

/** Addresses are sealed in an export, and sessions are in no log. */
const unsealed = (text: string) =>
  text
    .replaceAll(/(explicit) from 127\.0\.0\.1/g, '$1')
    .replaceAll(/explicit, 127\.0\.0\.1/g, 'explicit')
    .replaceAll(/"source":"127\.0\.0\.1"/g, '"source":null');

const parsed = (line: string): unknown => JSON.parse(line);

test('an export answers as the service did, which is gone', async ({
  gate,
  granted,
  log,
  online,
}) => {
  for (const [name, args] of Object.entries(commandsOf(granted))) {
    const told = said(await gate.call(...args, '--export', log));
    const before = unsealed(online[name] ?? '');
    if (!args.includes('--json')) assert.is(told, before, name);
    else
      assert.equal(
        told.trim().split('\n').map(parsed),
        before.trim().split('\n').map(parsed),
        name,
      );
  }
});

test('explain tells a client as it was at a moment, with the limits that were in force', async ({
  gate,
  granted,
  log,
}) => {
  const explain = async (...more: string[]) =>
    said(await gate.call('explain', 'press-1', '--export', log, ...more));
  assert.match(await explain(), /^press-1 {2}revoked: stolen\n/);
  const then = await explain('--at', granted);
  assert.match(then, /^press-1 {2}active\n├─ holds role press\n/);
  assert.not.match(then, 'AccessRevoked');
  assert.match(then, /for press-\*, at most 7 requests \(line 4\)\n/);
  assert.match(then, /limits changed by admin [^\n]*at most 70 requests \(wider\), after it asked/);
  const online = await gate.call('explain', 'press-1', '--at', granted);
  assert.is(online.exitCode, 2);
  assert.match(online.stderr, '--at goes with --export');
  const nobody = await gate.call('explain', 'nobody', '--export', log);
  assert.is(nobody.exitCode, 3);
});

test('a file that is no whole export answers nothing', async ({ gate, log }) => {
  const lines = readFileSync(log, 'utf8').trimEnd().split('\n');
  const file = join(gate.folder, 'other.ndjson');
  const opened = lines.findIndex((line) => line.includes('RegistryUnlocked'));
  for (const [text, fault] of [
    [
      `${lines.toSpliced(opened, 1).join('\n')}\n`,
      /event 1 of registry-main, and event 0 is missing/,
    ],
    [`${lines.join('\n')}\n{"type":"x"}\n`, /no event as it was exported/],
    [
      `${lines.slice(0, 3).join('\n')}\n${lines[3]?.slice(0, 20)}`,
      /ends in the middle of an event/,
    ],
    ['', /has no event/],
  ] as const) {
    writeFileSync(file, text);
    const { exitCode, stderr } = await gate.call('replay', '--export', file);
    assert.is(exitCode, 2, stderr);
    assert.match(stderr, fault);
  }
  const none = await gate.call('access', '--user', 'a-1', '--export', join(gate.folder, 'none'));
  assert.is(none.exitCode, 2);
  assert.match(none.stderr, 'there is no such file');
});

test('a signed report is checked without the registry, and one that was changed is not signed', async ({
  gate,
}) => {
  const at = (name: string) => join(gate.folder, name);
  const verify = (file: string, key = at('key.txt')) =>
    gate.call('verify-report', at(file), '--key', key);
  const good = said(await verify('report.json'));
  assert.match(good, /^Signed by gatebook\/[^\n]*: the report of window [0-9a-f-]{36}, /);
  assert.match(good, /2 asked/);
  const report = JSON.parse(readFileSync(at('report.json'), 'utf8'));
  writeFileSync(
    at('narrow.json'),
    JSON.stringify({ ...report, limits: report.limits.slice(0, 1) }),
  );
  const changed = await verify('narrow.json');
  assert.is(changed.exitCode, 1);
  assert.match(changed.stderr, 'Not signed by this key as it stands');
  // What a person reads first is not what is parsed.
  const shadowed = JSON.stringify(report, null, 1).replace(
    '"counts":',
    '"counts": {}, "c\\u006funts":',
  );
  assert.equal(JSON.parse(shadowed), report);
  writeFileSync(at('shadowed.json'), shadowed);
  assert.match((await verify('shadowed.json')).stderr, 'a name stands twice');
  writeFileSync(at('no.json'), '{"window":1}');
  for (const [file, fault] of [
    ['report.html', /is no report as JSON/],
    ['no.json', /has no signature/],
    ['none.json', /there is no such file/],
  ] as const) {
    const { exitCode, stderr } = await verify(file);
    assert.equal([exitCode, fault.test(stderr)], [2, true], stderr);
  }
  assert.is((await gate.call('verify-report', at('report.json'))).exitCode, 2);
});

test.run();
