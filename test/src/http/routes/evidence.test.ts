/** What an installation shows of itself: the facts as they are, keyed to requirements, without a secret; also as Markdown. */
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Evidence } from '../../../../src/api/evidence.ts';
import { adminPassword } from '../../../support/service.ts';
import { assert, suite } from '../../../support/suite.ts';
import { gatebook } from '../../cli/gatebook.ts';
import { type Running, running } from '../running-service.ts';

const secret = 'whsec_c2VjcmV0LW9mLXRoaXMtdGVzdC0xMjM0NTY3OA==';
const settings = {
  GATEBOOK_WEBHOOK_URL: 'http://127.0.0.1:9/hook-of-this-test',
  GATEBOOK_WEBHOOK_SECRET: secret,
  GATEBOOK_HOOK_SECRET: 'hook-secret-of-this-test',
  GATEBOOK_APPROVALS: '1',
  GATEBOOK_PASSWORD_POLICY: '{"min":14}',
};

const test = suite<{ gatebook: Running }>('http evidence');
test.before(async (world) => {
  world.gatebook = await running(settings);
});
test.after(({ gatebook }) => gatebook.stop());

const path = '/api/audit/evidence';
const itemOf = ({ items }: Evidence, key: string) => {
  const found = items.find((one) => one.key === key);
  assert.ok(found, `there is ${key}`);
  const facts = Object.fromEntries((found?.facts ?? []).map(({ name, value }) => [name, value]));
  return { status: found?.status, requirements: found?.requirements ?? [], facts };
};

test('it says what is, and what somebody should look at', async ({
  gatebook: { must, call, signedIn },
}) => {
  const right = { context: 'http', resource: '/api/client-registry/unlock', operation: 'write' };
  await signedIn('gate-keeper', { permissions: [right] });
  await must(200, 'POST', '/api/users/gate-keeper/suspend', {});
  const mine = await signedIn('auditing', { roles: ['auditor'] });
  await call('POST', '/api/tokens', { token: mine, body: { label: 'nightly' } });
  await must(201, 'POST', '/api/users', { username: 'press-17' });
  const { body, status } = await call('GET', path, { token: mine });
  assert.is(status, 200);
  const evidence = body as Evidence;

  assert.equal(itemOf(evidence, 'password-policy').status, 'good');
  assert.is(itemOf(evidence, 'password-policy').facts.min, '14');
  assert.is(itemOf(evidence, 'approvals').status, 'attention', 'one person decides');
  assert.match(itemOf(evidence, 'listeners').facts.http ?? '', 'clear, this machine alone');
  const { facts, status: ofPeople } = itemOf(evidence, 'people');
  assert.is(ofPeople, 'told');
  assert.is(facts['how many'], '3', 'a device is none of them');
  assert.match(facts['gate-keeper'] ?? '', /write \/api\/client-registry\/unlock; suspended/);
  assert.match(facts.auditing ?? '', /role auditor; active; ends never/);
  assert.is(itemOf(evidence, 'administrators').facts['without single sign-on'], '1');
  assert.is(itemOf(evidence, 'named-tokens').facts.tokens, '1');
  assert.is(itemOf(evidence, 'accounts').facts.active, '3');
  assert.is(itemOf(evidence, 'backup').status, 'attention');
  assert.is(itemOf(evidence, 'erasures').facts.pending, '0');
  assert.match(itemOf(evidence, 'doctor').facts['1. data folder'] ?? '', /^good: /);

  const size = Number(itemOf(evidence, 'log').facts['events now']);
  const inclusion = await must(200, 'GET', `/api/audit/proofs/inclusion?index=0&size=${size}`);
  assert.is(itemOf(evidence, 'log').facts['root now (base64)'], inclusion.body.rootHash);
});

test('a backup that was taken is told', async ({ gatebook: { must, admin, call } }) => {
  await call('POST', '/api/backup', { token: admin, body: { withoutKeys: true } });
  const { body } = await must(200, 'GET', path);
  const { status, facts } = itemOf(body, 'backup');
  assert.equal([status, facts.by, facts['with the keys']], ['good', 'admin', 'no']);
});

test('every item names requirements that docs/iec-62443.md has', async ({ gatebook: { must } }) => {
  const known = readFileSync('docs/iec-62443.md', 'utf8');
  const { body } = await must(200, 'GET', path);
  for (const { key, requirements, facts } of (body as Evidence).items) {
    assert.ok(requirements.length > 0 && facts.length > 0, key);
    for (const one of requirements) assert.match(known, new RegExp(`^\\| ${one} `, 'm'), key);
  }
});

test('no secret is in it', async ({ gatebook: { must, admin } }) => {
  const { text } = await must(200, 'GET', path);
  for (const one of [adminPassword, admin, secret, 'hook-secret', 'argon2', 'gbs_'])
    assert.not.match(text, one);
});

test('it is for who audits', async ({ gatebook: { call, signedIn } }) => {
  assert.is((await call('GET', path, { token: undefined })).status, 401);
  const token = await signedIn('registering', { roles: ['registrar'] });
  assert.is((await call('GET', path, { token })).code, 'permission-missing');
  assert.is(
    (
      await call('GET', `${path}?x=1`, {
        token: await signedIn('auditing-2', { roles: ['auditor'] }),
      })
    ).status,
    400,
  );
});

test('the command line prints it as Markdown and JSON, and writes it for its owner alone', async ({
  gatebook: { world, admin },
}) => {
  const it = gatebook();
  Object.assign(it.environment, { GATEBOOK_URL: world.url, GATEBOOK_TOKEN: admin });
  try {
    const shown = await it.call('evidence');
    assert.is(shown.exitCode, 0, shown.stderr);
    assert.match(shown.stdout, /^# Evidence\n\nOf the registry at http/);
    assert.match(shown.stdout, /To look at: .*How many people a decision needs/);
    assert.match(
      shown.stdout,
      /## How many people a decision needs\n\nCR 2\.1: look at it\n\n\| what \| is \|/,
    );
    const file = join(world.dataDir, 'evidence.md');
    assert.is((await it.call('evidence', '--out', file)).exitCode, 0);
    assert.is(statSync(file).mode & 0o777, 0o600);
    assert.match(readFileSync(file, 'utf8'), /^# Evidence/);
    const { stdout } = await it.call('evidence', '--json');
    assert.is(JSON.parse(stdout).items.length > 15, true);
  } finally {
    await it.clean();
  }
});

test.run();
