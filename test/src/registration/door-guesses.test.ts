/** Wrong passwords are counted per source and name at every door together, whoever's name it is. */
import { once } from 'node:events';
import { connect } from 'node:net';
import { loginFailuresPerMinute } from '../../../src/limits/doors.ts';
import { type Door, doorOf, newName, registerPath, strong } from '../../support/door.ts';
import { knockAt } from '../../support/door-at-mqtt.ts';
import { adminPassword, startRegistry, type World } from '../../support/service.ts';
import { assert, suite } from '../../support/suite.ts';

const test = suite<{ world: World; door: Door }>('guesses at the doors');
test.before.each(async (here) => {
  here.world = await startRegistry({
    GATEBOOK_TRUSTED_PROXIES: '127.0.0.1/32',
    GATEBOOK_SOURCE_ATTEMPTS_PER_MINUTE: '10000',
  });
  here.door = doorOf(here.world);
});
test.after.each(({ world }) => world.stop());

const refused = 5;
const login = async (world: World, username: string, password: string, source?: string) => {
  const headers = source === undefined ? {} : { 'X-Forwarded-For': source };
  const answer = await world.call('POST', '/api/login', {
    token: null,
    body: { username, password },
    headers,
  });
  return `${answer.status} ${answer.body.code ?? ''}`.trim();
};

test('guesses through the device door end at the login’s limit, known or not', async ({
  door,
  world,
}) => {
  const source = '192.0.2.7';
  const unknown = newName('nobody');
  for (const username of ['admin', unknown]) {
    for (let guess = 0; guess < loginFailuresPerMinute; guess++)
      assert.is(door.code(await door.ask(username, strong(), { source })), '423 registry-locked');
    const over = await door.ask(username, strong(), { source });
    assert.is(door.code(over), '429 source-throttled', username);
    assert.ok(Number(over.headers.get('retry-after')) > 0);
    assert.is(await login(world, username, 'a guess', source), '429 login-throttled', username);
  }
  // The right one, too: it would be guessed. Another name and another source go on.
  assert.is(door.code(await door.ask('admin', adminPassword, { source })), '429 source-throttled');
  assert.is(door.code(await door.ask(newName(), strong(), { source })), '423 registry-locked');
  assert.is(door.code(await door.ask('admin', adminPassword, { source: '192.0.2.8' })), '201');
  assert.is(await login(world, 'admin', adminPassword, '192.0.2.8'), '200');
});

/** Sends bodies over three connections at the same moment, and tells how each was answered. */
async function answersAtOnce(
  world: World,
  path: string,
  bodies: readonly object[],
  source: string,
): Promise<{ readonly body: object; readonly status: number }[]> {
  const port = Number(new URL(world.url).port);
  const head = `POST ${path} HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: ${source}\r\nContent-Type: application/json`;
  const requestOf = (body: object) => {
    const text = JSON.stringify(body);
    return `${head}\r\nContent-Length: ${text.length}\r\n\r\n${text}`;
  };
  const sockets = [0, 1, 2].map(() => connect(port, '127.0.0.1'));
  await Promise.all(sockets.map((socket) => once(socket, 'connect')));
  const answers = sockets.map(async (socket, nth) => {
    const own = bodies.filter((_, place) => place % sockets.length === nth);
    if (own.length === 0) {
      socket.destroy();
      return [];
    }
    socket.write(own.map(requestOf).join(''));
    let heard = '';
    let statuses: string[] = [];
    for await (const chunk of socket) {
      heard += chunk;
      statuses = [...heard.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => status as string);
      if (statuses.length === own.length) break;
    }
    return own.map((body, place) => ({ body, status: Number(statuses[place]) }));
  });
  return (await Promise.all(answers)).flat();
}

/** How often each status was answered; who is told that the hashes are too many comes again, as a busy machine tells many. */
async function atOnce(world: World, path: string, bodies: readonly object[], source: string) {
  const told: number[] = [];
  for (let left = bodies, rounds = 0; left.length > 0; rounds++) {
    assert.ok(rounds < 100, 'each time too many hashes');
    const answers = await answersAtOnce(world, path, left, source);
    left = answers.filter(({ status }) => status === 503).map(({ body }) => body);
    told.push(...answers.map(({ status }) => status).filter((status) => status !== 503));
  }
  return Map.groupBy(told, (status) => status);
}

test('guesses that come all at once end at the same limit', async ({ door, world }) => {
  await door.unlock();
  const held = await door.pending();
  const guesses = loginFailuresPerMinute + 15;
  for (const [path, refusal, username, password] of [
    [registerPath, 409, held.username, strong],
    ['/api/login', 401, 'admin', () => `a weak guess ${newName()}`],
    ['/api/login', 401, newName('nobody'), () => `a weak guess ${newName()}`],
  ] as const) {
    const bodies = Array.from({ length: guesses }, () => ({ username, password: password() }));
    const told = await atOnce(world, path, bodies, '192.0.2.9');
    assert.equal(
      [told.get(refusal)?.length, told.get(429)?.length],
      [loginFailuresPerMinute, guesses - loginFailuresPerMinute],
      `${path} ${username}`,
    );
  }
});

test('login, REST and MQTT count together, and a right credential is not shut out elsewhere', async ({
  door,
  world,
}) => {
  // The administrator signed in from here, so here its password needs no slow hash.
  const each = loginFailuresPerMinute / 3;
  const source = '127.0.0.1';
  for (let guess = 0; guess < each; guess++) {
    assert.is(await login(world, 'admin', strong()), '401 credentials-invalid');
    assert.is(door.code(await door.ask('admin', strong(), { source })), '423 registry-locked');
    assert.is(await knockAt(world, { username: 'admin', password: strong() }), refused);
  }
  assert.is(await login(world, 'admin', adminPassword), '429 login-throttled');
  assert.is(door.code(await door.ask('admin', adminPassword)), '429 source-throttled');
  assert.is(await knockAt(world, { username: 'admin', password: adminPassword }), refused);
});

test('a device that was here before goes on beside somebody who guesses at its name', async ({
  door,
}) => {
  await door.unlock();
  const strongOne = await door.active();
  const weakOne = await door.active({}, newName(), 'a weak password 1');
  assert.is(door.code(await door.ask(weakOne.username, weakOne.password)), '201');
  await door.lock();
  for (const { username, password } of [strongOne, weakOne]) {
    for (let guess = 0; guess <= loginFailuresPerMinute; guess++)
      await door.ask(username, strong());
    assert.is(door.code(await door.ask(username, strong())), '429 source-throttled');
    assert.is(door.code(await door.ask(username, password)), '201');
  }
});

test('without a limit of attempts per source the doors have none for names either', async ({
  door,
  world,
}) => {
  await world.restart({ GATEBOOK_SOURCE_ATTEMPTS_PER_MINUTE: '0' });
  for (let guess = 0; guess <= loginFailuresPerMinute; guess++)
    assert.is(door.code(await door.ask('admin', strong())), '423 registry-locked');
  assert.is(await login(world, 'admin', adminPassword), '200');
});

test.run();
