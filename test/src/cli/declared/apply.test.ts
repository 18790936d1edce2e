/** `apply`, `get` and `edit` against a registry. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type Door, doorOf } from '../../../support/door.ts';
import { startRegistry, type World } from '../../../support/service.ts';
import { assert, suite } from '../../../support/suite.ts';
import { commandLineOf } from '../in-process.ts';

type Line = ReturnType<typeof commandLineOf>;
const test = suite<{ world: World; door: Door; line: Line; folder: string }>('cli apply');
test.before(async (here) => {
  here.world = await startRegistry();
  here.door = doorOf(here.world);
  here.line = commandLineOf(here.world);
  here.folder = mkdtempSync(join(tmpdir(), 'gatebook-apply-'));
  await here.door.unlock();
  await here.door.active({}, 'press-17');
});
test.after(async ({ world, folder }) => {
  rmSync(folder, { recursive: true });
  await world.stop();
});

const until = new Date(Date.now() + 86_400_000).toISOString();
const plant = `name: plant
roles:
  press:
    description: presses of line 4
    permissions:
      - mqtt:readWrite:plant/\${username}/#
preauthorizations:
  line-4:
    usernamePattern: press-4*
    enrolmentCode: true
    maxUses: 20
    roles: [press]
    until: ${until}
    note: ordered in May
clients:
  press-17:
    roles: [press]
  press-99:
    roles: [press]
`;
const written = (folder: string, text: string): string => {
  const file = join(folder, 'plant.yaml');
  writeFileSync(file, text);
  return file;
};
const eventCount = async (door: Door) => (await door.events()).length;

test('a dry run shows the difference and does nothing', async ({ line, door, folder }) => {
  const before = await eventCount(door);
  const said = await line.said('apply', written(folder, plant), '--dry-run');
  assert.match(said, /^\+ role press\n {4}description: presses of line 4\n {4}permissions: mqtt:/);
  assert.match(said, /^\+ rule line-4\n {4}roles: press\n(.*\n)* {4}enrolmentCode: yes\n/m);
  assert.match(said, /^~ client press-17\n {4}roles:\n {6}\+ press\n/m);
  assert.match(said, /^\? client press-99: left alone, it has no access/m);
  assert.match(said, /^2 to make, 1 to change, 1 left alone\. Without --dry-run it is done\.$/m);
  assert.is(await eventCount(door), before);
});

test('it is made so, and a second time there is nothing to do', async ({ line, door, folder }) => {
  const file = written(folder, plant);
  const said = await line.said('apply', file);
  assert.match(said, /^Made role press\.\nMade rule line-4\.\n {2}Enrolment code .*: gbe_\S{43}$/m);
  assert.match(said, /^Changed client press-17\.\n3 changes are made\.$/m);
  assert.equal((await door.user('press-17')).roles, ['press']);
  const before = await eventCount(door);
  const again = await line.said('apply', file);
  assert.match(again, /^1 left alone, 3 as they are\. Nothing to do\.$/m);
  assert.match(await line.said('apply', file, '--prune'), 'Nothing to do.');
  assert.is(await eventCount(door), before);
});

test('what get writes is what there is: applied, there is nothing to do', async ({
  line,
  door,
  folder,
}) => {
  await door.command(
    '/api/client-registry/preauthorizations',
    { usernamePattern: 'x-*', until },
    201,
  );
  const text = await line.said('get', '-o', 'yaml', '--name', 'plant');
  assert.match(text, /^name: plant\nroles:\n {2}press:\n {4}description: presses of line 4\n/);
  assert.match(text, /\n {2}line-4:\n/);
  assert.match(text, /\n {2}rule-[0-9a-f]{8}:\n {4}usernamePattern: x-\*\n/);
  assert.not.match(text, 'gbe_');
  assert.match(
    await line.said('apply', written(folder, text)),
    /^5 as they are\. Nothing to do\.$/m,
  );
  const one = JSON.parse(await line.said('get', 'client', 'press-17', '-o', 'json'));
  assert.equal(one, { name: 'registry', clients: { 'press-17': { roles: ['press'] } } });
});

test('a rule is withdrawn and made anew; prune takes what this file made, and asks', async ({
  line,
  door,
  folder,
}) => {
  await door.must(201, 'PUT', '/api/roles/by-hand', { body: { permissions: [] } });
  const changed = written(folder, plant.replace('maxUses: 20', 'maxUses: 30'));
  const said = await line.said('apply', changed);
  assert.match(said, /^~ rule line-4\n {4}maxUses: 20 → 30\n {4}A rule cannot be changed/m);
  const rules = async () =>
    (
      await door.must(200, 'GET', '/api/client-registry/preauthorizations?status=active')
    ).body.items.map(({ note }: { note: string | null }) => note);
  assert.equal(await rules(), ['ordered in May [apply plant/line-4]', null]);

  const less = written(folder, 'name: plant\nclients:\n  press-17:\n');
  const unasked = await line.ran(['apply', less, '--prune']);
  assert.is(unasked.exitCode, 2);
  assert.match(unasked.stderr, 'Nothing was sent: what is to be removed needs --yes');
  const other = written(folder, 'name: other\n');
  assert.match(await line.said('apply', other, '--prune', '--yes'), 'Nothing to do.');
  written(folder, 'name: plant\nclients:\n  press-17:\n');
  const pruned = await line.said('apply', less, '--prune', '--yes');
  assert.match(pruned, /^- rule line-4\n- role press\n/m);
  assert.equal(await rules(), [null]);
  assert.equal((await door.user('press-17')).roles, []);
  assert.is((await door.must(200, 'GET', '/api/roles/by-hand')).body.name, 'by-hand');
});

test('what is refused is told, and the others are done', async ({ line, door, folder }) => {
  const file = written(
    folder,
    'name: plant\nroles:\n  administrator:\n    permissions: [mqtt:read:a]\n  oven: {}\nclients:\n  admin: {}\n',
  );
  const { exitCode, stdout, stderr } = await line.ran(['apply', file]);
  assert.is(exitCode, 3);
  assert.match(stdout, /^~ client admin\n {4}roles:\n {6}- administrator\n {4}This is you\.$/m);
  assert.match(stderr, /Not done: role administrator\.\n/);
  assert.match(stderr, /Not done: client admin\.\n.*last active administrator/);
  assert.match(stdout, /Made role oven\.\n1 change is made, 2 refused\.\n$/);
  assert.is((await door.user('admin')).roles[0], 'administrator');
});

test('an editor changes one thing', async ({ line, door, folder }) => {
  const editor = join(folder, 'editor.sh');
  writeFileSync(
    editor,
    '#!/bin/sh\nsed -i "s/oven: {}/oven: {permissions: [mqtt:read:oven\\/#]}/" "$1"\n',
    {
      mode: 0o755,
    },
  );
  const said = await line.ran(['edit', 'role', 'oven'], null, { EDITOR: editor });
  assert.match(
    said.stdout,
    /^~ role oven\n[\s\S]*Changed role oven\.\n1 change is made\.\n$/,
    said.stderr,
  );
  const { permissions, description } = (await door.must(200, 'GET', '/api/roles/oven')).body;
  assert.is(permissions[0].resource, 'oven/#');
  assert.is(description, '[apply plant]');
  const faulty = 'sed -i s/permissions/permisions/';
  const kept = await line.ran(['edit', 'role', 'oven'], null, { EDITOR: faulty });
  assert.is(kept.exitCode, 2);
  const [, file = ''] =
    /^(\/\S+edit\.yaml):\d+: roles\.oven\.permisions: /m.exec(kept.stderr) ?? [];
  assert.match(readFileSync(file, 'utf8'), 'permisions');
  rmSync(dirname(file), { recursive: true });
  const none = await line.ran(['edit', 'role', 'oven'], null, { EDITOR: 'true' });
  assert.is(none.stdout, 'Nothing changed.\n');
  assert.is((await line.ran(['edit', 'role', 'oven'])).exitCode, 2);
});

test('the file of the guide is one that can be applied', async ({ line, folder }) => {
  const guide = new URL('../../../../docs/administrator.md', import.meta.url);
  const [, text = ''] = /```yaml\n([\s\S]*?)```/.exec(readFileSync(guide, 'utf8')) ?? [];
  const said = await line.said('apply', written(folder, text), '--dry-run');
  assert.match(said, /^2 to make, 1 to change, 1 left alone\./m);
});

const rulesPath = '/api/client-registry/preauthorizations';
const keepsOut = (name: string, end: string, rest = 'effect: deny') =>
  `name: rules\npreauthorizations:\n  out:\n    ${rest}\n    usernamePattern: ${name}\n    until: ${end}\n`;
const later = new Date(Date.now() + 2 * 86_400_000).toISOString();
const laterStill = new Date(Date.now() + 3 * 86_400_000).toISOString();
/** Ends and effects of the active rules about a name, the newest first. */
const standing = async (door: Door, name: string): Promise<string[]> =>
  (await door.must(200, 'GET', `${rulesPath}?status=active&limit=1000`)).body.items
    .filter(({ usernamePattern }: { usernamePattern: string }) => usernamePattern === name)
    .map((rule: { effect: string; until: string }) => `${rule.effect} ${rule.until}`);

test('a rule of before stays where its successor may not be made, and beside it where it may not be withdrawn', async ({
  world,
  line,
  door,
  folder,
}) => {
  const read = ['/api/client-registry/preauthorizations', '/api/roles', '/api/approvals'].map(
    (resource) => ({ context: 'http', resource, operation: 'read' }),
  );
  const asOne = async (username: string, resource: string) => {
    const permissions = [...read, { context: 'http', resource, operation: 'write' }];
    const password = 'a password for one test';
    await door.command('/api/users', { username, password, permissions }, 201);
    return { GATEBOOK_TOKEN: await world.signIn(username, password) };
  };
  const apply = (end: string, who: Record<string, string>) =>
    line.ran(['apply', written(folder, keepsOut('kept-*', end))], null, who);
  await line.said('apply', written(folder, keepsOut('kept-*', until)));

  const withdraws = await asOne('withdraws', `${rulesPath}/+`);
  const refused = await apply(later, withdraws);
  assert.is(refused.exitCode, 4, refused.stderr);
  assert.match(refused.stderr, /^Not done: rule out\.$/m);
  assert.match(refused.stdout, /^0 changes are made, 1 refused\.$/m);
  assert.equal(await standing(door, 'kept-*'), [`deny ${until}`]);

  const makes = await asOne('makes', rulesPath);
  const half = await apply(later, makes);
  assert.is(half.exitCode, 4, half.stdout);
  assert.match(half.stdout, /^Made rule out anew\.$/m);
  assert.match(half.stderr, /^Half done: rule out is made anew, and what it was before stands/m);
  assert.match(half.stdout, /^0 changes are made, 1 half done\.$/m);
  assert.equal(await standing(door, 'kept-*'), [`deny ${later}`, `deny ${until}`]);
  const rest = await line.said('apply', written(folder, keepsOut('kept-*', later)));
  assert.match(rest, /^~ rule out\n {4}What it was before is withdrawn\.$/m);
  assert.match(rest, /^Changed rule out\.\n1 change is made\.$/m);
  assert.equal(await standing(door, 'kept-*'), [`deny ${later}`]);
});

test('what needs several people is proposed once, in words', async ({
  world,
  line,
  door,
  folder,
}) => {
  await door.command(
    '/api/users',
    { username: 'second', password: 'of the second one', roles: ['administrator'] },
    201,
  );
  await line.said('apply', written(folder, keepsOut('out-*', until)));
  await line.said(
    'apply',
    written(folder, keepsOut('in-*', until, 'effect: allow').replace('out:', 'in:')),
  );
  await world.restart({ GATEBOOK_APPROVALS: '2' });
  const file = written(
    folder,
    'name: plant\nroles:\n  watcher:\n    permissions: [http:read:/api/users]\nclients:\n  press-17:\n    permissions: [mqtt:read:a]\n',
  );
  const { stdout } = await line.ran(['apply', file]);
  assert.match(stdout, /^Not done yet, it needs 2 people: Let the role watcher give/m);
  assert.match(stdout, /^0 changes are made, 2 wait for approval\.$/m);
  const again = await line.said('apply', file);
  assert.match(
    again,
    /^ {4}It waits for approval and is not sent again: gatebook approvals show /m,
  );
  assert.match(again, /^2 wait for approval\. Nothing to do\.$/m);
});

test('a rule that keeps out is changed by several people without a gap, one that lets in when they approve', async ({
  world,
  line,
  door,
  folder,
}) => {
  const approve = async () => {
    const { items } = (await door.must(200, 'GET', '/api/approvals?status=waiting')).body;
    const token = await world.signIn('second', 'of the second one');
    const ours = items.filter(({ action }: { action: string }) => /Preauth/.test(action));
    assert.is(ours.length, 1);
    const [{ proposalId, hash }] = ours;
    const path = `/api/approvals/${proposalId}/approve`;
    await door.must(200, 'POST', path, { token, body: { hash } });
  };
  const out = written(folder, keepsOut('out-*', later));
  const { stdout } = await line.ran(['apply', out]);
  assert.match(
    stdout,
    /^Made rule out anew\.\nNot done yet, it needs 2 people: Withdraw the rule/m,
  );
  assert.match(stdout, /^0 changes are made, 1 half done\.$/m);
  assert.equal(await standing(door, 'out-*'), [`deny ${later}`, `deny ${until}`]);
  const again = await line.said('apply', out);
  assert.match(again, /^1 waits for approval\. Nothing to do\.$/m);
  await approve();
  assert.equal(await standing(door, 'out-*'), [`deny ${later}`]);
  assert.match(await line.said('apply', out), /^1 as it is\. Nothing to do\.$/m);

  const text = keepsOut('in-*', laterStill, 'effect: allow').replace('out:', 'in:');
  const into = written(folder, text);
  const proposed = (await line.ran(['apply', into])).stdout;
  assert.match(proposed, /^ {2}What it was before stays until then: apply it again/m);
  assert.match(proposed, /^0 changes are made, 1 wait for approval\.$/m);
  assert.equal(await standing(door, 'in-*'), [`allow ${until}`]);
  assert.match(await line.said('apply', into), /^1 waits for approval\. Nothing to do\.$/m);
  await approve();
  assert.equal(await standing(door, 'in-*'), [`allow ${laterStill}`, `allow ${until}`]);
  assert.match(await line.said('apply', into), /^Changed rule in\.\n1 change is made\.$/m);
  assert.equal(await standing(door, 'in-*'), [`allow ${laterStill}`]);
});

test.run();
