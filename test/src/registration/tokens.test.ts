/** Registration tokens are kept while their request waits, and made anew when another key signs. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { keysLookMs } from '../../../src/limits/credentials.ts';
import {
  createRegistrationTokens,
  registrationTokenGraceMs,
} from '../../../src/registration/tokens.ts';
import { assert, suite } from '../../support/suite.ts';
import { afterMs, hourMs, node, start, type World } from '../credentials/token-world.ts';

const test = suite<{ world: World }>('registration tokens');
test.before.each(async (context) => {
  context.world = { dir: await mkdtemp(join(tmpdir(), 'gatebook-tokens-')), at: start };
});
test.after.each(({ world }) => rm(world.dir, { recursive: true }));

type AppliedListener = Parameters<Parameters<typeof createRegistrationTokens>[2]>[0];

/** Nothing is decided. */
const untold = () => {};

const request = {
  username: 'press-1',
  requestId: 'b1946ac9-2f8a-4a7e-9d3f-0c5d5b6f7a10',
  expiresAt: afterMs(24 * hourMs),
};

test('a request that waits is given the same token again, which opens until a day after its end', async ({
  world,
}) => {
  const { tokenFor, requestIdOf } = createRegistrationTokens(
    await node(world),
    () => world.at,
    untold,
  );
  const token = await tokenFor(request);
  world.at = afterMs(23 * hourMs);
  assert.is(await tokenFor(request), token);
  world.at = afterMs(24 * hourMs + registrationTokenGraceMs - 1);
  assert.is(await requestIdOf(token), request.requestId);
  world.at = afterMs(24 * hourMs + registrationTokenGraceMs);
  assert.is(await requestIdOf(token), null);
});

test('another request, name or end has a token of its own', async ({ world }) => {
  const { tokenFor } = createRegistrationTokens(await node(world), () => world.at, untold);
  const others = [
    request,
    { ...request, requestId: '00000000-0000-4000-8000-000000000000' },
    { ...request, username: 'press-2' },
    { ...request, expiresAt: afterMs(25 * hourMs) },
  ];
  const tokens = await Promise.all(others.map(tokenFor));
  assert.is(new Set(tokens).size, others.length);
});

for (const retiresAll of [false, true])
  test(`a rotation ends what was kept, here and at another node (retiresAll: ${retiresAll})`, async ({
    world,
  }) => {
    const [here, elsewhere] = [await node(world), await node(world)];
    const mine = createRegistrationTokens(here, () => world.at, untold);
    const theirs = createRegistrationTokens(elsewhere, () => world.at, untold);
    const before = await Promise.all([mine.tokenFor(request), theirs.tokenFor(request)]);
    await here.rotate({ until: afterMs(hourMs), retiresAll });
    world.at = afterMs(keysLookMs);
    for (const tokens of [mine, theirs]) {
      const token = await tokens.tokenFor(request);
      assert.not(before.includes(token));
      assert.is(await tokens.requestIdOf(token), request.requestId);
    }
  });

/** Tokens, and how many were signed. */
async function counted(world: World) {
  const tokens = await node(world);
  const signed = { count: 0 };
  const counting = {
    ...tokens,
    signAll: (claims: Parameters<typeof tokens.signAll>[0]) => {
      signed.count += claims.length;
      return tokens.signAll(claims);
    },
  };
  return { tokens: counting, signed };
}

test('more requests than are kept have their tokens signed anew', async ({ world }) => {
  const { tokens, signed } = await counted(world);
  const { tokenFor } = createRegistrationTokens(tokens, () => world.at, untold, 2);
  const ids = ['1', '2', '3'].map((last) => `${request.requestId.slice(0, -1)}${last}`);
  for (const requestId of [...ids, ...ids.slice(1)]) await tokenFor({ ...request, requestId });
  assert.is(signed.count, 3);
  await tokenFor({ ...request, requestId: ids[0] as string });
  assert.is(signed.count, 4);
});

test('a token that was begun is signed once, also where it is asked for meanwhile', async ({
  world,
}) => {
  const { tokens, signed } = await counted(world);
  const registration = createRegistrationTokens(tokens, () => world.at, untold);
  registration.begin(request);
  registration.begin(request);
  await new Promise(setImmediate);
  const [token, same] = await Promise.all([1, 2].map(() => registration.tokenFor(request)));
  assert.is(signed.count, 1);
  assert.is(token, same);
  assert.is(await registration.requestIdOf(token as string), request.requestId);
});

test('a token that could not be signed while it was begun is signed when it is asked for', async ({
  world,
}) => {
  const { tokens, signed } = await counted(world);
  let isBroken = true;
  const { signAll } = tokens;
  tokens.signAll = (claims) =>
    isBroken ? Promise.reject(new Error('no thread')) : signAll(claims);
  const registration = createRegistrationTokens(tokens, () => world.at, untold);
  registration.begin(request);
  await new Promise(setImmediate);
  await new Promise(setImmediate);
  isBroken = false;
  assert.ok(await registration.tokenFor(request));
  assert.is(signed.count, 1);
});

for (const status of ['granted', 'denied', 'expired', undefined])
  test(`the token of a request is kept while it waits, and no longer (${status})`, async ({
    world,
  }) => {
    const { tokens, signed } = await counted(world);
    let applied: AppliedListener = untold;
    const { tokenFor } = createRegistrationTokens(
      tokens,
      () => world.at,
      (listener) => {
        applied = listener;
      },
    );
    const becomes = (row: { status: string } | undefined) =>
      applied([], new Map([['requests', new Map([[request.requestId, row]])]]));
    await tokenFor(request);
    becomes({ status: 'pending' });
    await tokenFor(request);
    assert.is(signed.count, 1);
    becomes(status === undefined ? undefined : { status });
    await tokenFor(request);
    assert.is(signed.count, 2);
  });

test.run();
