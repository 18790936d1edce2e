/** Two nodes on one log: of administrators who take one another away at once, one always stays. */

import { nodesSuite } from '../../support/kurrentdb/nodes.ts';
import { until } from '../../support/mqtt-peers.ts';
import type { Answer, World } from '../../support/service.ts';
import { assert } from '../../support/suite.ts';

const test = nodesSuite('several nodes: administrators');

const roundsMax = 6;
const administrator = { roles: ['administrator'] };
const ways: readonly ((world: World, token: string, name: string) => Promise<Answer>)[] = [
  (world, token, name) => world.call('POST', `/api/users/${name}/suspend`, { token }),
  (world, token, name) => world.call('POST', `/api/users/${name}/revoke`, { token }),
  (world, token, name) => world.call('POST', `/api/users/${name}/erase`, { token }),
  (world, token, name) =>
    world.call('PUT', `/api/users/${name}/authorization`, { token, body: { roles: [] } }),
  (world, token, name) =>
    world.call('PUT', `/api/users/${name}/authorization`, {
      token,
      body: { ...administrator, expiresAt: '2099-01-01T00:00:00.000Z' },
    }),
];

test('each takes the other away at once, and one stays', async ({ first, second }) => {
  const nodes = [first, second] as const;
  let token = first.token;
  let [before, names] = ['admin', [] as string[]];
  for (let round = 0; round < roundsMax; round++) {
    names = [`left-${round}`, `right-${round}`];
    const password = 'battery horse staple 7';
    for (const username of names)
      await first.call('POST', '/api/users', {
        token,
        body: { username, password, ...administrator },
      });
    // Only these two are left.
    assert.is((await first.call('POST', `/api/users/${before}/revoke`, { token })).status, 200);
    await until(() => names.every((name) => second.running.app.views.user(name) !== undefined));
    await until(() => second.running.app.views.user(before)?.status === 'revoked');
    const tokens = await Promise.all(
      nodes.map((world, at) => world.signIn(names[at] as string, password)),
    );
    const way = ways[round % ways.length] as (typeof ways)[number];
    const answers = await Promise.all(
      nodes.map((world, at) => way(world, tokens[at] as string, names[1 - at] as string)),
    );
    const lasting = (name: string) => {
      const user = first.running.app.views.user(name);
      return user?.status === 'active' && user.roles.length > 0 && user.expiresAt === null;
    };
    for (const { headers } of answers)
      await first.running.app.readModels.reached(headers.get('gatebook-position') ?? '', 2_000);
    assert.ok(names.some(lasting), `nobody is left after round ${round}`);
    before = names.find(lasting) as string;
    token = tokens[names.indexOf(before)] as string;
    // Who was left over by both stays in the way of nothing.
    for (const other of names.filter((name) => name !== before && lasting(name)))
      await first.call('POST', `/api/users/${other}/revoke`, { token });
  }
});

test.run();
