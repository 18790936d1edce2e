/** `gatebook keys rotate`: another signing key, beside the old one or in its place. */
import { assert, suite } from '../../../support/suite.ts';
import { adminPassword, type Gatebook, gatebook, said } from '../gatebook.ts';

const test = suite<{ gate: Gatebook }>('cli keys');
test.before(async (world) => {
  world.gate = gatebook();
  await world.gate.serve();
  world.gate.environment.GATEBOOK_USERNAME = 'admin';
  world.gate.environment.GATEBOOK_PASSWORD = adminPassword;
});
test.after(({ gate }) => gate.clean());

const usesOf = (text: string) => JSON.parse(text).keys.map(({ use }: { use: string }) => use);
const kinds = async (gate: Gatebook) =>
  JSON.parse(said(await gate.call('tokens', 'list', '--json'))).items.map(
    ({ label, revokedAt }: { label: string | null; revokedAt: string | null }) =>
      `${label} ${revokedAt === null ? 'lives' : 'ended'}`,
  );

test('the old key goes on verifying what it signed', async ({ gate }) => {
  said(await gate.call('tokens', 'create', 'service'));
  const rotated = said(await gate.call('keys', 'rotate'));
  assert.match(rotated, /^Tokens are signed with k4\.pid\.\S+ from now on\.$/m);
  assert.match(rotated, /^ {2}k4\.pid\.\S+ is checked until \S/m);
  assert.equal(usesOf(said(await gate.call('keys', 'rotate', '--json'))), [
    ...['sign', 'verify', 'verify'],
  ]);
  assert.ok((await kinds(gate)).includes('service lives'));
});

test('to retire keys it asks, and does nothing where nobody can be asked', async ({ gate }) => {
  const unasked = await gate.call('keys', 'rotate', '--retire-now');
  assert.is(unasked.exitCode, 2);
  assert.match(unasked.stderr, /Nothing was rotated: this needs --yes/);
  assert.match(unasked.stderr, /gatebook keys rotate --retire-now --yes/);
  assert.ok((await kinds(gate)).includes('service lives'));
});

test('with --yes every older key ends, and every token', async ({ gate }) => {
  const retired = said(await gate.call('keys', 'rotate', '--retire-now', '--yes'));
  assert.match(retired, /Every older key and every token has ended/);
  assert.ok((await kinds(gate)).includes('service ended'));
  assert.equal(usesOf(said(await gate.call('keys', 'rotate', '--retire-now', '--yes', '--json'))), [
    'sign',
  ]);
});

test('who may not rotate keys is told, and exits with 4', async ({ gate }) => {
  const { password } = JSON.parse(said(await gate.call('users', 'create', 'clerk', '--json')));
  gate.environment.GATEBOOK_USERNAME = 'clerk';
  gate.environment.GATEBOOK_PASSWORD = password;
  const ran = await gate.call('keys', 'rotate');
  assert.is(ran.exitCode, 4);
});

test.run();
