import { assert, suite } from '../../../support/suite.ts';
import { adminPassword, type Gatebook, gatebook, type Ran, said } from '../gatebook.ts';

const test = suite<{ gate: Gatebook; windowId: string }>('cli blast radius');

const names = (ran: Ran): string[] =>
  JSON.parse(said(ran))
    .found.map(({ username }: { username: string }) => username)
    .sort();
const as = (gate: Gatebook, username: string, password: string) => {
  gate.environment.GATEBOOK_USERNAME = username;
  gate.environment.GATEBOOK_PASSWORD = password;
};

test.before(async (world) => {
  const gate = gatebook();
  world.gate = gate;
  await gate.serve();
  as(gate, 'admin', adminPassword);
  const made = said(
    await gate.call('users', 'create', 'mallory', '--role', 'administrator', '--json'),
  );
  const { password } = JSON.parse(made);
  world.windowId = JSON.parse(said(await gate.call('unlock', '--json'))).windowId;
  const ask = (username: string) =>
    fetch(`${gate.environment.GATEBOOK_URL}/api/client-registry/register`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ username, password: `0123456789abcdef0123456789abcd${username}` }),
    });
  for (const username of ['press-1', 'press-2', 'press-3', 'press-4', 'press-5'])
    await ask(username);
  said(await gate.call('grant', 'press-1'));
  as(gate, 'mallory', password);
  for (const name of ['press-2', 'press-3', 'press-4', 'press-5'])
    said(await gate.call('grant', name));
  said(await gate.call('users', 'create', 'backdoor'));
  as(gate, 'admin', adminPassword);
  said(await gate.call('users', 'revoke', 'press-4'));
  // What it has now rests on another decision.
  said(await gate.call('users', 'revoke', 'press-5'));
  said(await gate.call('users', 'reinstate', 'press-5'));
  await ask('press-5');
  said(await gate.call('grant', 'press-5'));
});
test.after(({ gate }) => gate.clean());

const revoke = (gate: Gatebook, ...options: string[]) =>
  gate.call('users', 'revoke', '--json', ...options);

test('--dry-run shows whose access rests on it, and takes none away', async ({
  gate,
  windowId,
}) => {
  const dry = ['--dry-run'];
  assert.equal(names(await revoke(gate, '--granted-by', 'mallory', ...dry)), [
    ...['backdoor', 'press-2', 'press-3'],
  ]);
  assert.equal(names(await revoke(gate, '--window', windowId, ...dry)), [
    ...['press-1', 'press-2', 'press-3', 'press-5'],
  ]);
  assert.equal(names(await revoke(gate, '--from', '10.0.0.0/8', ...dry)), []);
  assert.equal(
    names(await revoke(gate, '--from', '127.0.0.0/8', '--granted-by', 'mallory', ...dry)),
    ['press-2', 'press-3'],
  );
  const shown = said(await gate.call('users', 'revoke', '--granted-by', 'mallory', ...dry));
  assert.match(shown, /3 users would be revoked/);
  assert.match(said(await gate.call('users', 'show', 'press-2')), /active/);
});

test('--dry-run of one name takes nothing away either', async ({ gate }) => {
  const shown = said(await gate.call('users', 'revoke', 'press-1', '--dry-run'));
  assert.match(shown, /press-1 is active and would be revoked/);
  assert.is(JSON.parse(said(await revoke(gate, 'press-1', '--dry-run'))).status, 'active');
  assert.match(said(await gate.call('users', 'show', 'press-1')), /active/);
});

test('what would find nobody by mistake is refused', async ({ gate }) => {
  for (const option of ['--window', '--rule']) {
    const { exitCode, stderr } = await revoke(gate, option, 'last', '--dry-run');
    assert.is(exitCode, 2);
    assert.match(stderr, /"last" is no id/);
  }
  const may = ['--permission', 'http:readWrite:/api/client-registry/#'];
  const made = await gate.call('users', 'create', 'guard', ...may, '--json');
  as(gate, 'guard', JSON.parse(said(made)).password);
  const blind = await revoke(gate, '--from', '127.0.0.0/8', '--dry-run');
  as(gate, 'admin', adminPassword);
  assert.is(blind.exitCode, 4);
  assert.match(blind.stderr, /--from needs read on \/api\/personal-data/);
});

test('nothing goes without a yes', async ({ gate }) => {
  const { exitCode, stderr } = await gate.call('users', 'revoke', '--granted-by', 'mallory');
  assert.is(exitCode, 2);
  assert.match(stderr, /needs --yes/);
  assert.is((await gate.call('users', 'revoke')).exitCode, 2);
  assert.is((await gate.call('users', 'revoke', 'press-1', '--window', 'x')).exitCode, 2);
});

test('with --yes all of them lose their access, and nobody else', async ({ gate }) => {
  const done = JSON.parse(
    said(await revoke(gate, '--granted-by', 'mallory', '--yes', '--reason', 'mallory left')),
  );
  assert.equal(done.revoked.sort(), ['backdoor', 'press-2', 'press-3']);
  assert.equal(names(await revoke(gate, '--granted-by', 'mallory', '--dry-run')), []);
  assert.match(said(await gate.call('users', 'show', 'press-1')), /active/);
  assert.match(said(await gate.call('explain', 'press-2')), /revoked: mallory left/);
});

test('the last administrator stays, and that is said', async ({ gate }) => {
  said(await gate.call('users', 'revoke', 'mallory'));
  const made = JSON.parse(said(await gate.call('history', 'admin', '--json'))).items.at(-1);
  const { exitCode, stdout } = await revoke(gate, '--granted-by', made.actor.name, '--yes');
  const { refused } = JSON.parse(stdout);
  assert.equal([exitCode, refused], [3, [{ username: 'admin', code: 'last-administrator' }]]);
});

test.run();
