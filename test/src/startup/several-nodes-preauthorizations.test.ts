/** Rules on two nodes over one log: the last use has one winner, wherever it is asked for. */

import { newName, strong } from '../../support/door.ts';
import { ask, nodesSuite } from '../../support/kurrentdb/nodes.ts';
import type { World } from '../../support/service.ts';
import { assert } from '../../support/suite.ts';

const base = '/api/client-registry/preauthorizations';
const until = '2999-01-01T00:00:00.000Z';

const test = nodesSuite('rules on two nodes');

/** A rule that both nodes know. */
async function ruleOf(first: World, second: World, body: object) {
  const made = await first.call('POST', base, { body: { until, enrolmentCode: true, ...body } });
  assert.is(made.status, 201, JSON.stringify(made.body));
  const { preauthorizationId } = made.body;
  const position = made.headers.get('gatebook-position') ?? '';
  const shown = async (world: World, at: string) =>
    await world.call('GET', `${base}/${preauthorizationId}`, {
      headers: { 'gatebook-position': at },
    });
  assert.is((await shown(second, position)).status, 200);
  return { ...made.body, shown };
}

test('one use, both nodes at once: one is let in, the others are told that it is locked', async ({
  first,
  second,
}) => {
  await first.call('POST', '/api/client-registry/lock', { body: {} });
  for (let round = 0; round < 5; round++) {
    const { enrolmentCode, shown } = await ruleOf(first, second, {});
    const answers = await Promise.all(
      Array.from({ length: 8 }, (_, at) =>
        ask(at % 2 === 0 ? first : second, newName('racer'), strong(), { enrolmentCode }),
      ),
    );
    assert.equal(answers.map(({ status }) => status).sort(), [201, ...Array(7).fill(423)]);
    const position = answers.find(({ status }) => status === 201)?.headers.get('gatebook-position');
    for (const world of [first, second]) {
      const { useCount, status } = (await shown(world, position ?? '')).body;
      assert.equal([useCount, status], [1, 'used']);
    }
  }
});

test('three uses, twelve devices at both: three are let in', async ({ first, second }) => {
  const { enrolmentCode } = await ruleOf(first, second, { maxUses: 3 });
  const answers = await Promise.all(
    Array.from({ length: 12 }, (_, at) =>
      ask(at % 2 === 0 ? first : second, newName('racer'), strong(), { enrolmentCode }),
    ),
  );
  assert.is(answers.filter(({ status }) => status === 201).length, 3);
});

test('one name at both nodes by one code: it is let in once, with one credential', async ({
  first,
  second,
}) => {
  const { enrolmentCode } = await ruleOf(first, second, { maxUses: 2 });
  const username = newName('twin');
  const answers = await Promise.all(
    [first, second].map((world) => ask(world, username, strong(), { enrolmentCode })),
  );
  assert.is(answers.filter(({ status }) => status === 201).length, 1);
});

test.run();
