import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { assert, suite } from '../../support/suite.ts';
import { adminPassword, type Gatebook, gatebook, type Running, said } from './gatebook.ts';

const test = suite<{ gate: Gatebook; service: Running }>('cli session');
test.before(async (context) => {
  context.gate = gatebook();
  context.service = await context.gate.serve();
});
test.before.each(({ gate }) => {
  gate.environment.GATEBOOK_USERNAME = 'admin';
  gate.environment.GATEBOOK_PASSWORD = adminPassword;
});
test.after(({ gate }) => gate.clean());

/** Asks as a stranger with another password, so that the name is contested. */
async function contest(gate: Gatebook, username: string) {
  const answer = await fetch(`${gate.environment.GATEBOOK_URL}/api/client-registry/register`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ username, password: 'another password' }),
  });
  assert.is(answer.status, 409);
}

test('a device asks, an administrator grants, the waiting device gets it, the history tells', async ({
  gate,
}) => {
  const opened = said(
    await gate.run(
      'unlock',
      '--for',
      '5m',
      '--max',
      '20',
      '--pattern',
      'press-*',
      '--note',
      'line 4',
    ),
  );
  assert.match(
    opened,
    /^Unlocked until .*\d\d:\d\d:\d\d \(5 min\) for press-\*, at most 20 requests\. Watch with: gatebook requests --watch\n$/,
  );
  // biome-ignore lint/suspicious/noTemplateCurlyInString: the template is the registry's
  const permission = 'mqtt:readWrite:plant/${username}/#';
  assert.is(
    said(await gate.run('roles', 'create', 'press', '--permission', permission)),
    'Defined role press: 1 permission, 0 users.\n',
  );

  const device = gate.start([
    'register',
    'press-17',
    '--out',
    'press-17.json',
    '--context',
    'line=4',
  ]);
  const pairing = (await device.says('Pairing ID')).slice(12, 19);
  await device.says('Waiting: pending since');
  const [header = '', row = '', summary = ''] = said(await gate.run('requests')).split('\n');
  assert.match(header, /^NAME {6}PAIRING {2}KIND {2}FLOW {6}SOURCE {5}ASKED {2}WANTS {2}SAYS$/);
  assert.match(
    row,
    new RegExp(`^press-17  ${pairing}  new   explicit  127\\.0\\.0\\.1  \\d s +– +line=4$`),
  );
  assert.match(summary, /^1 pending\. Locks in (5 min|4 min \d+ s)\.$/);

  assert.is(
    said(await gate.run('grant', 'press-17', '--role', 'press')),
    'Granted press-17: role press (plant/press-17/#). Active at embedded.\n',
  );
  const registered = await device.ended;
  assert.match(
    said(registered),
    'Granted. Wrote press-17.json (mode 0600). Try: mosquitto_sub -h 127.0.0.1 -p ',
  );
  assert.match(
    registered.stdout,
    `-u press-17 -P "$(jq -r .password press-17.json)" -t 'plant/press-17/#'\n`,
  );
  const file = JSON.parse(readFileSync(join(gate.folder, 'press-17.json'), 'utf8'));
  assert.equal(Object.keys(file), [
    'url',
    'username',
    'password',
    'requestId',
    'pairingId',
    'registrationToken',
    'registered',
  ]);
  assert.equal(file.registered.roles, ['press']);

  const again = await gate.run('register', 'press-17', '--out', 'press-17.json');
  assert.match(said(again), 'Granted already. press-17.json has the credentials.');

  const [columns = '', ...events] = said(await gate.run('history', 'press-17'))
    .trim()
    .split('\n');
  assert.match(columns, /^WHEN {23}WHAT {19}WHO {7}DETAILS$/);
  assert.equal(
    events.map((line) => line.split(/ {2,}/).slice(1)),
    [
      ['CredentialActivated', 'system', 'embedded'],
      ['RegistrationGranted', 'admin', 'role press'],
      [
        'RegistrationRequested',
        'press-17',
        `explicit, 127.0.0.1, pairing ID ${pairing.replace(' ', '')}, line=4`,
      ],
    ],
  );
});

test('a contested request needs its name and a confirmation; a glob leaves it alone', async ({
  gate,
}) => {
  said(await gate.call('unlock'));
  const names = ['press-30', 'press-31', 'press-32'];
  const asked = await Promise.all(
    names.map((name) =>
      gate.call('register', name, '--out', join(gate.folder, `${name}.json`), '--no-wait'),
    ),
  );
  assert.equal(
    asked.map(({ exitCode }) => exitCode),
    [6, 6, 6],
  );
  await contest(gate, 'press-31');

  assert.match(said(await gate.call('requests')), 'contested (another credential), new');
  const part = said(await gate.call('requests', '--status', 'all', '--limit', '1'));
  assert.match(part, /^1 request shown\./m);
  const typo = await gate.call('grant', 'press-*', 'press-31', '--role', 'pres', '--yes');
  assert.is(typo.exitCode, 3);
  assert.is(
    typo.stderr,
    'There is no role pres. Nothing was granted.\nDid you mean press? See all roles with: gatebook roles\n',
  );
  const asksFirst = await gate.call('grant', 'press-*', '--role', 'press');
  assert.is(asksFirst.exitCode, 2, 'a script has to say that it means it');
  assert.match(
    asksFirst.stderr,
    /^Nothing was granted: press-\* needs --yes, or a terminal to ask/,
  );
  assert.match(
    asksFirst.stderr,
    "See first what fits: gatebook grant 'press-*' --role press --dry-run",
  );
  const dry = said(await gate.call('grant', 'press-*', '--role', 'press', '--dry-run'));
  assert.match(dry, /^NAME +PAIRING +KIND +SOURCE +ASKED\npress-30 /);
  assert.match(dry, /press-31 .*contested/);
  assert.match(dry, '2 would be granted (role press), 1 left alone. Without --dry-run they are.');
  const dryJson = await gate.call('deny', 'press-*', '--dry-run', '--json');
  assert.equal(
    JSON.parse(said(dryJson)).items.map(({ status }: { status: string }) => status),
    ['pending', 'pending', 'pending'],
  );
  const denyAsks = await gate.call('deny', 'press-*', '--reason', 'not ours');
  assert.match(
    denyAsks.stderr,
    /Nothing was denied: press-\* needs --yes[\s\S]*--reason 'not ours' --dry-run/,
  );
  const waiting = JSON.parse(said(await gate.call('requests', '--json')));
  assert.is(waiting.items.length, 3, 'nothing was done until now');

  const bulk = await gate.call('grant', 'press-*', '--role', 'press', '--yes');
  assert.match(
    said(bulk),
    /\nGranted 2: press-30 press-32\nLeft alone 1: press-31 \(contested\)\. Grant these by name: gatebook grant NAME --role press\n$/,
  );
  const { pairingId } = JSON.parse(readFileSync(join(gate.folder, 'press-31.json'), 'utf8'));
  const flags = ['--role', 'press', '--reason', "line 4's spare"];
  const refused = await gate.run('grant', 'press-31', ...flags);
  assert.equal(refused, {
    exitCode: 3,
    stdout: '',
    stderr: [
      'Not granted: press-31 is contested. Somebody else asked for this name with another credential.',
      `Compare the pairing ID (${pairingId.slice(0, 3)} ${pairingId.slice(3)}) with the device, then: gatebook grant press-31 --role press --reason 'line 4'\\''s spare' --confirm-contested`,
      '',
    ].join('\n'),
  });
  const confirmed = await gate.call('grant', 'press-31', ...flags, '--confirm-contested');
  assert.match(said(confirmed), /^Granted press-31: role press .*Active at embedded/);
});

test('users are made, changed and taken away', async ({ gate }) => {
  const created = said(await gate.call('users', 'create', 'anna', '--role', 'registrar'));
  assert.match(
    created,
    /^Created anna: role registrar\.\nPassword \(shown this once\): gbs_\S+\n$/,
  );
  assert.is(
    said(await gate.call('users', 'authorization', 'anna', '--role', 'auditor', '--prefix', 'a/')),
    'Changed the rights of anna: role auditor, prefix a/.\n',
  );
  const [suspended, shown] = [
    await gate.call('users', 'suspend', 'anna', '--reason', 'on holiday'),
    await gate.call('users', 'show', 'anna'),
  ];
  assert.is(said(suspended), 'Suspended anna. Give it back with: gatebook users resume anna\n');
  assert.match(said(shown), /^name {12}anna\nstatus {10}suspended\nreason {10}on holiday\n/);
  assert.is(
    said(await gate.call('users', 'resume', 'anna')),
    'Resumed anna. It has its access again.\n',
  );
  const rotated = await gate.start(
    ['users', 'rotate', 'anna', '--password-stdin'],
    'a new password\n',
  ).ended;
  assert.is(said(rotated), 'Changed the password of anna; its sessions and logins ended.\n');
  assert.match(
    said(await gate.call('users', 'revoke', 'anna')),
    'Revoked anna. The name can ask again only',
  );
  assert.match(
    said(await gate.call('users', '--status', 'revoked')),
    /^NAME {2}STATUS .*\nanna {2}revoked /,
  );
  const last = await gate.call('users', 'revoke', 'admin');
  assert.is(last.exitCode, 3);
  assert.match(last.stderr, /last active administrator/);
});

test('rights that are not named are not taken away by accident', async ({ gate }) => {
  const { exitCode, stderr } = await gate.call('users', 'authorization', 'press-17');
  assert.is(exitCode, 2);
  assert.match(stderr, 'No rights are named.\nWhat is not named is taken away.');
});

test('roles are listed, changed and removed', async ({ gate }) => {
  const [list, taken, refused] = await Promise.all([
    gate.call('roles'),
    gate.call('roles', 'create', 'administrator', '--permission', 'mqtt:read:a'),
    gate.call('roles', 'remove', 'press'),
  ]);
  assert.match(said(list), /\nadministrator {2}1 {6}built in {2}http:readWrite:\/# /);
  assert.equal([taken.exitCode, refused.exitCode], [3, 3]);
  assert.match(refused.stderr, 'See who has it with: gatebook users --role NAME');
  said(await gate.call('roles', 'set', 'reader', '--permission', 'mqtt:read:plant/#'));
  assert.match(
    said(await gate.call('roles', 'show', 'reader')),
    /0 users\)\n {2}mqtt:read:plant\/#\n$/,
  );
  assert.is(said(await gate.call('roles', 'remove', 'reader')), 'Removed role reader.\n');
});

test('--json prints the body as it is, and problems on stderr', async ({ gate }) => {
  const [window, users, problem] = await Promise.all([
    gate.call('unlock', '--json', '--for', '1m'),
    gate.call('users', '--json', '--limit', '2'),
    gate.call('users', 'show', 'nobody', '--json'),
  ]);
  assert.is(JSON.parse(said(window)).status, 'unlocked');
  const { items, nextCursor } = JSON.parse(said(users));
  assert.is(items.length, 2);
  const next = JSON.parse(
    said(await gate.call('users', '--json', '--limit', '2', '--cursor', nextCursor)),
  );
  assert.is.not(next.items[0].username, items[0].username);
  assert.equal([problem.exitCode, problem.stdout], [3, '']);
  assert.is(JSON.parse(problem.stderr).code, 'user-not-found');
});

test('a login is kept in a private file, and used', async ({ gate }) => {
  const { environment } = gate;
  delete environment.GATEBOOK_USERNAME;
  delete environment.GATEBOOK_PASSWORD;
  const wrong = await gate.start(['login', '--username', 'admin'], 'wrong password\n').ended;
  assert.equal([wrong.exitCode, wrong.stdout], [4, '']);
  const anonymous = await gate.call('lock');
  assert.is(anonymous.exitCode, 4);
  assert.match(anonymous.stderr, /^Not signed in at http:.*\nSign in with: gatebook login/);

  const login = await gate.start(['login', '--username', 'admin'], `${adminPassword}\n`).ended;
  assert.match(said(login), /^Signed in at http:\S+ as admin until .* \(mode 0600\)\.\n$/);
  const path = join(gate.folder, '.config', 'gatebook', 'credentials.json');
  assert.is(statSync(path).mode & 0o777, 0o600);
  assert.match(said(await gate.run('lock')), /^Locked\. /);

  const created = said(await gate.call('tokens', 'create', 'ci', '--for', '30d', '--json'));
  const { token, tokenId } = JSON.parse(created);
  assert.match(said(await gate.call('tokens')), tokenId);
  assert.is(said(await gate.call('tokens', 'revoke', tokenId)), `Revoked token ${tokenId}.\n`);
  const ended = await gate.call('lock', '--token', token);
  assert.is(ended.exitCode, 4);
  assert.match(said(await gate.call('logout')), 'Signed out at ');
  assert.is((await gate.call('lock')).exitCode, 4);

  environment.GATEBOOK_USERNAME = 'admin';
  const half = await gate.call('lock');
  assert.is(half.exitCode, 2);
});

test('what is watched comes as it happens, until Ctrl-C', async ({ gate }) => {
  said(await gate.call('unlock'));
  const watch = gate.start(['requests', '--watch']);
  await gate.run('register', 'press-50', '--out', 'press-50.json', '--no-wait');
  await watch.says('pending  press-50');
  said(await gate.call('deny', 'press-50'));
  await watch.says('denied  press-50');
  watch.child.kill('SIGINT');
  assert.is((await watch.ended).exitCode, 0);
});

test('the service stops with exit 0, and the data folder is its own while it runs', async (context) => {
  const { gate, service } = context;
  const second = await gate.run('rebuild');
  assert.is(second.exitCode, 1);
  assert.match(
    second.stderr,
    /^The data folder .* is in use by another process\.\nStop that Gatebook first/,
  );

  const live = said(await gate.call('tokens', 'create', 'read', '--json'));
  const before = await fetch(`${gate.environment.GATEBOOK_URL}/api/read-models`, {
    headers: { authorization: `Bearer ${JSON.parse(live).token}` },
  });
  const states = await before.json();
  service.child.kill('SIGTERM');
  assert.is((await service.ended).exitCode, 0);
  const rebuilt = said(await gate.run('rebuild'));
  assert.match(
    rebuilt,
    /^Rebuilt \d+ read models\. State [0-9a-f]{4}…[0-9a-f]{2} is the same as before\.\n$/,
  );
  assert.equal(JSON.parse(said(await gate.run('rebuild', '--json'))), states);
});

test.run();
