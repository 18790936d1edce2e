/** The device's side when the network, the registry or its own file is not as it should be. */
import { chmodSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  RegistrationFileError,
  RegistrationRefused,
  type RegistrationStatus,
  RegistryUnreachable,
  register,
} from '../../../src/device/register.ts';
import { realTime } from '../../../src/device/time.ts';
import {
  caught,
  deviceSuite,
  door,
  granted,
  pending,
  problem,
  read,
} from '../../support/scripted-door.ts';
import { assert } from '../../support/suite.ts';

const test = deviceSuite('client: faults');

test('a redirect is not followed, so the password goes to nobody else', async ({
  folder,
  open,
}) => {
  const other = door(granted);
  const otherUrl = await open(other.server);
  const { server } = door({ status: 307, headers: { location: `${otherUrl}/` } });
  const work = register({ url: await open(server), username: 'press-17', file: join(folder, 'f') });
  assert.instance(await caught(work), RegistrationRefused);
  assert.is(other.asked.length, 0);
});

test('a lost connection is tried again', async ({ folder, open }) => {
  const { server, asked } = door({ status: 0, cut: true }, granted);
  const said: RegistrationStatus[] = [];
  const result = await register({
    url: await open(server),
    username: 'press-17',
    file: join(folder, 'f.json'),
    onStatus: (status) => said.push(status),
  });
  assert.is(result.status, 'granted');
  assert.is(said[1]?.status, 'unreachable');
  assert.ok((said[1]?.retryInMs ?? 0) >= 250);
  assert.is(asked.length, 2);
});

test('the device never asks earlier than it is told', async ({ folder, open }) => {
  const later = new Date(Date.now() + 100_000).toUTCString();
  for (const [header, leastMs] of [
    ['7', 7_000],
    ['0', 250],
    [later, 90_000],
    ['999999', 3_600_000],
  ] as const) {
    const { server } = door({
      ...problem(423, 'registry-locked'),
      headers: { 'retry-after': header },
    });
    const url = await open(server);
    const file = join(folder, `${leastMs}.json`);
    const result = await register({ url, username: 'press-17', file, wait: false });
    const { retryInMs } = result.status === 'undecided' ? result.because : { retryInMs: 0 };
    assert.ok(retryInMs >= leastMs, `${header}: ${retryInMs}`);
    assert.ok(retryInMs <= Math.max(leastMs, 100_000, leastMs) * 1.25, `${header}: ${retryInMs}`);
  }
});

test('without waiting, a locked registry is undecided and an absent one an error', async ({
  folder,
  open,
}) => {
  const { server } = door(problem(423, 'registry-locked'), problem(503, 'stopping'));
  const url = await open(server);
  const options = { url, username: 'press-17', file: join(folder, 'f.json'), wait: false };
  const result = await register(options);
  assert.is(result.status === 'undecided' && result.because.status, 'locked');
  const busy = await caught(register(options));
  assert.ok(busy instanceof RegistryUnreachable && busy.status === 'busy');
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  const away = await caught(register(options));
  assert.ok(away instanceof RegistryUnreachable && away.status === 'unreachable');
  assert.is(away.message, 'ECONNREFUSED');
});

test('a 202 that asks for more rest than a long poll lasts gets it first', async ({
  folder,
  open,
}) => {
  const waits = { ...pending(), headers: { 'retry-after': '40' } };
  for (const [reply, sleptMs] of [
    [waits, 40_000],
    [pending(), 0],
  ] as const) {
    const { server, asked } = door(reply, granted);
    const slept: number[] = [];
    const time = { ...realTime, sleep: async (ms: number) => void slept.push(ms) };
    const file = join(folder, `${sleptMs}.json`);
    const url = await open(server);
    await register({ url, username: 'press-17', file, time });
    assert.ok(sleptMs === 0 ? slept.length === 0 : (slept[0] ?? 0) >= sleptMs, `${slept}`);
    assert.is(asked[1]?.headers.prefer, 'wait=30');
  }
});

test('an abort ends the waiting at once', async ({ folder, open }) => {
  const { server } = door({
    ...problem(423, 'registry-locked'),
    headers: { 'retry-after': '3600' },
  });
  const stop = new AbortController();
  const work = register({
    url: await open(server),
    username: 'press-17',
    file: join(folder, 'f.json'),
    signal: stop.signal,
    onStatus: ({ status }) => status === 'locked' && stop.abort(new Error('enough')),
  });
  assert.is((await caught(work)).message, 'enough');
});

test("somebody else's file is left alone", async ({ folder, open }) => {
  const { server, asked } = door(granted);
  const url = await open(server);
  const file = join(folder, 'f.json');
  const refused = async (content: string, options: object = {}) => {
    writeFileSync(file, content);
    const error = await caught(register({ url, username: 'press-17', file, ...options }));
    assert.instance(error, RegistrationFileError);
    assert.is(readFileSync(file, 'utf8'), content);
    assert.not.match(error.message, 'hunter2');
  };
  const held = { url, username: 'press-17', password: 'hunter2' };
  await refused('');
  await refused('[]');
  await refused('null');
  await refused('{"url":"x"}');
  await refused(JSON.stringify({ ...held, username: 'press-18' }));
  await refused(JSON.stringify({ ...held, url: 'http://elsewhere' }));
  await refused(JSON.stringify(held), { password: 'another' });
  assert.is(asked.length, 0);
  const absent = join(folder, 'absent', 'f.json');
  assert.instance(
    await caught(register({ url, username: 'press-17', file: absent })),
    RegistrationFileError,
  );
});

test('a file that others could read is private after the next step', async ({ folder, open }) => {
  const { server } = door(granted);
  const url = await open(server);
  const file = join(folder, 'f.json');
  writeFileSync(file, JSON.stringify({ url, username: 'press-17', password: 'hunter2' }));
  chmodSync(file, 0o644);
  await register({ url, username: 'press-17', file });
  assert.is(statSync(file).mode & 0o777, 0o600);
});

test('an answer that is not of Gatebook is no grant', async ({ folder, open }) => {
  for (const body of [{}, [], { status: 'granted', username: 'somebody-else' }]) {
    const { server } = door({ status: 201, body });
    const file = join(folder, 'f.json');
    const error = await caught(register({ url: await open(server), username: 'press-17', file }));
    assert.match(error.message, 'does not answer as Gatebook does');
    assert.is(read(file).registered, null);
    rmSync(file);
  }
});

test.run();
