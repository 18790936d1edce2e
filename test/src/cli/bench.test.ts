/** `gatebook bench`: a registry of its own is measured, and nothing of it stays. */
import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { assert, suite } from '../../support/suite.ts';
import { type Gatebook, gatebook, said } from './gatebook.ts';

const test = suite('bench');
let it: Gatebook;
let temporary: string;

test.before(() => {
  it = gatebook();
  temporary = join(it.folder, 'tmp');
  mkdirSync(temporary);
  it.environment.TMPDIR = temporary;
  // What is set up here is not measured: the bench would fail at this store.
  it.environment.GATEBOOK_STORE = 'kurrentdb://127.0.0.1:1?tls=false';
});
test.after(() => it.clean());

test('each line is measured, and the registry is gone afterwards', async () => {
  const ran = await it.run(
    ...['bench', '--count', '60', '--connections', '4', '--rounds', '1', '--json'],
  );
  const told = JSON.parse(said(ran)) as {
    connections: number;
    items: { name: string; perSecond: number; p50Ms: number; p99Ms: number }[];
  };
  assert.is(told.connections, 4);
  assert.equal(
    told.items.map(({ name }) => name),
    [
      ...['health', 'register while locked', 'register, new', 'ask again'],
      ...['grant, one by one', 'MQTT connect'],
    ],
  );
  for (const { name, perSecond, p50Ms, p99Ms } of told.items)
    assert.ok(perSecond > 0 && p50Ms > 0 && p99Ms >= p50Ms, name);
  assert.equal(readdirSync(temporary), []);
});

test('a number that is none is refused with what may stand there', async () => {
  for (const count of ['0', '1.5', 'many', '100001']) {
    const { exitCode, stderr } = await it.call('bench', '--count', count);
    assert.is(exitCode, 2);
    assert.match(stderr, /--count must be a whole number from 1 to 100000/);
  }
});

test.run();
