/** Rules on the command line: made with a code shown once, listed, withdrawn; and a device that has the code. */
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { assert, suite } from '../../../support/suite.ts';
import { adminPassword, type Gatebook, gatebook, type Ran, said } from '../gatebook.ts';

const test = suite<{ gate: Gatebook }>('gatebook preauthorizations');
test.before(async (context) => {
  context.gate = gatebook();
  await context.gate.serve();
});
test.before.each(({ gate }) => {
  gate.environment.GATEBOOK_USERNAME = 'admin';
  gate.environment.GATEBOOK_PASSWORD = adminPassword;
});
test.after(({ gate }) => gate.clean());

const rules = (gate: Gatebook, ...args: string[]): Promise<Ran> =>
  gate.call('preauthorizations', ...args);
const made = async (gate: Gatebook, ...args: string[]) =>
  JSON.parse(said(await rules(gate, 'create', '--until', '30d', '--json', ...args)));

test('a rule is made with a code that is shown once, listed, shown and withdrawn', async ({
  gate,
}) => {
  const words = said(
    await rules(gate, 'create', '--pattern', 'oven-*', '--code', '--until', '30d', '--uses', '3'),
  );
  const [, id = '', code = ''] =
    /^Made rule (\S+): oven-\* is let in until .*\.\nEnrolment code \(shown this once\): (gbe_\S{43})\n$/.exec(
      words,
    ) ?? [];
  assert.ok(code !== '', words);
  const listed = said(await rules(gate));
  assert.match(listed, /ID +STATUS +EFFECT +WHOM +PROOF +USES +UNTIL +BY\n/);
  assert.match(listed, new RegExp(`${id} +active +allow +oven-\\* +code +0/3 +\\S+ \\S+ +admin`));
  assert.not.match(listed, code);
  assert.match(said(await rules(gate, 'show', id)), 'yes (it was shown once');
  const dry = said(await rules(gate, 'withdraw', id, '--dry-run'));
  assert.match(dry, `${id}  allow  oven-*\n1 rule would be withdrawn.`);
  assert.match(said(await rules(gate, 'withdraw', id)), 'Withdrew 1 rule.');
  assert.match(said(await rules(gate, 'show', id)), 'withdrawn');
  assert.is((await rules(gate, 'withdraw', crypto.randomUUID())).exitCode, 3);
});

test('what is missing or mistyped is said before anything is asked', async ({ gate }) => {
  const told = async (...args: string[]) => {
    const { exitCode, stderr } = await rules(gate, ...args);
    assert.is(exitCode, 2, stderr);
    return stderr;
  };
  assert.match(await told('create', '--pattern', 'a*'), '--until T is missing');
  assert.match(
    await told('create', '--until', '1d', '--effect', 'no'),
    'Give one of allow, deny, ask',
  );
  assert.match(await told('create', '--until', '1d', '--uses', '0'), 'not a number from 1');
  assert.match(await told('list', '--status', 'over'), 'Give one of active');
  assert.match(await told('withdraw'), 'Give the IDs of rules');
  const refused = await rules(gate, 'create', '--until', '1d', '--role', 'auditor');
  assert.is(refused.exitCode, 4);
  assert.match(refused.stderr, 'never gives HTTP rights');
});

test('--dry-run makes nothing, and says whom it would have let in so far', async ({ gate }) => {
  const { environment } = gate;
  said(await gate.call('unlock'));
  const body = JSON.stringify({ username: 'kiln-1', password: '0123456789abcdef0123456789abcdef' });
  await fetch(`${environment.GATEBOOK_URL}/api/client-registry/register`, {
    ...{ method: 'POST', headers: { 'content-type': 'application/json' }, body },
  });
  const words = ['create', '--pattern', 'kiln-*', '--until', '1d', '--dry-run'];
  const dry = said(await rules(gate, ...words));
  assert.match(dry, '1 that still waits would have been let in: kiln-1\nNothing was made.');
  assert.is(JSON.parse(said(await rules(gate, ...words, '--json'))).counts.letIn.all, 1);
  const byKey = ['--key-fingerprint', 'a'.repeat(64)];
  assert.match(said(await rules(gate, ...words, ...byKey)), 'another key, or none 1');
  assert.not.match(said(await rules(gate)), 'kiln-');
  said(await gate.call('lock'));
});

test('a device with the code is let in while locked; the code stands in no file of its own', async ({
  gate,
}) => {
  const { enrolmentCode } = await made(gate, '--code', '--uses', '2');
  const label = join(gate.folder, 'label.txt');
  writeFileSync(label, `${enrolmentCode}\r\n`);
  const out = (name: string) => ['--out', join(gate.folder, `${name}.json`), '--no-wait'];
  const first = await gate.call(
    'register',
    'press-1',
    ...out('press-1'),
    '--enrolment-code-file',
    label,
  );
  assert.match(said(first), 'Granted. Wrote ');
  assert.not.match(readFileSync(join(gate.folder, 'press-1.json'), 'utf8'), 'gbe_');
  // Again, as a device does after each start.
  assert.match(said(await gate.call('register', 'press-1', ...out('press-1'))), 'Granted already');
  gate.environment.GATEBOOK_ENROLMENT_CODE = enrolmentCode;
  assert.match(said(await gate.call('register', 'press-2', ...out('press-2'))), 'Granted.');
  const late = await gate.call('register', 'press-3', ...out('press-3'));
  assert.is(late.exitCode, 6);
  assert.match(late.stdout, 'its enrolment code opens nothing: it is used up');
  delete gate.environment.GATEBOOK_ENROLMENT_CODE;
  writeFileSync(label, 'no code');
  const wrong = await gate.call(
    'register',
    'press-4',
    ...out('press-4'),
    '--enrolment-code-file',
    label,
  );
  assert.is(wrong.exitCode, 2);
  assert.match(wrong.stderr, 'holds no enrolment code');
  assert.not.match(wrong.stderr, 'no code\n');
});

test('whoever revokes an administrator is told of the rules that they made', async ({ gate }) => {
  const { password } = JSON.parse(
    said(await gate.call('users', 'create', 'mallory', '--role', 'administrator', '--json')),
  );
  const { environment } = gate;
  Object.assign(environment, { GATEBOOK_USERNAME: 'mallory', GATEBOOK_PASSWORD: password });
  const { preauthorizationId } = await made(gate, '--code');
  await made(gate, '--effect', 'deny', '--pattern', 'x-*');
  Object.assign(environment, { GATEBOOK_USERNAME: 'admin', GATEBOOK_PASSWORD: adminPassword });
  const revoked = said(await gate.call('users', 'revoke', 'mallory'));
  assert.match(revoked, 'gatebook preauthorizations withdraw --made-by mallory --dry-run');
  const ofMallory = ['withdraw', '--made-by', 'mallory'];
  assert.match(said(await rules(gate, ...ofMallory, '--dry-run')), '2 rules would be withdrawn');
  assert.is((await rules(gate, ...ofMallory)).exitCode, 2);
  assert.match(said(await rules(gate, ...ofMallory, '--yes')), 'Withdrew 2 rules.');
  assert.match(said(await rules(gate, 'show', preauthorizationId)), 'withdrawn');
  assert.equal(
    JSON.parse(said(await rules(gate, 'list', '--made-by', 'admin', '--json'))).items.filter(
      ({ createdBy }: { createdBy: string }) => createdBy !== 'admin',
    ),
    [],
  );
});

test('a file of rules is imported; codes and labels are written for their owner alone', async ({
  gate,
}) => {
  const file = (name: string) => join(gate.folder, name);
  const rows = [
    'usernamePattern,note,until,enrolmentCode',
    'sheet-1,=HYPERLINK("http://x"),2999-01-01T00:00:00Z,make',
    'sheet-2,"a ""b"", c",2999-01-01T00:00:00Z,make',
    'sheet-3,,2001-01-01T00:00:00Z,make',
    'sheet-4,,2999-01-01T00:00:00Z,',
  ];
  writeFileSync(
    file('rules.csv'),
    rows
      .join('\n')
      .replace('"http://x"', '""http://x""')
      .replace('=H', '"=H')
      .replace('),2999', ')",2999'),
  );
  const dry = await rules(
    gate,
    'import',
    file('rules.csv'),
    '--dry-run',
    '--codes',
    file('codes.csv'),
  );
  assert.is(dry.exitCode, 3);
  assert.match(dry.stdout, '3 rules would be made, 1 line not.');
  assert.not.ok(existsSync(file('codes.csv')));
  const { exitCode, stdout, stderr } = await rules(
    ...([gate, 'import', file('rules.csv'), '--codes', file('codes.csv')] as const),
    ...['--labels', file('labels.html'), '--device-url', 'https://gatebook.plant:8443'],
  );
  assert.is(exitCode, 3);
  assert.match(stderr, 'Line 4: until must lie ahead');
  assert.match(stdout, 'Made 3 rules, 1 line not.\nWrote 2 codes to ');
  assert.not.match(stdout, 'gbe_');
  const codes = readFileSync(file('codes.csv'), 'utf8').split('\r\n');
  assert.is(codes[0], '"line","usernamePattern","note","preauthorizationId","enrolmentCode"');
  assert.match(
    codes[1] ?? '',
    /^"2","sheet-1","'=HYPERLINK\(""http:\/\/x""\)","[0-9a-f-]{36}","gbe_\S{43}"$/,
  );
  assert.match(codes[2] ?? '', /^"3","sheet-2","a ""b"", c",/);
  assert.is(codes.length, 4);
  const sheet = readFileSync(file('labels.html'), 'utf8');
  assert.is(sheet.match(/<svg /g)?.length, 2);
  for (const text of ['sheet-1', 'https://gatebook.plant:8443', 'gbe_', 'CA <code>'])
    assert.match(sheet, text);
  for (const name of ['codes.csv', 'labels.html'])
    assert.is(statSync(file(name)).mode & 0o777, 0o600);
  const [, code = ''] = /"(gbe_\S{43})"/.exec(codes[1] ?? '') ?? [];
  writeFileSync(file('label.txt'), code);
  const device = [
    'sheet-1',
    '--out',
    file('sheet-1.json'),
    '--enrolment-code-file',
    file('label.txt'),
  ];
  assert.match(said(await gate.call('register', ...device)), 'Granted.');
});

test('what is no file of rules makes nothing, and is said in words', async ({ gate }) => {
  const path = join(gate.folder, 'bad.csv');
  const told = async (...args: string[]) => {
    const { exitCode, stderr } = await rules(gate, 'import', ...args);
    assert.is(exitCode, 2, stderr);
    return stderr;
  };
  assert.match(await told(join(gate.folder, 'none.csv')), 'there is no such file');
  assert.match(await told(path, '--codes', path), 'three files');
  writeFileSync(path, Buffer.alloc(9 * 1024 * 1024, 'a'));
  assert.match(await told(path), 'split it');
  writeFileSync(path, 'usernamePattern;until\na;b');
  const { exitCode, stderr } = await rules(gate, 'import', path);
  assert.is(exitCode, 3);
  assert.match(stderr, 'semicolons');
});

test('codes of an earlier import are not overwritten, and no rule is made whose code has no place', async ({
  gate,
}) => {
  const file = (name: string) => join(gate.folder, name);
  const row = 'kept-1,2999-01-01T00:00:00Z,make';
  writeFileSync(file('in.csv'), `usernamePattern,until,enrolmentCode\n${row}\n`);
  writeFileSync(file('of-before'), 'codes of before');
  const count = async () => JSON.parse(said(await rules(gate, '--json'))).items.length;
  const before = await count();
  for (const [more, words] of [
    [['--codes', file('of-before')], 'is there already'],
    [['--codes', file('new.csv'), '--labels', file('of-before')], 'is there already'],
    [['--codes', file('none/codes.csv')], 'Make the folder first'],
  ] as const) {
    const { exitCode, stdout, stderr } = await rules(gate, 'import', file('in.csv'), ...more);
    assert.equal([exitCode, stdout], [2, '']);
    assert.match(stderr, words);
  }
  assert.is(await count(), before);
  assert.is(readFileSync(file('of-before'), 'utf8'), 'codes of before');
  assert.not.ok(existsSync(file('new.csv')));
  assert.equal(
    readdirSync(gate.folder).filter((name) => name.endsWith('.part')),
    [],
  );
});

test.run();
