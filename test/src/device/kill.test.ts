/** `kill -9` before each step of a registration, from the first file to the last: the same call goes on. */
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { register } from '../../../src/device/register.ts';
import { runProgram } from '../../support/program.ts';
import {
  type Asked,
  deviceSuite,
  door,
  granted,
  pending,
  type Reply,
  read,
} from '../../support/scripted-door.ts';
import { assert } from '../../support/suite.ts';

const test = deviceSuite('client: killed');
const program = fileURLToPath(new URL('../../support/device-killed.ts', import.meta.url));

const answers: [Reply, ...Reply[]] = [pending(), granted];

/** Every password that somebody was told; a poll tells none. */
const passwordsIn = (asked: readonly Asked[]) =>
  new Set(asked.flatMap(({ body }) => (body === null ? [] : [body.password])));

test('killed before any step (every third one; KILLS=all: each), it goes on with the same password, and tells of the grant at last', async ({
  folder,
  open,
}) => {
  const whole = await runProgram(process.execPath, [
    ...[program, await open(door(...answers).server), join(folder, 'whole.json')],
  ]);
  assert.is(whole.code, 0, whole.output);
  const steps = Number(whole.output);
  assert.ok(steps > 12, whole.output);
  const killed = async (at: number) => {
    const { server, asked } = door(...answers);
    const url = await open(server);
    const file = join(folder, `${at}.json`);
    const first = await runProgram(process.execPath, [program, url, file], { KILL_AT: `${at}` });
    assert.is(first.code, null, `${at}: ${first.output}`);
    const before = passwordsIn(asked);
    if (existsSync(file)) assert.is(statSync(file).mode & 0o777, 0o600);
    else assert.is(before.size, 0, `${at}: a password that is not on disk was sent`);
    let told = 0;
    const options = { url, file, username: 'press-17', onNew: async () => void told++ };
    assert.is((await register(options)).status, 'granted');
    const known = new Set([...passwordsIn(asked), read(file).password]);
    assert.is(known.size, 1, `${at}: another password`);
    const byChild = existsSync(`${file}.told`) ? readFileSync(`${file}.told`, 'utf8').length : 0;
    assert.ok(told + byChild > 0, `${at}: nobody was told of the grant`);
    assert.not.ok(existsSync(`${file}.untold`));
    assert.is((await register(options)).status, 'granted');
    assert.ok(told <= 1, `${at}: told again and again`);
  };
  const every = process.env.KILLS === 'all' ? 1 : 3;
  for (let at = every; at <= steps; at += every) await killed(at);
});

test('what could not be told is told at the next call', async ({ folder, open }) => {
  const { server } = door(granted);
  const file = join(folder, 'f.json');
  const options = { url: await open(server), username: 'press-17', file };
  let calls = 0;
  const onNew = async () => {
    calls++;
    if (calls === 1) throw new Error('not now');
  };
  const failed = await register({ ...options, onNew }).catch((error: Error) => error.message);
  assert.is(failed, 'not now');
  assert.is(read(file).registered.status, 'granted');
  const again = await register({ ...options, onNew });
  assert.equal([again.status === 'granted' && again.already, calls], [true, 2]);
  await register({ ...options, onNew });
  assert.is(calls, 2);
});

test.run();
