import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Event, Token } from '../../../../src/api/output.ts';
import { assert, suite } from '../../../support/suite.ts';
import {
  adminPassword,
  type Gatebook,
  gatebook,
  type Ran,
  type Running,
  said,
} from '../gatebook.ts';

const test = suite<{ gate: Gatebook; service: Running }>('cli history --follow');
test.before(async (world) => {
  const gate = gatebook();
  world.gate = gate;
  world.service = await gate.serve();
  // So that it comes back where it was.
  gate.environment.GATEBOOK_HTTP_PORT = new URL(gate.environment.GATEBOOK_URL ?? '').port;
  gate.environment.GATEBOOK_USERNAME = 'admin';
  gate.environment.GATEBOOK_PASSWORD = adminPassword;
});
test.after(({ gate }) => gate.clean());

const defined = async (gate: Gatebook, name: string) =>
  void said(await gate.call('roles', 'create', name, '--permission', 'mqtt:read:plant/#'));

/** Lines of a process that goes on, as they are now. */
function reading({ child }: Running): () => string[] {
  let text = '';
  child.stdout?.on('data', (some: string) => {
    text += some;
  });
  return () => text.split('\n').slice(0, -1);
}

async function until(what: string, isSo: () => boolean): Promise<void> {
  // Only so that a fault ends the suite instead of holding it up.
  for (let tries = 0; tries < 600 && !isSo(); tries++) await sleep(100);
  assert.ok(isSo(), `never: ${what}`);
}

async function interrupted({ child, ended }: Running): Promise<Ran> {
  child.kill('SIGINT');
  return await ended;
}

const eventsOf = (lines: readonly string[]) => lines.map((line) => JSON.parse(line) as Event);
const everything = async (gate: Gatebook): Promise<Event[]> =>
  JSON.parse(said(await gate.call('history', '--limit', '1000', '--json'))).items.toReversed();

test('it shows the newest ones oldest first, then what happens, and ends with 0 at Ctrl-C', async ({
  gate,
}) => {
  await defined(gate, 'before');
  const follower = gate.start(['history', '--follow', '--limit', '3']);
  await follower.says('RoleDefined');
  await defined(gate, 'after-1');
  await follower.says('after-1');
  await defined(gate, 'after-2');
  await follower.says('after-2');
  const { exitCode, stdout, stderr } = await interrupted(follower);
  assert.equal([exitCode, stderr], [0, '']);
  const [header = '', ...lines] = stdout.trimEnd().split('\n');
  assert.match(header, /^WHEN {23}WHAT {20}CLIENT {12}WHO {11}DETAILS$/);
  const roles = lines.flatMap(
    (line) => /RoleDefined .* admin .*(before|after-\d)/.exec(line)?.[1] ?? [],
  );
  assert.equal(roles, ['before', 'after-1', 'after-2']);
});

test('over a restart of the registry it goes on, says so, and loses and repeats nothing', async (world) => {
  const { gate } = world;
  const follower = gate.start(['history', '--follow', '--limit', '1000', '--json']);
  const lines = reading(follower);
  await until('the first page', () => lines().length > 0);
  await defined(gate, 'on-1');
  await until('on-1', () => lines().some((line) => line.includes('"on-1"')));
  assert.is((await interrupted(world.service)).exitCode, 0);
  const away = await follower.says('Trying on (Ctrl-C stops).');
  assert.match(away, /^Cannot reach the registry at http/);
  world.service = await gate.serve();
  await defined(gate, 'on-2');
  await until('on-2', () => lines().some((line) => line.includes('"on-2"')));
  await follower.says('The registry answers again.');
  const { exitCode, stdout, stderr } = await interrupted(follower);
  assert.is(exitCode, 0);
  assert.is(stderr.match(/Trying on/g)?.length, 1, 'said once');
  const seen = eventsOf(stdout.trimEnd().split('\n'));
  assert.equal(seen, (await everything(gate)).slice(0, seen.length));
});

test('filters hold while it follows', async ({ gate }) => {
  said(await gate.call('unlock', '--note', 'before'));
  const follower = gate.start(['history', '--follow', '--json', '--type', 'RegistryUnlocked']);
  const lines = reading(follower);
  await until('the first one', () => lines().length === 1);
  said(await gate.call('lock'));
  said(await gate.call('unlock', '--note', 'after'));
  await until('the second one', () => lines().length === 2);
  await defined(gate, 'not-shown');
  said(await gate.call('lock'));
  said(await gate.call('unlock', '--note', 'last'));
  await until('the third one', () => lines().length === 3);
  const { stdout } = await interrupted(follower);
  const notes = eventsOf(stdout.trimEnd().split('\n')).map(
    ({ type, data }) => `${type} ${(data.limits as { note: string }).note}`,
  );
  assert.equal(
    notes,
    ['before', 'after', 'last'].map((note) => `RegistryUnlocked ${note}`),
  );
});

test('more than one portion at once, and a token that ended: still each event once', async ({
  gate,
}) => {
  const follower = gate.start(['history', '--follow', '--limit', '10', '--json']);
  const lines = reading(follower);
  await until('the first page', () => lines().length >= 10);
  follower.child.kill('SIGSTOP');
  const login = await fetch(`${gate.environment.GATEBOOK_URL}/api/login`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ username: 'admin', password: adminPassword }),
  });
  const { token, tokenId } = (await login.json()) as { token: string; tokenId: string };
  const call = (method: string, path: string, body?: object) =>
    fetch(`${gate.environment.GATEBOOK_URL}/api${path}`, {
      method,
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      ...(body && { body: JSON.stringify(body) }),
    });
  const count = 1_200;
  for (let made = 0; made < count; )
    await Promise.all(
      Array.from({ length: 50 }, () =>
        call('PUT', `/roles/many-${made++}`, { permissions: [] }).then(({ status }) =>
          assert.is(status, 201),
        ),
      ),
    );
  const { items } = (await (await call('GET', '/tokens?limit=1000')).json()) as { items: Token[] };
  for (const one of items)
    if (one.tokenId !== tokenId) await call('DELETE', `/tokens/${one.tokenId}`);
  follower.child.kill('SIGCONT');
  await defined(gate, 'the-last');
  await until('the last one', () => lines().some((line) => line.includes('"the-last"')));
  const { exitCode, stdout, stderr } = await interrupted(follower);
  assert.equal([exitCode, stderr], [0, '']);
  const seen = eventsOf(stdout.trimEnd().split('\n'));
  const first = seen[0]?.index ?? 0;
  assert.equal(
    seen.map(({ index }) => index),
    seen.map((_, at) => first + at),
  );
  assert.is(
    seen.filter(({ type, data }) => type === 'RoleDefined' && String(data.name).startsWith('many-'))
      .length,
    count,
  );
});

test('it ends when nobody reads any more, and takes no cursor', async ({ gate }) => {
  const follower = gate.start(['history', '--follow', '--limit', '1']);
  await follower.says('WHEN');
  follower.child.stdout?.destroy();
  const ended = once(follower.child, 'exit');
  await defined(gate, 'unread-1');
  await defined(gate, 'unread-2');
  assert.equal(await ended, [0, null]);
  const { exitCode, stderr } = await gate.call('history', '--follow', '--cursor', 'YjE');
  assert.is(exitCode, 2);
  assert.match(stderr, /--follow begins at the newest events/);
});

test('a registry that is not there at the beginning is exit 5, a wrong password exit 4', async ({
  gate,
}) => {
  const away = await gate.call(
    'history',
    '--follow',
    '--url',
    'http://127.0.0.1:9',
    '--token',
    'x',
  );
  assert.is(away.exitCode, 5);
  const wrong = await gate.call('history', '--follow', '--token', 'v4.public.no');
  assert.is(wrong.exitCode, 4);
});

test.run();
