import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { problemTable } from '../../../../src/api/problems.ts';
import { skipped } from '../../../support/skipped.ts';
import { assert, suite } from '../../../support/suite.ts';
import { adminPassword, type Gatebook, gatebook } from '../gatebook.ts';

const guide = readFileSync(new URL('../../../../docs/device-author.md', import.meta.url), 'utf8');
const test = suite<{ gate: Gatebook }>("the device author's guide");
test.before((context) => {
  context.gate = gatebook();
});
test.after(({ gate }) => gate.clean());

/** Commands of the guide's REST session, one block after the other. */
const blocks = [...guide.matchAll(/```sh\n([\s\S]*?)```/g)]
  .map(([, block = '']) => block)
  .filter((block) => /^(URL|TOKEN|poll)/.test(block));

test('its REST session answers as it says: 423, 202, 201', async ({ gate }) => {
  if (spawnSync('curl', ['--version']).status !== 0) return skipped('no curl here');
  const [begin = '', token = '', poll = ''] = blocks;
  assert.is(blocks.length, 3);
  await gate.serve();
  gate.environment.GATEBOOK_USERNAME = 'admin';
  gate.environment.GATEBOOK_PASSWORD = adminPassword;
  const own = begin.replace('http://localhost:8080', gate.environment.GATEBOOK_URL ?? '');

  // One shell keeps what the blocks define; between them an administrator acts.
  const shell = gate.shell();
  assert.is((await shell.does(own)).at(-1), '423');
  assert.is((await gate.call('unlock')).exitCode, 0);
  assert.is((await shell.does('ask')).at(-1), '202');
  assert.is((await shell.does(token)).at(-1), '202');
  const grant = await gate.call('grant', 'press-18', '--permission', 'mqtt:read:plant/#');
  assert.is(grant.exitCode, 0, grant.stderr);
  const granted = await shell.does(poll);
  assert.is(granted.at(-1), '201');
  assert.is(JSON.parse(granted[0] ?? '').status, 'granted');
  assert.is((await shell.does('ask')).at(-1), '201');
});

test('its table has every code of the door, with its status', () => {
  const rows = [...guide.matchAll(/^\| ([\d, ]+) \| (`.*?`) \|/gm)];
  const told = rows.flatMap(([, statuses = '', codes = '']) =>
    [...codes.matchAll(/`([a-z-]+)`/g)].map(([, code = '']) => ({ code, statuses })),
  );
  for (const { code, statuses } of told) {
    assert.ok(code in problemTable, code);
    const { status } = problemTable[code as keyof typeof problemTable];
    assert.ok(statuses.split(', ').includes(String(status)), `${code}: ${status}`);
  }
  const door = ['registration-denied', 'access-suspended', 'username-taken', 'replacement-pending'];
  const others = ['access-revoked', 'access-expired', 'registry-locked', 'window-full'];
  for (const code of [...door, ...others])
    assert.ok(
      told.some((row) => row.code === code),
      code,
    );
});

test.run();
