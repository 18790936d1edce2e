/** The device's side: it makes a password, asks, waits, and keeps what it got. */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import {
  RegistrationRefused,
  type RegistrationStatus,
  register,
} from '../../../src/device/register.ts';
import {
  caught,
  deviceSuite,
  door,
  granted,
  pending,
  problem,
  type Reply,
  read,
  registered,
} from '../../support/scripted-door.ts';
import { assert } from '../../support/suite.ts';

const test = deviceSuite('client');

test('a new device makes its password and keeps it before it asks', async ({ folder, open }) => {
  const file = join(folder, 'press-17.json');
  let before: ReturnType<typeof read> = null;
  const { server, asked } = door({
    ...granted,
    look: () => (before = existsSync(file) ? read(file) : null),
  });
  const url = await open(server);
  const result = await register({
    url: `${url}/`,
    username: 'press-17',
    file,
    context: { line: '4' },
  });

  assert.equal(result, { status: 'granted', registered, already: false });
  assert.ok(before, 'the file is there before the first request');
  assert.equal(before, {
    url,
    username: 'press-17',
    password: before.password,
    requestId: null,
    pairingId: before.pairingId,
    registrationToken: null,
    registered: null,
  });
  assert.match(before.password, /^[0-9a-f]{64}$/);
  assert.match(before.pairingId, /^[0-9a-f]{6}$/);
  assert.equal(asked[0]?.body, {
    username: 'press-17',
    password: before.password,
    pairingId: before.pairingId,
    context: { line: '4' },
  });
  assert.equal(read(file), { ...before, requestId: 'r-1', registered });
  assert.is(statSync(file).mode & 0o777, 0o600);
  assert.equal(readdirSync(folder), ['press-17.json']);
});

test('while it is locked the device asks again; when pending it polls with its token', async ({
  folder,
  open,
}) => {
  const file = join(folder, 'f.json');
  const { server, asked } = door(
    problem(423, 'registry-locked'),
    problem(429, 'source-throttled'),
    problem(503, 'store-unavailable'),
    pending(),
    pending(),
    granted,
  );
  const said: string[] = [];
  const onStatus = ({ status }: RegistrationStatus) => said.push(status);
  await register({ url: await open(server), username: 'press-17', file, onStatus });
  assert.equal(said, ['asking', 'locked', 'busy', 'busy', 'pending', 'pending']);
  assert.equal(
    asked.map(({ method, path }) => `${method} ${path.replace('/api/client-registry/', '')}`),
    [...Array(4).fill('POST register'), 'GET requests/self', 'GET requests/self'],
  );
  for (const { headers } of asked.slice(4))
    assert.equal(
      [headers.authorization, headers.prefer],
      ['Bearer v4.public.registration', 'wait=30'],
    );
  assert.equal(new Set(asked.slice(0, 4).map(({ body }) => body?.password)).size, 1);
  assert.is(read(file).registrationToken, null);
});

test('a token that has ended, or is of a request that is gone, leads back to the password', async ({
  folder,
  open,
}) => {
  for (const status of [401, 404]) {
    const { server, asked } = door(pending(), pending(), problem(status, 'token-invalid'), granted);
    const file = join(folder, `${status}.json`);
    await register({ url: await open(server), username: 'press-17', file });
    assert.equal(
      asked.map(({ method }) => method),
      ['POST', 'GET', 'GET', 'POST'],
    );
  }
});

test('what ended the request of its token does not end the device: the password may open the next one', async ({
  folder,
  open,
}) => {
  for (const [status, code] of [
    [410, 'access-expired'],
    [403, 'registration-denied'],
  ] as const) {
    const file = join(folder, `${code}.json`);
    const { server, asked } = door(pending(), problem(status, code), pending(), granted);
    const url = await open(server);
    await register({ url, username: 'press-17', file, wait: false });
    const again = await register({ url, username: 'press-17', file, wait: false });
    assert.is(again.status, 'undecided');
    assert.equal(
      asked.map(({ method }) => method),
      ['POST', 'GET', 'POST'],
    );
    assert.is((await register({ url, username: 'press-17', file })).status, 'granted');
  }
});

test('run again with the same file, it goes on with the same password', async ({
  folder,
  open,
}) => {
  const file = join(folder, 'f.json');
  const { server, asked } = door(pending(), granted);
  const url = await open(server);
  const options = { url, username: 'press-17', file };
  const first = await register({ ...options, wait: false });
  assert.is(first.status, 'undecided');
  const kept = read(file);
  assert.equal([kept.requestId, kept.pairingId], ['r-1', 'a1b2c3']);
  const second = await register({ ...options, wait: false, pairingId: 'ffffff' });
  assert.is(second.status, 'granted');
  assert.equal(
    asked.map(({ method }) => method),
    ['POST', 'GET'],
  );
  assert.is(asked[1]?.headers.prefer, undefined);
  assert.equal([read(file).password, read(file).pairingId], [kept.password, 'a1b2c3']);
});

test('a device that goes on says at once that it is pending, before it waits', async ({
  folder,
  open,
}) => {
  const file = join(folder, 'f.json');
  const { server, asked } = door(pending(), pending(), granted);
  const options = { url: await open(server), username: 'press-17', file };
  await register({ ...options, wait: false });
  const said: string[] = [];
  await register({ ...options, onStatus: ({ status }) => said.push(`${status} ${asked.length}`) });
  assert.equal(said, ['asking 1', 'pending 2']);
  assert.equal(
    asked.map(({ headers }) => headers.prefer),
    [undefined, undefined, 'wait=30'],
  );
});

test('a device that is registered says so, also when nobody answers', async ({ folder, open }) => {
  const file = join(folder, 'f.json');
  const { server, asked } = door(granted, granted, problem(503, 'stopping'));
  const url = await open(server);
  const options = { url, username: 'press-17', file };
  await register(options);
  const kept = readFileSync(file, 'utf8');
  assert.equal(await register(options), { status: 'granted', registered, already: true });
  assert.equal(await register(options), { status: 'granted', registered, already: true });
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  assert.equal(await register(options), { status: 'granted', registered, already: true });
  assert.is(asked.length, 3);
  assert.is(readFileSync(file, 'utf8'), kept);
});

test('a registered device that the registry no longer knows asks anew', async ({
  folder,
  open,
}) => {
  const file = join(folder, 'f.json');
  const { server, asked } = door(granted, problem(423, 'registry-locked'), granted);
  const options = { url: await open(server), username: 'press-17', file };
  await register(options);
  const said: string[] = [];
  const again = await register({ ...options, onStatus: ({ status }) => said.push(status) });
  assert.equal(again, { status: 'granted', registered, already: false });
  // The locked one is not asked twice at once.
  assert.equal([asked.length, said], [3, ['asking', 'locked']]);
});

test('a final refusal ends it, with the words of the registry', async ({ folder, open }) => {
  const finals: [number, string][] = [
    [400, 'request-malformed'],
    [403, 'registration-denied'],
    [403, 'access-suspended'],
    [410, 'access-revoked'],
    [410, 'access-expired'],
    [413, 'body-too-large'],
  ];
  for (const [status, code] of finals) {
    const { server, asked } = door(problem(status, code, { reason: 'not ours' }));
    const file = join(folder, `${code}.json`);
    const error = await caught(register({ url: await open(server), username: 'press-17', file }));
    assert.instance(error, RegistrationRefused);
    const refused = error as RegistrationRefused;
    assert.equal([refused.status, refused.code, refused.message], [status, code, `${code}.`]);
    assert.is(refused.problem.reason, 'not ours');
    assert.is(asked.length, 1);
    assert.ok(read(file).password, 'the same command can go on later');
  }
});

test('a re-imaged device asks once more where its name is taken, and then waits for the replacement', async ({
  folder,
  open,
}) => {
  for (const wait of [true, false]) {
    const { server, asked } = door(
      problem(409, 'username-taken'),
      problem(503, 'store-unavailable'),
      problem(409, 'replacement-pending'),
      granted,
    );
    const said: string[] = [];
    const result = await register({
      url: await open(server),
      username: 'press-17',
      file: join(folder, `${wait}.json`),
      wait,
      onStatus: ({ status }) => said.push(status),
    }).catch((error) => error);
    if (wait) {
      assert.equal(said, ['asking', 'username-taken', 'busy', 'replacement-pending']);
      assert.equal([result.status, asked.length], ['granted', 4]);
    } else {
      // It does not wait for a decision, nor for a registry that is busy.
      assert.equal(said, ['asking', 'username-taken']);
      assert.equal([result.name, asked.length], ['RegistryUnreachable', 2]);
    }
  }
  const { server, asked } = door(
    problem(409, 'username-taken'),
    problem(409, 'replacement-pending'),
  );
  const once = { url: await open(server), username: 'press-17', file: join(folder, 'once.json') };
  const undecided = await register({ ...once, wait: false });
  assert.is(undecided.status === 'undecided' && undecided.because.status, 'replacement-pending');
  assert.equal(
    asked.map(({ body }) => body?.password),
    Array(2).fill(read(once.file).password),
  );
});

test('a name that is taken at the second question too ends it, in every window anew', async ({
  folder,
  open,
}) => {
  const taken = problem(409, 'username-taken');
  for (const [replies, count] of [
    [[taken, taken], 2],
    [[taken, problem(503, 'store-unavailable'), taken], 3],
    [[taken, problem(423, 'registry-locked'), taken, taken], 4],
    // A registry that does not say when to ask again means it at once.
    [[{ ...taken, headers: {} }], 1],
  ] as [[Reply, ...Reply[]], number][]) {
    const { server, asked } = door(...replies);
    const file = join(folder, `${count}.json`);
    const error = await caught(register({ url: await open(server), username: 'press-17', file }));
    assert.instance(error, RegistrationRefused);
    assert.equal([(error as RegistrationRefused).code, asked.length], ['username-taken', count]);
  }
});

test('a challenger waits for the replacement', async ({ folder, open }) => {
  const { server, asked } = door(problem(409, 'replacement-pending'), granted);
  const said: string[] = [];
  await register({
    url: await open(server),
    username: 'press-17',
    file: join(folder, 'f.json'),
    onStatus: ({ status }) => said.push(status),
  });
  assert.equal(said, ['asking', 'replacement-pending']);
  assert.is(asked.length, 2);
});

test.run();
