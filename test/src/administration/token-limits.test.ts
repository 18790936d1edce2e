/** A device without rights does not grow the log without end: its sign-ins, tokens and passwords have limits. */

import {
  liveTokensPerUserMax,
  rotationsPerUserPerMinute,
  tokensPerUserPerMinute,
} from '../../../src/limits/credentials.ts';
import { newName, strong } from '../../support/door.ts';
import { doorSuite } from '../../support/door-suite.ts';
import { assert } from '../../support/suite.ts';

const test = doorSuite('administration: limits of tokens');

const codeOf = ({ status, body }: { status: number; body: { code?: string } }) =>
  `${status} ${body.code ?? ''}`.trim();

test('a name signs in and makes tokens so often a minute, and is told to wait', async ({
  door,
  world,
}) => {
  const { username, password } = await door.active();
  const login = () =>
    world.call('POST', '/api/login', { token: null, body: { username, password } });
  const { token } = (await login()).body;
  const named = () => world.call('POST', '/api/tokens', { token, body: { label: 'again' } });
  const before = (await door.events(username)).length;
  const answers: string[] = [];
  for (let count = 1; count < tokensPerUserPerMinute; count++)
    answers.push(codeOf(await (count % 2 === 0 ? login() : named())));
  assert.equal([...new Set(answers)].sort(), ['200', '201']);
  for (const over of [await login(), await named()]) {
    assert.is(codeOf(over), '429 login-throttled');
    assert.ok(Number(over.headers.get('retry-after')) > 0);
  }
  assert.is((await door.events(username)).length, before + tokensPerUserPerMinute - 1);
  // Whoever does not know the password learns nothing of that, and nobody else is kept out.
  const wrong = { username, password: strong() };
  assert.is(
    codeOf(await world.call('POST', '/api/login', { body: wrong })),
    '401 credentials-invalid',
  );
  const other = await door.active();
  assert.ok(await world.signIn(other.username, other.password));
});

test('the oldest login ends where there are too many, and named tokens are refused', async ({
  door,
  world,
}) => {
  const { username, password } = await door.active();
  const first = await world.signIn(username, password);
  const named = () => world.call('POST', '/api/tokens', { body: { label: 'one more', username } });
  const works = async (token: string) =>
    (await world.call('GET', '/api/whoami', { token })).status === 200;
  let issued = 1;
  const wait = async () => {
    // The minute's limit is another test's: a restart forgets it.
    if (++issued % (tokensPerUserPerMinute - 1) === 0) await world.restart();
  };
  for (let logins = 1; logins < liveTokensPerUserMax; logins++) {
    await wait();
    await world.signIn(username, password);
  }
  assert.ok(await works(first));
  await wait();
  const last = await world.signIn(username, password);
  assert.equal([await works(first), await works(last)], [false, true]);
  for (let made = 0; made < liveTokensPerUserMax; made++) {
    await wait();
    assert.is((await named()).status, 201);
  }
  await wait();
  const refused = await named();
  assert.is(codeOf(refused), '429 login-throttled');
  assert.match(refused.body.detail, /end one/);
  const { items } = (await door.must(200, 'GET', `/api/tokens?username=${username}&limit=1`)).body;
  await door.must(204, 'DELETE', `/api/tokens/${items[0].tokenId}`);
  assert.is((await named()).status, 201);
});

test('a name changes its own password so often a minute', async ({ door, world }) => {
  const username = newName();
  let password = strong();
  await door.command('/api/users', { username, password }, 201);
  for (let count = 0; count < rotationsPerUserPerMinute; count++) {
    const token = await world.signIn(username, password);
    password = strong();
    const path = `/api/users/${username}/rotate`;
    await door.must(200, 'POST', path, { token, body: { password } });
  }
  const token = await world.signIn(username, password);
  const over = await world.call('POST', `/api/users/${username}/rotate`, { token, body: {} });
  assert.is(codeOf(over), '429 login-throttled');
  // An administrator is not kept from it.
  await door.change(username, 'rotate');
});

test.run();
