/** What docs/approvals.md shows runs as it stands, by two people in turn. */
import { readFileSync } from 'node:fs';
import { gatebook } from './src/cli/gatebook.ts';
import { doorOf, strong } from './support/door.ts';
import { startRegistry } from './support/service.ts';
import { assert, suite } from './support/suite.ts';

const test = suite('the guide to approvals');
const guide = readFileSync(new URL('../docs/approvals.md', import.meta.url), 'utf8');
const blocks = [...guide.matchAll(/```sh\n([\s\S]*?)```/g)].map(([, block = '']) =>
  block.trim().split('\n'),
);

test('one proposes, another approves, the first collects', async () => {
  const world = await startRegistry({ GATEBOOK_MQTT_PORT: 'off' });
  const it = gatebook();
  try {
    const [username, password] = ['second', strong()];
    const body = { username, password, roles: ['administrator'] };
    await doorOf(world).command('/api/users', body, 201);
    await world.restart({ GATEBOOK_MQTT_PORT: 'off', GATEBOOK_APPROVALS: '2' });
    const people = [world.token, await world.signIn(username, password), world.token];
    it.environment.GATEBOOK_URL = world.url;
    let id = '';
    assert.is(blocks.length, people.length);
    for (const [turn, block] of blocks.entries()) {
      it.environment.GATEBOOK_TOKEN = people[turn] ?? '';
      for (const line of block) {
        const words = line.split(' ').slice(1);
        const { exitCode, stdout, stderr } = await it.call(
          ...words.map((word) => (word === 'ID' ? id : word)),
        );
        assert.is(exitCode, 0, `${line}: ${stderr}`);
        id ||= /[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/.exec(stdout)?.[0] ?? '';
      }
    }
    const role = await world.call('GET', '/api/roles/press');
    assert.is(role.status, 200);
  } finally {
    await it.clean();
    await world.stop();
  }
});

test.run();
