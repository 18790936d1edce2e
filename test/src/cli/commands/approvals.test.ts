/** `gatebook approvals`: what waits is said in words, and approved as it was shown. */
import { assert, suite } from '../../../support/suite.ts';
import { adminPassword, type Gatebook, gatebook, said } from '../gatebook.ts';

interface Here {
  gate: Gatebook;
  secondPassword: string;
}
const test = suite<Here>('cli approvals');

const as = ({ gate, secondPassword }: Here, who: 'admin' | 'second') => {
  gate.environment.GATEBOOK_USERNAME = who;
  gate.environment.GATEBOOK_PASSWORD = who === 'admin' ? adminPassword : secondPassword;
};

test.before(async (here) => {
  here.gate = gatebook();
  const { gate } = here;
  const first = await gate.serve();
  as(here, 'admin');
  const made = await gate.call('users', 'create', 'second', '--role', 'administrator', '--json');
  here.secondPassword = JSON.parse(said(made)).password;
  first.child.kill('SIGTERM');
  await first.ended;
  gate.environment.GATEBOOK_APPROVALS = '2';
  await gate.serve();
});
test.after(({ gate }) => gate.clean());

const idIn = (text: string) => /approve (\S{36})/.exec(text)?.[1] ?? '';

test('a command that waits says what it would do, who is missing and how it goes on', async (here) => {
  const { gate } = here;
  as(here, 'admin');
  const waits = said(
    await gate.call('users', 'create', 'oven-1', '--permission', 'mqtt:read:plant/#'),
  );
  assert.match(waits, /^Not done yet, it needs 2 people: Make the client oven-1: mqtt:read:plant/);
  assert.match(waits, /Nobody gains HTTP rights/);
  assert.match(waits, /Proposed by admin; 1 more person must approve\./);
  const id = idIn(waits);
  assert.match(said(await gate.call('approvals')), /oven-1.*admin.*1 of 2/);
  const early = said(await gate.call('approvals', 'collect', id));
  assert.match(early, /^Not done yet/);
  const self = await gate.call('approvals', 'approve', id, '--yes');
  assert.equal([self.exitCode, /self|own|propose/i.test(self.stderr)], [4, true]);

  as(here, 'second');
  const unasked = await gate.call('approvals', 'approve', id);
  assert.equal(
    [unasked.exitCode, unasked.stderr.split('\n')[0]],
    [...[2, 'Nothing was approved: this needs --yes, or a terminal to ask on.']],
  );
  assert.match(
    said(await gate.call('approvals', 'show', id)),
    /Make the client oven-1.*\n.*\n.*1 more/,
  );
  assert.match(said(await gate.call('approvals', 'approve', id, '--yes')), /Approved and done\./);
  assert.match(said(await gate.call('approvals')), /Nothing waits/);

  as(here, 'admin');
  assert.match(
    said(await gate.call('approvals', 'collect', id)),
    /Password \(shown this once\): gbs_/,
  );
  const again = await gate.call('approvals', 'collect', id);
  assert.is(again.exitCode, 3);
});

test('--json prints the proposal, and the exit code is 0', async (here) => {
  const { gate } = here;
  as(here, 'admin');
  const ran = await gate.call(
    'roles',
    'create',
    'press',
    '--permission',
    'mqtt:read:a/#',
    '--json',
  );
  const proposal = JSON.parse(said(ran));
  assert.equal([proposal.action, proposal.status, ran.stderr], ['putRole', 'waiting', '']);
  assert.match(
    said(await gate.call('approvals', 'reject', proposal.proposalId, '--reason', 'not now')),
    /^Rejected: Let the role press give/,
  );
  const late = await gate.call('approvals', 'approve', proposal.proposalId, '--yes');
  assert.ok(late.exitCode === 3 || late.exitCode === 4);
  assert.is((await gate.call('approvals', 'list', '--status', 'odd')).exitCode, 2);
});

test('many names: each that waits is said, and the pairing ID is shown to who approves', async (here) => {
  const { gate } = here;
  as(here, 'admin');
  said(await gate.call('unlock'));
  for (const name of ['press-1', 'press-2'])
    await fetch(`${gate.environment.GATEBOOK_URL}/api/client-registry/register`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ username: name, password: `secret of ${name}`, pairingId: 'abc123' }),
    });
  const waits = said(await gate.call('grant', 'press-1', 'press-2', '--role', 'auditor'));
  assert.is(waits.match(/Gains HTTP rights, and can act in this registry: press-/g)?.length, 2);
  as(here, 'second');
  const shown = said(await gate.call('approvals', 'show', idIn(waits)));
  assert.match(shown, /Compare the pairing ID with the device or person: abc 123/i);
  as(here, 'admin');
  const bulk = said(await gate.call('grant', 'press-*', '--yes'));
  assert.match(bulk, /Not done yet, it needs 2 people: Grant 2 requests access/);
  assert.not.match(bulk, /Granted 0/);
});

test.run();
