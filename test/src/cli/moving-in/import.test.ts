/** `import` against a registry: a dry run sends nothing, a second run neither, and no password is said. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { importedUsersMax } from '../../../../src/api/input.ts';
import { type Door, doorOf, strong } from '../../../support/door.ts';
import { connected } from '../../../support/mqtt-peers.ts';
import { startRegistry, type World } from '../../../support/service.ts';
import { assert, suite } from '../../../support/suite.ts';
import { commandLineOf } from '../in-process.ts';

interface Here {
  world: World;
  door: Door;
  line: ReturnType<typeof commandLineOf>;
  folder: string;
}
const test = suite<Here>('cli import');
test.before(async (here) => {
  here.world = await startRegistry();
  here.door = doorOf(here.world);
  here.line = commandLineOf(here.world);
  here.folder = mkdtempSync(join(tmpdir(), 'gatebook-import-'));
});
test.after(async ({ world, folder }) => {
  rmSync(folder, { recursive: true });
  await world.stop();
});

const password = 'somePassword1';
const service = (id: string) => `parameters:
  secret: { type: string }
resources:
  reader${id}:
    type: Cybus::Role
    properties:
      permissions:
        - { resource: 'plant/#', operation: read, context: mqtt }
  press${id}:
    type: Cybus::User
    properties:
      password: ${password}
      roles: [reader${id}]
  oven${id}:
    type: Cybus::User
    properties:
      password: !ref secret
      roles: [!ref reader${id}]
`;
const written = (folder: string, name: string, text: string): string => {
  const file = join(folder, name);
  writeFileSync(file, text);
  return file;
};
const codeOf = async ({ mqtt }: World, username: string, secret: string) => {
  const client = await connected(mqtt.port, { username, password: secret });
  client.end();
  return client.code;
};

test('a service of Connectware: looked at, made, and made no second time', async ({
  world,
  door,
  line,
  folder,
}) => {
  const file = written(folder, 'one.yaml', service('1'));
  const before = (await door.events()).length;
  const looked = await line.said('import', file, '--dry-run');
  assert.match(
    looked,
    /^\+ role reader1\n {4}mqtt:read:plant\/#\n\+ client press1\n {4}role reader1$/m,
  );
  assert.match(looked, /^ {4}without a password that anybody knows: the file does not tell it$/m);
  assert.match(looked, /^! .*one\.yaml:17: user oven1: password cannot be resolved here/m);
  assert.match(
    looked,
    /^1 role and 2 clients to make, 1 of them without a password, 2 remarks\. Without --dry-run it is done\.$/m,
  );
  assert.is((await door.events()).length, before);

  const made = await line.said('import', file);
  assert.match(made, /^Made 1 role and 2 clients\.$/m);
  assert.is(await codeOf(world, 'press1', password), 0);
  assert.match((await door.must(200, 'GET', '/api/roles/reader1')).body.description, 'one.yaml');
  const after = (await door.events()).length;
  assert.match(await line.said('import', file), /2 left alone, 2 remarks\. Nothing to do\.$/m);
  const json = JSON.parse(await line.said('import', file, '--json'));
  assert.equal([json.clients, json.roles, json.unchangedRoleCount], [[], [], 1]);
  assert.is((await door.events()).length, after);
  for (const text of [looked, made, world.lines.join('')]) assert.not(text.includes(password));
});

test('who comes without a password asks with the own one, and keeps its rights', async ({
  world,
  door,
}) => {
  const own = strong();
  assert.is(await codeOf(world, 'oven1', own), 5);
  await door.unlock();
  assert.is(await codeOf(world, 'oven1', own), 5);
  const [request] = await door.requestsOf('oven1');
  assert.is(request.kind, 'replacement');
  await door.grant(request.requestId);
  await door.lock();
  assert.is(await codeOf(world, 'oven1', own), 0);
  assert.equal((await door.user('oven1')).roles, ['reader1']);
});

test('what the registry refuses is said, and the rest is made', async ({ door, line, folder }) => {
  await door.unlock();
  await door.pending('waits-here', strong());
  const file = written(folder, 'acl', 'user waits-here\ntopic a/#\nuser free-here\ntopic a/#\n');
  const { exitCode, stdout, stderr } = await line.ran(['import', file]);
  assert.is(exitCode, 3);
  assert.match(stderr, /^Not made: client waits-here: /m);
  assert.match(stdout, /^Made 0 roles and 1 client, 1 not made\.$/m);
  for (const [args, word] of [
    [['import', join(folder, 'nowhere')], 'there is no such file'],
    [['import', written(folder, 'what', 'hello world\n')], 'of no kind that is known here'],
    [['import', written(folder, 'broken', '{"clients": [}')], 'is not JSON'],
    [['import', written(folder, 'odd', '{"clients": [{}]}')], 'clients.0.username'],
    [['import', file, '--parameter', 'x'], 'no NAME=VALUE'],
  ] as const) {
    const refused = await line.ran([...args]);
    assert.is(refused.exitCode, 2, args.join(' '));
    assert.match(refused.stderr, word);
  }
});

test('more than one request holds are sent in portions at once, and each is made once', async ({
  door,
  line,
  folder,
}) => {
  const names = Array.from({ length: 2 * importedUsersMax + 30 }, (_, n) => `many-${n}`);
  const file = written(folder, 'many', names.map((name) => `user ${name}\ntopic a/#\n`).join(''));
  const { exitCode, stdout } = await line.ran(['import', file]);
  assert.is(exitCode, 0);
  assert.match(stdout, new RegExp(`^Made 0 roles and ${names.length} clients\\.$`, 'm'));
  for (const name of [names[0], names[importedUsersMax], names.at(-1)])
    assert.is((await door.user(name ?? '')).status, 'active');
  assert.match((await line.ran(['import', file])).stdout, 'Nothing to do');
});

test('where several people decide, roles wait first, and then the clients', async ({
  world,
  door,
  folder,
}) => {
  const second = strong();
  await door.command(
    ...([
      '/api/users',
      { username: 'second', password: second, roles: ['administrator'] },
      201,
    ] as const),
  );
  await world.restart({ GATEBOOK_APPROVALS: '2' });
  const line = commandLineOf(world);
  const token = await world.signIn('second', second);
  const approve = async () => {
    const { items } = (await world.call('GET', '/api/approvals?status=waiting')).body;
    for (const { proposalId, hash } of items) {
      const path = `/api/approvals/${proposalId}/approve`;
      assert.is((await world.call('POST', path, { token, body: { hash } })).status, 200);
    }
    return items.length;
  };
  const file = written(folder, 'two.yaml', service('2'));
  const first = await line.ran(['import', file, '--parameter', 'secret=the second one']);
  assert.match(
    first.stderr,
    'client press2: its role reader2 waits for approval: import again then',
  );
  assert.match(first.stdout, /1 command waits for approval/);
  assert.match(await line.said('import', file), /Nothing to do/);
  assert.is(await approve(), 1);
  await line.said('import', file, '--parameter', 'secret=the second one');
  assert.match(await line.said('import', file), /2 left alone, .*Nothing to do/);
  assert.is(await approve(), 1);
  assert.is(await codeOf(world, 'press2', password), 0);
  assert.is(await codeOf(world, 'oven2', 'the second one'), 0);
});

test.run();
