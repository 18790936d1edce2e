/** Nobody can sign in any more: with the service stopped, who runs the machine makes an administrator. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { assert, suite } from '../../../support/suite.ts';
import { adminPassword, type Gatebook, gatebook, type Running, said } from '../gatebook.ts';

const test = suite<{ gate: Gatebook }>('cli reset-administrator');
test.before.each((context) => {
  context.gate = gatebook();
});
test.after.each(({ gate }) => gate.clean());

const stop = async ({ child, ended }: Running) => {
  child.kill('SIGTERM');
  assert.is((await ended).exitCode, 0);
};

/** Sign-in by name and password; the token of it, or the status that refused it. */
async function signIn({ environment }: Gatebook, username: string, password: string) {
  const answer = await fetch(`${environment.GATEBOOK_URL}/api/login`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ username, password }),
  });
  return answer.ok ? ((await answer.json()) as { token: string }).token : answer.status;
}

const statusOf = async ({ environment }: Gatebook, path: string, token: unknown) =>
  (
    await fetch(`${environment.GATEBOOK_URL}${path}`, {
      headers: { Authorization: `Bearer ${token}` },
    })
  ).status;

test('a new password, shown once; what was before is over, and the history tells', async ({
  gate,
}) => {
  let service = await gate.serve();
  const tokenBefore = await signIn(gate, 'admin', adminPassword);
  const running = await gate.run('reset-administrator');
  assert.is(running.exitCode, 1);
  assert.match(running.stderr, /in use by another process.*\nStop that Gatebook first/);
  await stop(service);

  const reset = JSON.parse(said(await gate.run('reset-administrator', '--json')));
  assert.equal(Object.keys(reset).sort(), ['password', 'username']);
  assert.is(reset.username, 'admin');
  assert.match(reset.password, /^gbs_[\w-]{38}$/);
  const data = gate.environment.GATEBOOK_DATA_DIR ?? '';
  for (const name of readdirSync(data).filter((one) => one !== 'keys'))
    assert.not(readFileSync(join(data, name), 'latin1').includes(reset.password), name);

  service = await gate.serve();
  assert.is(await signIn(gate, 'admin', adminPassword), 401);
  assert.is(await statusOf(gate, '/api/users', tokenBefore), 401);
  const token = await signIn(gate, reset.username, reset.password);
  assert.is(await statusOf(gate, '/api/users', token), 200);
  gate.environment.GATEBOOK_TOKEN = String(token);
  const history = said(await gate.run('history', 'admin', '--json'));
  const told = JSON.parse(history).items.find(
    ({ type }: { type: string }) => type === 'AdministratorReset',
  );
  assert.equal(
    [told.data.rights.roles, told.data.rights.expiresAt, told.actor.kind],
    [['administrator'], null, 'system'],
  );
  assert.match(told.data.reason, /service stopped/);
  await stop(service);
});

test('any name: one that was revoked, one that nobody knew', async ({ gate }) => {
  let service = await gate.serve();
  gate.environment.GATEBOOK_TOKEN = String(await signIn(gate, 'admin', adminPassword));
  said(await gate.run('users', 'create', 'ada', '--role', 'registrar'));
  said(await gate.run('users', 'revoke', 'ada'));
  await stop(service);

  const names = ['ada', 'nobody-before'];
  const passwords: string[] = [];
  for (const name of names) {
    const text = said(await gate.run('reset-administrator', name));
    assert.match(text, new RegExp(`^Made ${name} an administrator. The history tells of it.\n`));
    passwords.push(/shown this once\): (\S+)\n$/.exec(text)?.[1] ?? '');
  }
  service = await gate.serve();
  for (const [at, name] of names.entries()) {
    const token = await signIn(gate, name, passwords[at] ?? '');
    assert.is(await statusOf(gate, '/api/users', token), 200, name);
  }
  await stop(service);
});

test('a name that is none, and a folder without a log, are usage faults', async ({ gate }) => {
  const faulty = await gate.call('reset-administrator', 'a b');
  assert.is(faulty.exitCode, 2);
  assert.match(faulty.stderr, /"a b" is no username/);
  const empty = await gate.call('reset-administrator');
  assert.is(empty.exitCode, 2);
  assert.match(empty.stderr, /There is no log at .*\nName the folder of the service/);
  assert.is((await gate.call('copy', '--url', 'http://127.0.0.1:1')).exitCode, 2);
});

test.run();
