import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { assert, suite } from '../../../support/suite.ts';
import { adminPassword, type Gatebook, gatebook, said } from '../gatebook.ts';
import { commandLineOf } from '../in-process.ts';

const test = suite<{ gate: Gatebook; granted: string }>('cli audit past');

test.before(async (world) => {
  const gate = gatebook();
  world.gate = gate;
  await gate.serve();
  gate.environment.GATEBOOK_USERNAME = 'admin';
  gate.environment.GATEBOOK_PASSWORD = adminPassword;
  said(await gate.call('roles', 'create', 'press', '--permission', 'mqtt:readWrite:plant/#'));
  said(
    await gate.call(
      ...['unlock', '--note', 'line 4', '--pattern', 'press-*'],
      ...['--source', '127.0.0.0/8', '--max', '7'],
    ),
  );
  const ask = async (username: string) => {
    const { status } = await fetch(
      `${gate.environment.GATEBOOK_URL}/api/client-registry/register`,
      {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({
          username,
          password: `0123456789abcdef0123456789abcdef${username}`,
          context: { site: 'hall 7' },
        }),
      },
    );
    assert.is(status, 202);
  };
  await ask('press-1');
  said(await gate.call('unlock', '--note', 'line 4 and 5', '--max', '90'));
  await ask('oven-2');
  said(await gate.call('grant', 'press-1', '--role', 'press', '--reason', 'for line 4'));
  world.granted = new Date().toISOString();
  said(await gate.call('users', 'revoke', 'press-1', '--reason', 'stolen'));
});
test.after(({ gate }) => gate.clean());

test('replay walks through the events with the state before and after', async ({ gate }) => {
  const lines = said(await gate.call('replay', 'press-1'))
    .trimEnd()
    .split('\n');
  assert.match(lines[0] ?? '', /RegistrationRequested press-1 by press-1 {2}unknown → pending/);
  assert.match(lines[1] ?? '', /RegistrationGranted press-1 by admin {2}pending → active/);
  assert.ok(lines.some((line) => /AccessRevoked .* active → revoked/.test(line)));
  assert.match(said(await gate.call('replay')), /RegistryUnlocked by admin {2}locked → unlocked/);
  const json = said(await gate.call('replay', 'press-1', '--json'))
    .trimEnd()
    .split('\n');
  assert.is(JSON.parse(json[0] ?? '').change, 'unknown → pending');
});

test('history is narrowed by type, actor, time and word', async ({ gate, granted }) => {
  const types = async (...options: string[]) =>
    JSON.parse(said(await gate.call('history', '--json', ...options))).items.map(
      ({ type }: { type: string }) => type,
    );
  assert.equal(await types('--type', 'RegistrationGranted'), ['RegistrationGranted']);
  const ofPress = await types('press-1', '--actor', 'press-1');
  assert.equal(ofPress, ['RegistrationRequested']);
  assert.ok((await types('press-1', '--since', granted)).includes('AccessRevoked'));
  assert.not.ok((await types('press-1', '--until', granted)).includes('AccessRevoked'));
  assert.ok((await types('--since', '1h')).includes('AccessRevoked'), 'a duration counts back');
  assert.equal(await types('--until', '1h'), []);
  assert.equal(await types('--query', 'Unlocked'), ['RegistryUnlocked', 'RegistryUnlocked']);
});

test('replay --at shows how things were', async ({ gate, granted }) => {
  assert.match(
    said(await gate.call('replay', 'press-1', '--at', granted)),
    /press-1 was active at[^\n]*\nIt held role press\.\nAt embedded: active since/,
  );
  const whole = said(await gate.call('replay', '--at', granted));
  assert.match(whole, /the registry was unlocked by admin until/);
  assert.match(whole, /active +2\n/);
});

test('what is not there is said, not shown as nothing', async ({ gate }) => {
  assert.is(said(await gate.call('replay', 'nobody')), 'Nothing is known of nobody.\n');
  assert.is(said(await gate.call('history', 'nobody')), 'Nothing is known of nobody.\n');
  assert.is(said(await gate.call('history', '--type', 'Granted')), 'Nothing that fits.\n');
  const report = await gate.call('report', '--out', join(gate.folder, 'none', 'report.html'));
  assert.is(report.exitCode, 2);
  assert.match(report.stderr, /none\/report.html: there is no such file or folder/);
});

test('explain tells request, window, decision and activation', async ({ gate }) => {
  const told = said(await gate.call('explain', 'press-1'));
  assert.match(told, /^press-1 {2}revoked: stolen\n/);
  assert.match(told, /├─ asked [^\n]*explicit from 127\.0\.0\.1, pairing ID [^\n]*, site=hall 7\n/);
  assert.match(
    told,
    /│ {2}└─ in the window that admin opened [^\n]*, for press-\*, from 127\.0\.0\.0\/8, at most 7 requests \(line 4\)\n/,
  );
  assert.match(
    told,
    /│ {7}limits changed by admin [^\n]*: until [^\n]*, at most 90 requests \(line 4 and 5\), after it asked\n/,
  );
  const later = said(await gate.call('explain', 'oven-2'));
  assert.match(
    later,
    /in the window that admin opened [^\n]*, at most 90 requests \(line 4 and 5\)\n/,
  );
  assert.match(
    later,
    /│ {7}limits at first: [^\n]*for press-\*[^\n]*\(line 4\), before it asked\n/,
  );
  assert.match(
    said(await gate.call('explain', 'admin')),
    /^admin {2}active\n[\s\S]*├─ made by system [^\n]*, without a request: first start\n/,
  );
  assert.match(told, /├─ granted by admin [^\n]*: for line 4/);
  const unknown = await gate.call('explain', 'nobody');
  assert.is(unknown.exitCode, 3);
});

test('history shows the id of a window, as report and revoke ask for it', async ({ gate }) => {
  const told = said(await gate.call('history', '--type', 'RegistryUnlocked'));
  const [, windowId = ''] = /window ([0-9a-f-]{36})/.exec(told) ?? [];
  assert.match(said(await gate.call('report', windowId)), /^Opened .* by admin/);
  assert.match(said(await gate.call('history', '--window', windowId)), /RegistrationGranted/);
});

test('access tells what was meant from what was in effect', async ({ gate, granted }) => {
  const then = said(await gate.call('access', '--topic', 'plant/a', '--at', granted));
  assert.match(then, /^NAME +MAY +RESOURCE +VIA +AS MEANT +IN EFFECT +BROKER\n/);
  assert.match(then, /press-1 +read +plant\/# +press +\d{4}-.* – \d{4}-.* +embedded/);
  assert.not.match(said(await gate.call('access', '--topic', 'plant/a')), 'press-1');
  const own = said(await gate.call('access', '--user', 'press-1', '--at', granted));
  assert.match(own, /press-1 +readWrite +plant\/#/);
  assert.is((await gate.call('access')).exitCode, 2);
  const url = String(gate.environment.GATEBOOK_URL);
  const login = await fetch(`${url}/api/login`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ username: 'admin', password: adminPassword }),
  });
  const { token } = (await login.json()) as { token: string };
  const lines = await commandLineOf({ url, token }).shown(
    ...['access', '--user', 'press-1', '--at', granted],
  );
  const time = /\d{4}-\d\d-\d\d \d\d:\d\d:\d\d[+-]\d\d:\d\d/.source;
  assert.match(lines[0] ?? '', 'press-1 readWrite plant/# (press)');
  assert.match(lines[1] ?? '', new RegExp(`^  as meant   ${time} – (now|${time})$`));
  assert.match(lines[2] ?? '', new RegExp(`^  in effect  ${time} – (now|${time}) at embedded$`));
});

test('the report of the newest window is shown, or written to print', async ({ gate }) => {
  const shown = said(await gate.call('report'));
  assert.match(shown, /asked 2, granted 1, denied 0/);
  assert.match(shown, /— gatebook\//);
  assert.match(shown, /^LIMITS SET +BY +UNTIL +FOR +FROM +AT MOST +ASKED +NOTE\n/m);
  assert.match(shown, /admin [^\n]*press-\* +127\.0\.0\.0\/8 +7 +1 +line 4\n/);
  assert.match(shown, /admin [^\n]*every name +everywhere +90 +1 +line 4 and 5\n/);
  const file = join(gate.folder, 'report.html');
  said(await gate.call('report', '--out', file));
  assert.match(readFileSync(file, 'utf8'), /<h1>Window report<\/h1>/);
  assert.is(statSync(file).mode & 0o777, 0o600);
});

test('erase says what it did', async ({ gate }) => {
  assert.match(
    said(await gate.call('users', 'erase', 'press-1')),
    /^Erased press-1\. [^\n]* its history and proofs stay\.\n$/,
  );
  assert.match(said(await gate.call('users', 'erasures')), /^press-1 +done +\S+ \S+ +admin/m);
  assert.is(
    said(await gate.call('users', 'erasures', '--pending')),
    'No erasure is pending here.\n',
  );
  assert.match(said(await gate.call('explain', 'press-1')), /├─ asked [^\n]*explicit, pairing/);
});

test.run();
