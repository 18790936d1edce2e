/** One administrator where two must approve: nothing widens, until who runs the machine makes the second one. */
import { assert, suite } from '../../../support/suite.ts';
import { adminPassword, type Gatebook, gatebook, type Running, said } from '../gatebook.ts';

const test = suite<{ gate: Gatebook }>('cli lone administrator');
test.before.each((context) => {
  context.gate = gatebook();
  context.gate.environment.GATEBOOK_APPROVALS = '2';
});
test.after.each(({ gate }) => gate.clean());

const stop = async ({ child, ended }: Running) => {
  child.kill('SIGTERM');
  assert.is((await ended).exitCode, 0);
};

function caller({ environment }: Gatebook, token: string) {
  return async (path: string, body: object = {}, method = 'POST') => {
    const answer = await fetch(`${environment.GATEBOOK_URL}${path}`, {
      method,
      headers: { 'Content-Type': 'application/json', Authorization: `Bearer ${token}` },
      body: JSON.stringify(body),
    });
    return { status: answer.status, body: await answer.json() };
  };
}

async function signedIn(gate: Gatebook, username: string, password: string) {
  const { status, body } = await caller(gate, '')('/api/login', { username, password });
  assert.is(status, 200, username);
  return caller(gate, body.token);
}

test('waits alone, then reset-administrator makes the second, and the first proposal is carried out', async ({
  gate,
}) => {
  let service = await gate.serve();
  let admin = await signedIn(gate, 'admin', adminPassword);
  const press = { permissions: [{ context: 'mqtt', operation: 'read', resource: 'plant/#' }] };
  const proposed = await admin('/api/roles/press', press, 'PUT');
  assert.equal([proposed.status, proposed.body.status, proposed.body.needed], [202, 'waiting', 2]);
  const { proposalId, hash } = proposed.body;
  const own = await admin(`/api/approvals/${proposalId}/approve`, { hash });
  assert.equal([own.status, own.body.code], [403, 'self-approval']);
  // Alone nobody makes the second one: rights over people come by the machine, or by a request at the door.
  const made = await admin('/api/users', { username: 'second', roles: ['administrator'] });
  assert.equal([made.status, made.body.code], [403, 'rights-exceed-own']);
  await stop(service);

  const reset = JSON.parse(said(await gate.run('reset-administrator', 'second', '--json')));
  assert.is(reset.username, 'second');
  service = await gate.serve();
  const second = await signedIn(gate, 'second', reset.password);
  const approved = await second(`/api/approvals/${proposalId}/approve`, { hash });
  assert.equal([approved.status, approved.body.status], [200, 'approved']);
  admin = await signedIn(gate, 'admin', adminPassword);
  const collected = await admin(`/api/approvals/${proposalId}/collect`);
  assert.equal([collected.status, collected.body.name], [201, 'press']);
  await stop(service);
});

test.run();
