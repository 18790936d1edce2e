/** Wrong passwords from many /64s of one /48 count together, too: one customer may have all of them (RFC 6177). */

import { loginFailuresPerMinute, neighbourFailuresFactor } from '../../../src/limits/doors.ts';
import { type Door, doorOf, newName, strong } from '../../support/door.ts';
import { adminPassword, startRegistry, type World } from '../../support/service.ts';
import { assert, suite } from '../../support/suite.ts';

const test = suite<{ world: World; door: Door }>('guesses of a network');
const attemptsPerMinute = 60;
test.before.each(async (here) => {
  here.world = await startRegistry({
    GATEBOOK_TRUSTED_PROXIES: '127.0.0.1/32',
    GATEBOOK_SOURCE_ATTEMPTS_PER_MINUTE: String(attemptsPerMinute),
  });
  here.door = doorOf(here.world);
});
test.after.each(({ world }) => world.stop());

const inNetwork = (at: number) => `2001:db8:7:${at.toString(16)}::1`;
const elsewhere = '2001:db8:8:1::1';

async function login(world: World, username: string, password: string, source: string) {
  const answer = await world.call('POST', '/api/login', {
    token: null,
    body: { username, password },
    headers: { 'X-Forwarded-For': source },
  });
  return `${answer.status} ${answer.body.code ?? ''}`.trim();
}

test('guesses at a name, known or not, are counted over its /64s, by login and door together', async ({
  door,
  world,
}) => {
  const most = loginFailuresPerMinute * neighbourFailuresFactor;
  const unknown = newName('nobody');
  for (const [at, username] of ['admin', unknown].entries()) {
    for (let guess = 0; guess < most; guess++) {
      const source = inNetwork(at * most + guess);
      if (guess % 2 === 0)
        assert.is(door.code(await door.ask(username, strong(), { source })), '423 registry-locked');
      else assert.is(await login(world, username, strong(), source), '401 credentials-invalid');
    }
    const source = inNetwork(5_000 + at);
    assert.is(await login(world, username, strong(), source), '429 login-throttled', username);
    assert.is(
      door.code(await door.ask(username, strong(), { source })),
      '429 source-throttled',
      username,
    );
  }
  assert.is(await login(world, 'admin', adminPassword, elsewhere), '200');
});

test('guesses at many names are, too', async ({ door, world }) => {
  for (let guess = 0; guess < attemptsPerMinute * neighbourFailuresFactor; guess++) {
    const asked = await door.ask(newName(), strong(), { source: inNetwork(guess) });
    assert.is(door.code(asked), '423 registry-locked');
  }
  const source = inNetwork(5_000);
  assert.is(door.code(await door.ask(newName(), strong(), { source })), '429 source-throttled');
  assert.is(await login(world, newName(), strong(), source), '429 login-throttled');
  const asked = await door.ask(newName(), strong(), { source: elsewhere });
  assert.is(door.code(asked), '423 registry-locked');
});

test('who signed in from a /64 of it before is not kept out by its neighbours', async ({
  door,
  world,
}) => {
  const [own, guesser] = [inNetwork(1), inNetwork(2)];
  assert.is(await login(world, 'admin', adminPassword, own), '200');
  for (let guess = 0; guess < loginFailuresPerMinute * neighbourFailuresFactor; guess++)
    await door.ask('admin', strong(), { source: inNetwork(100 + guess) });
  assert.is(await login(world, 'admin', adminPassword, guesser), '429 login-throttled');
  assert.is(await login(world, 'admin', adminPassword, own), '200');
  assert.is(door.code(await door.ask('admin', adminPassword, { source: own })), '201');
  // Where it is guessed from the very /64, its own limit holds.
  for (let guess = 0; guess < loginFailuresPerMinute; guess++)
    await door.ask('admin', strong(), { source: own });
  assert.is(await login(world, 'admin', adminPassword, own), '429 login-throttled');
});

test.run();
